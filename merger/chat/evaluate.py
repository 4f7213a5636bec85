"""Names that callers still use; the next commits move them."""

from merger.chat.attention import attend_by_rows as _attend_by_rows
from merger.chat.batch import generate_batch as say_all
from merger.chat.batch import interleave as take_turns
from merger.chat.load import _speaks, load_tokenizer
from merger.chat.load import chat_model as speaker
from merger.chat.model import ChatModel as Speaker
from merger.chat.model import Event as Said
from merger.chat.model import Judged, Plain, Token
from merger.chat.reuse import Probe

__all__ = [
    "Judged",
    "Plain",
    "Probe",
    "Said",
    "Speaker",
    "Token",
    "_attend_by_rows",
    "_speaks",
    "load_tokenizer",
    "say_all",
    "speaker",
    "take_turns",
]
