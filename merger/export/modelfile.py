"""What stands beside a GGUF file: an Ollama Modelfile, and the commands that run the model.

llama.cpp and LM Studio read the chat template out of the file. Ollama has a language of its own for templates: the model's is
asked with a few conversations, and told in that language where it is a plain row of turns.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from merger.engine.companions import tokenizer_folder
from merger.engine.plan import Plan
from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint
from merger.tokenizer.safe import named_tokens
from merger.tokenizer.templates import render
from merger.tokenizer.tokens import chat_template_of

_SAID = ("Vjrzq one.", "Vjrzq two.", "Vjrzq three.", "Vjrzq four.")
"""What no template says by itself: the rules, a question, an answer, another question."""


@dataclass(frozen=True)
class Turns:
    """A chat template as a row of turns: what stands around each text.

    rules   before and after the system's text
    asked   before a question; answers: after it, before the answer; ends: after an answer
    default the rules of a conversation that has none
    """

    rules: tuple[str, str]
    asked: str
    answers: str
    ends: str
    default: str = ""

    def text(self) -> str:
        """The template in Ollama's language."""
        system = f"{{{{ if .System }}}}{self.rules[0]}{{{{ .System }}}}{self.rules[1]}{{{{ end }}}}"
        return (
            f"{system}{{{{ if .Prompt }}}}{self.asked}{{{{ .Prompt }}}}{{{{ end }}}}{self.answers}{{{{ .Response }}}}{self.ends}"
        )

    def conversation(self, rules: str | None, *said: str) -> str:
        """What the template makes of a conversation: questions and answers by turns, the last a question."""
        rules = rules or self.default
        text = f"{self.rules[0]}{rules}{self.rules[1]}" if rules else ""
        for i, one in enumerate(said):
            text += f"{one}{self.ends}" if i % 2 else f"{self.asked}{one}{self.answers}"
        return text


def turns(template: str, tokens: Mapping[str, str]) -> Turns | None:
    """A chat template as a row of turns; None where it is no such thing, or cannot be rendered.

    tokens  the tokenizer's named tokens; bos_token at the beginning is left out, as programs put it there themselves
    """
    rules, first, answer, second = _SAID

    def of(system: str | None, *said: str) -> str:
        roles = [{"role": ("user", "assistant")[i % 2], "content": one} for i, one in enumerate(said)]
        messages = [*([{"role": "system", "content": system}] if system else []), *roles]
        return render(template, messages, tokens, keep=False).removeprefix(tokens.get("bos_token") or "\0")

    try:
        alone, with_rules, long = of(None, first), of(rules, first), of(None, first, answer, second)
        whole = of(rules, first, answer, second)
        before, _, answers = alone.partition(first)
        _, _, between = long.partition(answer)
        between = between.partition(second)[0]
        opening, _, after_rules = with_rules.partition(rules)
        after_rules = after_rules.partition(first)[0]
    except MergeError:
        return None
    if between.endswith(before) and after_rules.endswith(before) and before:
        cut = len(before)
        found = Turns((opening, after_rules[:-cut]), before, answers, between[:-cut])
    elif before.startswith(opening) and opening and before.endswith(after_rules) and after_rules == between:
        found = Turns((opening, ""), after_rules, answers, "", before[len(opening) : len(before) - len(after_rules)])
    else:
        return None
    said = (*found.rules, found.asked, found.answers, found.ends, found.default)
    if '"""' in found.text() or any(mark in text for text in said for mark in ("{{", '"""', "\0")):  # Ollama's own signs
        return None
    right = found.conversation(None, first) == alone and found.conversation(rules, first, answer, second) == whole
    return found if right and template.count("{{") else None


def modelfile(file: Path, template: str | None, tokens: Mapping[str, str]) -> str:
    """An Ollama Modelfile for a GGUF file beside it."""
    name = model_name(file)
    lines = [f"# ollama create {name} -f {_quoted(modelfile_of(file).name)}", f"# ollama run {name}", f"FROM ./{file.name}"]
    found = turns(template, tokens) if template else None
    if found is not None:
        lines.append(f'TEMPLATE """{found.text()}"""')
        if found.default:
            lines.append(f'SYSTEM """{found.default}"""')
        end = found.ends.strip() or found.asked.strip().partition("\n")[0]
        if end and '"' not in end:
            lines.append(f'PARAMETER stop "{end}"')
    elif template:
        lines.append("# Its chat template is in the file; write TEMPLATE here where Ollama does not know it.")
    return "\n".join(lines) + "\n"


def write_beside(file: Path, plan: Plan, models: Mapping[str, Checkpoint]) -> Path:
    """Write the Modelfile of a merge's GGUF file. MergeError where that cannot be."""
    with tokenizer_folder(plan, models) as words:
        text = modelfile(file, chat_template_of(words), named_tokens(words))
    made = modelfile_of(file)
    try:
        made.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MergeError(f"{made}: cannot be written: {error.strerror}; {file} is there and whole.") from None
    return made


_NAME = 80
"""Characters of a model's name that Ollama takes."""


def model_name(file: Path) -> str:
    """What Ollama may call the model of a file: 80 characters at most, and long names that are alike stay apart.

    >>> model_name(Path("My Merge (q8).gguf"))
    'my-merge-q8'
    """
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._") else "-" for c in file.stem.lower())
    name = "-".join(part for part in plain.split("-") if part).strip("._") or "merged"
    if len(name) <= _NAME:
        return name
    digest = hashlib.sha256(file.stem.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return "-".join((name[:46].rstrip("-._"), digest, name[-24:].lstrip("-._")))


def modelfile_of(file: Path) -> Path:
    """Where the Modelfile of a GGUF file stands."""
    return file.with_suffix(".Modelfile")


def commands(file: Path) -> tuple[str, ...]:
    """What runs the model: with Ollama, with llama.cpp."""
    beside = modelfile_of(file)
    return (
        f"ollama create {model_name(file)} -f {_quoted(str(beside))} && ollama run {model_name(file)}",
        f"llama-cli -m {_quoted(str(file))}",
    )


def _quoted(path: str) -> str:
    plain = all(c.isalnum() or c in "-_./" for c in path)
    return path if plain else "'" + path.replace("'", "'\\''") + "'"


__all__ = ["Turns", "commands", "model_name", "modelfile", "modelfile_of", "turns", "write_beside"]
