"""Tokenizers: copying the donor's files."""

import shutil
from pathlib import Path

# Beside the weights, what a model needs to be loaded and to chat. Code (*.py) is never copied.
COMPANIONS = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "merges.txt", "tokenizer.model", "spiece.model", "chat_template.jinja", "chat_template.json", "generation_config.json",
    "preprocessor_config.json", "processor_config.json",
)  # fmt: skip


def copy_tokenizer(donor: Path, folder: Path) -> None:
    """Copy the donor's tokenizer, chat template and generation config into the output folder."""
    for name in COMPANIONS:
        if (donor / name).is_file():
            shutil.copyfile(donor / name, folder / name)
