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
RECIPE_VALUES = Limit(
    50_000, "values", "recipe", "Numbers, words and lists of a recipe, what `*` repeats included",
    "test_bounds.py::test_a_recipe_is_bounded",
)  # fmt: skip
RECIPE_LAYERS = Limit(512, "layers", "recipe", "Layers that its slices stack", "test_bounds.py::test_a_recipe_is_bounded")
RECIPE_MODELS = Limit(128, "models", "recipe", "Models that are merged at once", "test_bounds.py::test_a_recipe_is_bounded")
PLAN_TENSORS = Limit(
    400_000, "tensors", "recipe", "Tensors that a merge reads and writes", "test_bounds.py::test_a_plan_is_bounded"
)  # fmt: skip
PLANS_TENSORS = Limit(
    100_000, "tensors", "server", "Plans that are kept for the next move of a slider",
    "test_bounds.py::test_kept_plans_are_bounded",
)  # fmt: skip

# What a visitor may ask for, and what is kept for him.
PROMPT_CHARACTERS = Limit(2000, "characters", "request", "A prompt", "test_api.py::test_a_long_prompt_is_refused")
ANSWER_CHARACTERS = Limit(2000, "characters", "request", "A wanted answer of a row", "test_rows.py::test_rows_are_bounded")
SCENE_CHARACTERS = Limit(
    40_000, "characters", "request", "A recipe that the browser keeps under a name", "test_head.py::test_a_scene_is_bounded"
)  # fmt: skip
ROWS = Limit(8, "rows", "request", "Prompts on the desk", "test_rows.py::test_rows_are_bounded")
LENGTH_TOKENS = Limit(2000, "tokens", "request", "The length of an answer", "test_chat.py::test_a_manner_is_bounded")
STOP_WORDS = Limit(8, "words", "request", "Stop words of an answer", "test_chat.py::test_a_manner_is_bounded")
STOP_CHARACTERS = Limit(64, "characters", "request", "A stop word", "test_chat.py::test_a_manner_is_bounded")
CHAT_TURNS = Limit(50, "turns", "request", "A conversation", "test_chat.py::test_hostile_conversations")
CHAT_CHARACTERS = Limit(32_000, "characters", "request", "All that was said in one", "test_chat.py::test_hostile_conversations")
UNDO_STEPS = Limit(100, "steps", "visitor", "Undo", "test_ui.py::test_undo_is_bounded")
UNDO_BYTES = Limit(
    1_000_000, "bytes", "visitor", "Undo: the recipes it leads to", "test_bounds.py::test_undo_is_bounded_in_bytes"
)  # fmt: skip
HEARD_LAYERS = Limit(256, "layers", "request", "A merge that can be heard", "test_bounds.py::test_a_deep_merge_is_not_heard")
STRIP_TENSORS = Limit(
    20_000, "tensors", "request", "A merge whose models are compared on the page",
    "test_bounds.py::test_a_merge_of_many_tensors_is_not_compared",
)  # fmt: skip
ANSWER_SECONDS = Limit(
    180, "seconds", "request", "An answer, once it is its turn, on a page of many visitors", "test_bounds.py::test_an_answer_ends"
)  # fmt: skip
LINE_SECONDS = Limit(300, "seconds", "request", "Waiting for an answer's turn", "test_bounds.py::test_waiting_ends")
SWEEP_SECONDS = Limit(300, "seconds", "request", "A sweep on a page of many visitors", "test_bounds.py::test_a_sweep_ends")
SWEEP_CHARACTERS = Limit(
    4_000_000, "characters", "visitor", "The recipes of a sweep's points",
    "test_bounds.py::test_a_sweep_of_long_recipes_is_refused",
)  # fmt: skip
IMPROVE_SECONDS = Limit(
    180, "seconds", "request", "Improve, and figures against the models, on a page of many visitors",
    "test_improve.py::test_it_ends",
)  # fmt: skip
WAYS_SECONDS = Limit(
    30, "seconds", "request", "Finding out which way bars help, waiting for its turn included", "test_improve.py::test_ways_end"
)  # fmt: skip
SET_CHARACTERS = Limit(
    200_000, "characters", "request", "A set of questions on the page", "test_improve.py::test_a_set_too_long"
)  # fmt: skip
MERGE_SECONDS = Limit(600, "seconds", "request", "A merge to be downloaded", "test_bounds.py::test_a_merge_ends")
ARCHIVE_BYTES = Limit(
    4 << 30, "bytes", "request", "A merge to be downloaded", "test_bounds_of_disk.py::test_what_waits_is_bounded"
)  # fmt: skip
MERGES_BYTES = Limit(
    12_000_000_000, "bytes", "server", "Merges that wait to be fetched", "test_bounds_of_disk.py::test_what_waits_is_bounded"
)  # fmt: skip
HEARD_TOKENS = Limit(100_000, "tokens", "server", "Answers that are remembered", "test_bounds.py::test_answers_kept_are_bounded")

