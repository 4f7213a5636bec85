"""Every bound that a stranger's file, recipe or request meets, in one table: docs/security.md shows it (`make docs`).

A bound is a plain number with its unit, what it holds and the test that goes beyond it:

>>> RECIPE_CHARACTERS > 1000, RECIPE_CHARACTERS.unit
(True, 'characters')
"""

from typing import Literal

Scope = Literal["file", "recipe", "request", "visitor", "server"]


class Limit(int):
    """A number that knows what it bounds.

    unit   what is counted
    scope  for one what it holds: a file, a recipe, a request, a visitor, or the whole server
    holds  what is bounded, as docs/security.md says it
    test   the test that goes beyond it, as `file::function` below tests/
    """

    unit: str
    scope: Scope
    holds: str
    test: str

    def __new__(cls, value: int, unit: str, scope: Scope, holds: str, test: str) -> "Limit":
        """A bound of `value` units."""
        made = super().__new__(cls, value)
        made.unit, made.scope, made.holds, made.test = unit, scope, holds, test
        return made

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """Copied and sent elsewhere, a bound is a plain number."""
        return int, (int(self),)


# Recipes and links.
RECIPE_CHARACTERS = Limit(
    200_000, "characters", "recipe", "A recipe's text on the page", "test_ui.py::test_hostile_links_are_refused_readably"
)  # fmt: skip
LINK_CHARACTERS = Limit(
    8192, "characters", "recipe", "A recipe in a link", "test_ui.py::test_a_recipe_too_long_for_a_link_says_so"
)  # fmt: skip

# What a visitor may ask for, and what is kept for him.
PROMPT_CHARACTERS = Limit(2000, "characters", "request", "A prompt", "test_api.py::test_a_long_prompt_is_refused")
UNDO_STEPS = Limit(100, "steps", "visitor", "Undo", "test_ui.py::test_undo_is_bounded")

# Chat templates: a stranger's program, rendered in a process of its own (merger/templates.py).
TEMPLATE_CHARACTERS = Limit(
    100_000, "characters", "file", "A chat template", "test_templates.py::test_a_template_too_long_is_refused_before_it_is_read"
)  # fmt: skip
TEMPLATE_SECONDS = Limit(2, "seconds", "request", "Rendering a chat template", "test_templates.py::test_bombs_are_stopped")
TEMPLATE_MEMORY = Limit(
    256_000_000, "bytes", "server", "Memory of each process that renders (three)", "test_templates.py::test_bombs_are_stopped"
)  # fmt: skip
TEMPLATE_OUTPUT = Limit(
    500_000, "characters", "request", "What a chat template writes", "test_templates.py::test_output_is_bounded"
)  # fmt: skip
TEMPLATES_WAITING = Limit(
    16, "requests", "server", "Waiting for a template to be rendered", "test_templates.py::test_too_many_waiting_are_refused"
)  # fmt: skip
TEMPLATES_KEPT = Limit(
    512, "results", "server", "Rendered chats that are kept", "test_templates.py::test_what_is_kept_is_bounded"
)  # fmt: skip

# A model's folder, on this machine or on the Hub: what of it is read, by merger/files.py and merger/checkpoints.py.
JSON_BYTES = Limit(10_000_000, "bytes", "file", "A JSON file of a model", "test_bounds_of_files.py::test_a_large_json_file")
JSON_VALUES = Limit(500_000, "values", "file", "What a JSON file holds", "test_bounds_of_files.py::test_many_small_values")
JSON_DEPTH = Limit(32, "levels", "file", "Nesting of a JSON file", "test_bounds_of_files.py::test_deep_json")
INDEX_BYTES = Limit(50_000_000, "bytes", "file", "The index of a model's files", "test_bounds_of_files.py::test_absurd_indexes")
SHARDS = Limit(2000, "files", "file", "Weight files of a model", "test_bounds_of_files.py::test_absurd_indexes")
HEADER_BYTES = Limit(
    100_000_000, "bytes", "file", "The header of a weight file here", "test_bounds_of_files.py::test_headers_here"
)  # fmt: skip
TENSORS = Limit(250_000, "tensors", "file", "Tensors of a model here", "test_bounds_of_files.py::test_headers_here")
NAME_CHARACTERS = Limit(1000, "characters", "file", "A tensor's name", "test_bounds_of_files.py::test_headers_here")
AFAR_BYTES = Limit(
    25_000_000, "bytes", "request", "All headers of a model that is still on the Hub",
    "test_bounds_of_files.py::test_headers_from_afar",
)  # fmt: skip
AFAR_TENSORS = Limit(
    100_000, "tensors", "request", "Tensors of a model that is still on the Hub",
    "test_bounds_of_files.py::test_headers_from_afar",
)  # fmt: skip
PICKLE_BYTES = Limit(
    100_000_000, "bytes", "file", "The pickle in a .bin file, and its table of contents",
    "test_bounds_of_files.py::test_pickles_of_strangers",
)  # fmt: skip
PICKLE_STEPS = Limit(
    300, "steps for each tensor", "file", "Reading the pickle in a .bin file",
    "test_bounds_of_files.py::test_pickles_of_strangers",
)  # fmt: skip
CARD_BYTES = Limit(65_536, "bytes", "file", "What is read of a README or LICENSE", "test_bounds_of_files.py::test_cards")
PATTERN_STEPS = Limit(
    2_000_000_000, "steps", "file", "Matching the patterns of a LoRA", "test_bounds_of_files.py::test_patterns_of_a_lora"
)  # fmt: skip
TOKENIZER_BYTES = Limit(100_000_000, "bytes", "file", "A tokenizer's file", "test_safe.py::test_tokenizers_beyond_the_bounds")
TOKENIZER_VALUES = Limit(
    5_000_000, "values", "file", "What tokenizer.json holds", "test_safe.py::test_tokenizers_beyond_the_bounds"
)  # fmt: skip
TOKENS = Limit(2_000_000, "tokens", "file", "A vocabulary", "test_safe.py::test_tokenizers_beyond_the_bounds")
TOKEN_CHARACTERS = Limit(16_384, "characters", "file", "A token", "test_safe.py::test_tokenizers_beyond_the_bounds")
TEXT_GROWTH = Limit(
    4096, "times", "file", "How much longer a tokenizer can make a text", "test_safe.py::test_tokenizers_beyond_the_bounds"
)  # fmt: skip
MODEL_GROWTH = Limit(
    8, "times its tensors", "file", "Memory of the model that config.json describes, beside 268 MB",
    "test_safe.py::test_a_config_that_asks_for_too_much",
)  # fmt: skip
DOCUMENTS = Limit(64, "documents", "recipe", "Documents of a recipe", "test_bounds_of_files.py::test_chained_documents")
READS = Limit(
    1000, "readings", "recipe", "Models that one tensor needs, through all documents",
    "test_bounds_of_files.py::test_chained_documents",
)  # fmt: skip


def table() -> dict[str, Limit]:
    """All bounds by name, in the order above.

    >>> "PROMPT_CHARACTERS" in table()
    True
    """
    return {name: value for name, value in globals().items() if isinstance(value, Limit)}


__all__ = ["Limit", "Scope", "table"]