STREAMED_BYTES = Limit(
    512_000_000, "bytes", "request", "Texts on their way through the layers of a model that is judged layer by layer",
    "test_streamed.py::test_texts_on_their_way_are_bounded",
)  # fmt: skip

# Shares: what one visitor may have waiting or running at once (ui/quota.py).
SESSION_ANSWERS = Limit(6, "answers", "visitor", "One page's answers at once", "test_bounds_of_visitors.py::test_shares")
PROGRAM_ANSWERS = Limit(
    4, "answers", "visitor", "Answers that programs at one address ask for", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
ADDRESS_ANSWERS = Limit(
    32, "answers", "visitor", "Answers of all pages at one address", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
ANSWERS = Limit(48, "answers", "server", "Answers of everybody at once", "test_bounds_of_visitors.py::test_shares")
SESSION_LONG = Limit(
    1, "of a kind", "visitor", "One page's merges, downloads, uploads to the Hub", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
SESSION_SWEEPS = Limit(
    2, "sweeps", "visitor", "One page's sweeps: a new one ends the older", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
PROGRAM_LONG = Limit(
    1, "of a kind", "visitor", "Merges and sweeps that programs at one address ask for", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
ADDRESS_LONG = Limit(2, "of a kind", "visitor", "All these of one address", "test_bounds_of_visitors.py::test_shares")
SESSION_EVENTS = Limit(
    16, "events", "visitor", "What else a page, or programs at one address, have waiting",
    "test_bounds_of_visitors.py::test_shares",
)  # fmt: skip
ADDRESS_EVENTS = Limit(
    64, "events", "visitor", "The same, of all pages at one address", "test_bounds_of_visitors.py::test_shares"
)  # fmt: skip
QUEUED = Limit(250, "events", "server", "Events that wait", "test_bounds_of_visitors.py::test_a_full_queue_is_told")
CALLS_AT_ONCE = Limit(
    4, "calls", "visitor", "Small events of one address that run at once",
    "test_bounds_of_visitors.py::test_small_events_take_turns",
)  # fmt: skip
ADDRESS_CALLS = Limit(
    96, "calls", "visitor", "Small events of one address that wait", "test_bounds_of_visitors.py::test_small_events_take_turns"
)  # fmt: skip
ADDRESS_REQUESTS = Limit(
    256, "requests", "visitor", "Requests of one address at once", "test_bounds_of_visitors.py::test_requests_of_one_address"
)  # fmt: skip
ADDRESS_BODIES = Limit(
    8_000_000, "bytes", "visitor", "What one address has sent that is not done yet, and what waits in the line, each",
    "test_bounds_of_visitors.py::test_what_one_address_sends_is_bounded",
)  # fmt: skip
BODIES = Limit(
    64_000_000, "bytes", "server", "The same, of everybody", "test_bounds_of_visitors.py::test_what_one_address_sends_is_bounded"
)  # fmt: skip
BODY_SECONDS = Limit(
    60, "seconds", "request", "How long what is sent may take to arrive",
    "test_bounds_of_visitors.py::test_what_does_not_arrive_is_not_waited_for",
)  # fmt: skip

# Uploads, sessions, and what is left (ui/intake.py, ui/visitors.py, ui/scratch.py).
UPLOAD_BYTES = Limit(1_000_000, "bytes", "request", "An upload: one file", "test_bounds_of_visitors.py::test_uploads_are_bounded")
UPLOADS = Limit(
    10, "files a minute", "visitor", "Uploads from one address", "test_bounds_of_visitors.py::test_uploads_are_bounded"
)  # fmt: skip
UPLOADS_BYTES = Limit(
    32_000_000, "bytes a minute", "server", "Uploads of everybody", "test_bounds_of_visitors.py::test_uploads_are_bounded"
)  # fmt: skip
UPLOAD_SECONDS = Limit(60, "seconds", "server", "How long an uploaded file stays", "test_bounds_of_disk.py::test_uploads_go")
SESSIONS = Limit(400, "pages", "server", "Pages whose recipe is kept", "test_bounds_of_sessions.py::test_sessions_are_bounded")
ADDRESS_SESSIONS = Limit(
    60, "pages", "visitor", "The same, of one address", "test_bounds_of_sessions.py::test_sessions_are_bounded"
)  # fmt: skip
SESSIONS_BYTES = Limit(
    64_000_000, "bytes", "server", "What is kept of all pages", "test_bounds_of_sessions.py::test_sessions_are_bounded_in_bytes"
)  # fmt: skip
SESSION_SECONDS = Limit(
    3600, "seconds", "visitor", "How long the recipe of a page that was closed is kept",
    "test_bounds_of_sessions.py::test_sessions_time_out",
)  # fmt: skip
ABSENT_SECONDS = Limit(
    60, "seconds", "visitor", "How long files and work of somebody silent stay, whose page is not open",
    "test_bounds_of_disk.py::test_what_was_left_goes",
)  # fmt: skip
ZIP_SECONDS = Limit(
    600, "seconds", "visitor", "How long a zip stays while the page is open", "test_bounds_of_disk.py::test_what_was_left_goes"
)  # fmt: skip
MODEL_SECONDS = Limit(
    1800, "seconds", "visitor", "How long the models of a silent page are kept from making room for others'",
    "test_bounds_of_disk.py::test_the_cache_holds_its_bound",
)  # fmt: skip

# Who is who (ui/guard.py, ui/grants.py).
REQUEST_BYTES = Limit(
    4_000_000, "bytes", "request", "A call of an event or an endpoint", "test_guard.py::test_a_request_is_bounded"
)  # fmt: skip
REQUEST_VALUES = Limit(
    100_000, "values", "request", "Numbers, words and lists of such a call", "test_guard.py::test_a_request_of_many_values"
)  # fmt: skip
SESSION_CHARACTERS = Limit(
    64, "characters", "request", "The name a browser gives its session", "test_guard.py::test_a_sessions_name_is_bounded"
)  # fmt: skip
GRANT_SECONDS = Limit(
    8 * 3600, "seconds", "visitor", "How long a sign-in may use a gated or private model it brought here",
    "test_host.py::test_grants_belong_to_a_sign_in_and_end",
)  # fmt: skip
GRANTED_MODELS = Limit(
    100, "models", "visitor", "Gated or private models of one sign-in", "test_host.py::test_grants_belong_to_a_sign_in_and_end"
)  # fmt: skip
GRANTS = Limit(
    1000, "sign-ins", "server", "Sign-ins whose gated or private models are remembered",
    "test_host.py::test_grants_belong_to_a_sign_in_and_end",
)  # fmt: skip

# Chat templates: a stranger's program, rendered in a process of its own (merger/tokenizer/templates.py).
TEMPLATE_CHARACTERS = Limit(
    100_000, "characters", "file", "A chat template", "test_templates.py::test_a_template_too_long_is_refused_before_it_is_read"
)  # fmt: skip
TEMPLATE_SECONDS = Limit(2, "seconds", "request", "Rendering a chat template", "test_templates.py::test_bombs_are_stopped")
TEMPLATE_MEMORY = Limit(
    256_000_000, "bytes", "server", "Memory of each process that renders (four)", "test_templates.py::test_bombs_are_stopped"
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

# A model's folder, on this machine or on the Hub: what of it is read, by merger/files/texts.py and merger/files/checkpoints.py.
JSON_BYTES = Limit(10_000_000, "bytes", "file", "A JSON file of a model", "test_bounds_of_files.py::test_a_large_json_file")
JSON_VALUES = Limit(500_000, "values", "file", "What a JSON file holds", "test_bounds_of_files.py::test_many_small_values")
JSON_DEPTH = Limit(32, "levels", "file", "Nesting of a JSON file", "test_bounds_of_files.py::test_deep_json")
INDEX_BYTES = Limit(50_000_000, "bytes", "file", "The index of a model's files", "test_bounds_of_files.py::test_absurd_indexes")
SHELF = Limit(64, "models", "request", "Models that are compared for kinship", "test_kin.py::test_a_shelf_is_bounded")
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
COLLECTIONS = Limit(
    200, "collections", "visitor", "Collections that Publish lists", "test_collecting.py::test_what_is_listed_is_bounded"
)  # fmt: skip
COLLECTION_CHARACTERS = Limit(
    59, "characters", "request", "The title of a collection", "test_collecting.py::test_a_title_is_bounded"
)  # fmt: skip
CARD_PROMPTS = Limit(6, "prompts", "file", "Prompts that a README suggests", "test_card.py::test_prompts_that_a_card_suggests")
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
PATTERN_SECONDS = Limit(
    2, "seconds", "request", "Cutting up a text by a tokenizer's patterns", "test_rehearsal.py::test_patterns_are_stopped"
)  # fmt: skip
PATTERN_MEMORY = Limit(
    1_000_000_000, "bytes", "request", "The same: memory of the process in which it is tried",
    "test_rehearsal.py::test_a_text_that_grows_is_stopped",
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

# Bad luck: what the machine does, not a stranger alone.
TEXT_BYTES = Limit(
    100_000_000, "bytes", "file", "A text file: recipe, questions, chat template, model card",
    "test_luck.py::test_a_text_without_end_is_refused",
)  # fmt: skip
COMPILER_SECONDS = Limit(
    20, "seconds", "server", "The C compiler, once for each machine and version",
    "test_luck.py::test_a_compiler_that_hangs_is_left_alone_for_a_day",
)  # fmt: skip
MAPPED_FILES = Limit(
    16384, "files", "server", "Weight files in memory at a time", "test_luck.py::test_more_files_than_can_be_watched"
)  # fmt: skip

# Whether transformers can load what a merge will write, asked in a process of its own.
LOADING_SECONDS = Limit(
    120, "seconds", "request", "Asking transformers whether it can load a merge's output",
    "test_loadable.py::test_a_question_that_takes_too_long_is_given_up",
)  # fmt: skip
LOADING_MEMORY = Limit(
    6_000_000_000, "bytes", "request", "Memory of the process that asks transformers",
    "test_loadable.py::test_a_config_that_would_take_too_much_memory_is_given_up",
)  # fmt: skip

# llama.cpp's converter, in a process of its own (merger/gguf/process.py).
CONVERTER_SECONDS = Limit(
    300, "seconds", "request", "Asking llama.cpp's converter how a model becomes a GGUF file",
    "test_gguf.py::test_a_converter_that_takes_too_long_is_ended",
)  # fmt: skip
CONVERTER_MEMORY = Limit(
    8_000_000_000, "bytes", "request", "Memory of the process for it",
    "test_gguf.py::test_a_converter_that_takes_too_much_is_told",
)  # fmt: skip

# Judging: files of questions and texts (merger/search/questions.py, tasks.py, judge.py).
QUESTIONS = Limit(2000, "questions", "file", "Questions that are judged", "test_judge.py::test_too_many_questions")
QUESTIONS_BYTES = Limit(20_000_000, "bytes", "file", "A file of questions", "test_judge.py::test_a_file_too_large")
QUESTION_CHARACTERS = Limit(
    20_000, "characters", "file", "A prompt, or an answer, that is judged", "test_judge.py::test_what_is_no_question_is_told"
)  # fmt: skip
CHOICES = Limit(32, "choices", "file", "Choices of a question", "test_judge.py::test_what_is_no_question_is_told")
QUESTIONS_SECONDS = Limit(
    30, "seconds", "file", "Filling in the templates of an lm-eval task", "test_judge.py::test_a_hostile_task_is_stopped"
)  # fmt: skip
MATCHING_SECONDS = Limit(
    2, "seconds", "request", "Looking for the patterns of a set of questions in its answers",
    "test_judge.py::test_a_hostile_pattern_is_stopped",
)  # fmt: skip
MATCHING_MEMORY = Limit(
    1_000_000_000, "bytes", "request", "The same: memory of the process for it",
    "test_judge.py::test_a_hostile_pattern_is_stopped",
)  # fmt: skip
JUDGED_CHARACTERS = Limit(
    500_000, "characters", "file", "A text whose bits per byte are measured", "test_judge.py::test_texts_are_bounded"
)  # fmt: skip

# What programs ask of a merge that is served (merger/serve/).
SERVE_BYTES = Limit(4_000_000, "bytes", "request", "A request to `merger serve`", "test_serve.py::test_bounds")
SERVE_CHARACTERS = Limit(
    200_000, "characters", "request", "Prompts or messages sent to `merger serve`, together", "test_serve.py::test_bounds"
)  # fmt: skip
SERVE_MESSAGES = Limit(500, "messages", "request", "A chat with `merger serve`", "test_serve.py::test_bounds")
SERVE_PROMPTS = Limit(128, "prompts", "request", "Prompts of one completion", "test_serve.py::test_bounds")
SERVE_TOKENS = Limit(32_768, "tokens", "request", "The length of an answer of `merger serve`", "test_serve.py::test_bounds")
SERVE_WAITING = Limit(
    16, "requests", "server", "Waiting for `merger serve`, which answers one at a time", "test_serve.py::test_a_full_line_is_told"
)  # fmt: skip
SERVE_BODY_SECONDS = Limit(
    30, "seconds", "request", "How long a request to `merger serve` may take to arrive", "test_serve.py::test_a_slow_request"
)  # fmt: skip
SERVE_HEAD_SECONDS = Limit(
    20, "seconds", "request", "How long the head of a request to `merger serve` may take to arrive",
    "test_serve.py::test_connections_that_say_nothing_are_closed",
)  # fmt: skip
SERVE_UNREAD_SECONDS = Limit(
    60, "seconds", "request", "How long an answer of `merger serve` may wait for its reader to take more of it",
    "test_serve.py::test_an_answer_that_nobody_reads_holds_up_nobody",
)  # fmt: skip
SERVE_CONNECTIONS = Limit(
    128, "connections", "server", "Connections to `merger serve`", "test_serve.py::test_connections_are_bounded"
)  # fmt: skip

GPU_CALLS = Limit(
    8, "calls", "server", "Calls for a lent GPU (ZeroGPU) that have not ended, those that visitors have left included",
    "test_zerogpu.py::test_calls_that_nobody_waits_for_any_more_are_few",
)  # fmt: skip


def table() -> dict[str, Limit]:
    """All bounds by name, in the order above.

    >>> "PROMPT_CHARACTERS" in table()
    True
    """
    return {name: value for name, value in globals().items() if isinstance(value, Limit)}


__all__ = ["Limit", "Scope", "table"]
