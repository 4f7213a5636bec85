"""The model card: what a merged model was made from, how, and what its parents' licences are known to ask."""

import hashlib
import json
import os
import platform
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

import merger
from merger.errors import CheckpointError, begin
from merger.files.checkpoints import Checkpoint, Piece
from merger.files.texts import read_text
from merger.hub.picture import FILE as PICTURE
from merger.hub.references import is_hub_id, parse_reference
from merger.limits import CARD_BYTES, CARD_PROMPTS, PROMPT_CHARACTERS
from merger.recipe import Recipe, dump, load
from merger.regular import Seen, cache_root, look, open_regular

# From the freest to the strictest, as far as an order makes sense: permissive, share-alike, with rules of use, non-commercial,
# no derivatives. What is not here is not judged.
_LICENCES = (
    "cc0-1.0", "unlicense", "wtfpl", "mit", "isc", "bsd", "bsd-2-clause", "bsd-3-clause", "zlib", "bsl-1.0", "apache-2.0",
    "cc-by-3.0", "cc-by-4.0", "cdla-permissive-2.0", "mpl-2.0", "lgpl-2.1", "lgpl-3.0", "lgpl", "eupl-1.1", "eupl-1.2",
    "gpl-2.0", "gpl-3.0", "gpl", "cc-by-sa-3.0", "cc-by-sa-4.0", "agpl-3.0", "openrail", "openrail++", "creativeml-openrail-m",
    "bigscience-openrail-m", "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "gemma", "llama2", "llama3", "llama3.1",
    "llama3.2", "llama3.3", "llama4", "deepfloyd-if-license", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "apple-amlr", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
)  # fmt: skip
LANGUAGES = 40
"""As many as are taken from one card."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Parent:
    """A model or LoRA that took part. revision: the Hub's commit, None for a folder; licence, task: None where none is named."""

    reference: str
    revision: str | None
    licence: str | None
    digests: tuple[tuple[str, str], ...]
    task: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """What the merge and others answered to one prompt: (who, text) each."""

    prompt: str
    said: tuple[tuple[str, str], ...]


class Digests:
    """SHA-256 of the parents' files, worked out beside the merge; what is known from before is not read again."""

    def __init__(self, models: Mapping[str, Checkpoint]) -> None:
        self._seen = {f: model.seen.get(f) for model in models.values() for piece in model.pieces for f in piece.files}
        afar = {file: there.sha for model in models.values() if model.afar for file, there in model.afar.files.items()}
        self._found: dict[Path, str] = afar  # what lies elsewhere is not read for this
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        begin(self._thread)

    def _work(self) -> None:
        for file in sorted(self._seen.keys() - self._found.keys()):
            sha, before = digest(file, self._stop), self._seen[file]
            self._found[file] = sha if before is None or look(file) == before else ""  # not of what was merged

    def stop(self) -> None:
        """Leave off."""
        self._stop.set()
        self._thread.join()

    def of(self, piece: Piece) -> tuple[tuple[str, str], ...]:
        """(file name, digest in hex) for each file of a parent, when all are known."""
        self._thread.join()
        return tuple((file.name, self._found.get(file, "")) for file in piece.files)


def digest(file: Path, stop: threading.Event | None = None) -> str:
    """SHA-256 of a file in hex; "" if it cannot be read, or was stopped.

    The Hub's cache names large files by it. Others are read once, and remembered in the user's cache until they change.
    """
    try:
        blob = file.resolve()
        if file.is_symlink() and blob.parent.name == "blobs" and _DIGEST.fullmatch(blob.name):
            return blob.name
        state = blob.stat()
        place = f"{blob}|{state.st_size}|{state.st_mtime_ns}|{state.st_ino}"
        note = _note(place)
        known = note.read_text(encoding="ascii", errors="replace").strip() if note is not None and note.is_file() else ""
        if _DIGEST.fullmatch(known):
            return known
        hashed = hashlib.sha256()
        with open_regular(blob) as handle:
            while block := handle.read(1 << 22):
                hashed.update(block)
                if stop is not None and stop.is_set():
                    return ""
        settled = time.time_ns() - state.st_mtime_ns > 2_000_000_000  # a write within the clock's tick would not show in its time
        if note is not None and settled and look(blob) == Seen.of(state):
            _remember(note, hashed.hexdigest())
        return hashed.hexdigest()
    except OSError:
        return ""


def _note(place: str) -> Path | None:
    """Where the digest of a file in this state is remembered; None without a home."""
    try:
        return cache_root() / "sha256" / hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()
    except OSError:
        return None


def _remember(note: Path, sha: str) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = note.with_name(f"{note.name}.{os.getpid()}")
        fresh.write_text(sha + "\n", encoding="ascii")
        fresh.replace(note)
    except OSError:  # no home, read-only home: it is read again next time
        pass


def parents(models: Mapping[str, Checkpoint], digests: Digests) -> tuple[Parent, ...]:
    """Every model and LoRA that took part, each once."""
    pieces = {piece.reference: piece for model in models.values() for piece in model.pieces}
    return tuple(
        Parent(p.reference, _revision(p.folder), licence(p.folder), digests.of(p), *_said(p.folder)) for p in pieces.values()
    )


def _revision(folder: Path) -> str | None:
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None


def _said(folder: Path) -> tuple[str | None, tuple[str, ...]]:
    """What a model's README.md says of its task (`pipeline_tag`) and its languages, in the Hub's words."""
    head = re.match(r"---[ \t\r]*\n(.*?\n)---", _beginning(folder / "README.md") or "", re.DOTALL)
    text = head[1] if head else ""
    task = re.search(r"^pipeline_tag:[ \t]*[\"']?([a-z0-9-]{2,40})[\"']?[ \t\r]*(?:#.*)?$", text, re.MULTILINE)
    listed = re.search(r"^language:(.*\n(?:[ \t]*-.*\n)*)", text, re.MULTILINE)
    languages = re.findall(r"(?:^|[\s\[,\"'-])([a-z]{2,3})(?=$|[\s\],\"'])", listed[1]) if listed else []
    return (task[1] if task else None), tuple(dict.fromkeys(languages))[:LANGUAGES]


def licence(folder: Path) -> str | None:
    """What a model's README.md says about its licence, in the Hub's words; its LICENSE file's first line if it says nothing.

    Of several the strictest: nobody says which of them holds for the weights.
    """
    text = _beginning(folder / "README.md") or ""
    head = re.match(r"---[ \t\r]*\n(.*?)\n---", text, re.DOTALL)
    listed = re.search(r"^license:[ \t\r]*(\[[^\]\n]{0,500}\]|(?:\n[ \t]*-[^\n]*){1,20})", head[1] if head else "", re.MULTILINE)
    several = [name.lower() for name in re.findall(r"[A-Za-z0-9][A-Za-z0-9.+-]*", listed[1])][:20] if listed else []
    if several:
        return strictest(several)[0] if all(name in _LICENCES for name in several) else " and ".join(several[:4])
    fields = dict(re.findall(r"^(license|license_name):[ \t]*[\"']?([^\n\"'#]+)", head[1] if head else "", re.MULTILINE))
    named = fields.get("license", "").strip().lower()
    if named == "other" and fields.get("license_name"):
        return fields["license_name"].strip().lower()
    if named:
        return named
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE"):
        text = _beginning(folder / name)
        if text is not None:
            first = next((line.strip(" #\r") for line in text.split("\n") if line.strip(" #\r")), "")
            return f"see its {name}: {first[:80]}"
    return None


@lru_cache(maxsize=256)
def suggested(folder: Path) -> tuple[str, ...]:
    """The prompts that a model's README.md suggests: `text`, or what a user says, in the list `widget` of its head.

    They are a stranger's: cut to a prompt's length, without control characters, at most CARD_PROMPTS.
    """
    head = re.match(r"---[ \t\r]*\n(.*?)\n---", _beginning(folder / "README.md") or "", re.DOTALL)
    listed = re.search(r"^widget:[ \t\r]*\n((?:[ \t-].*(?:\n|$)|[ \t\r]*\n)*)", head[1] if head else "", re.MULTILINE)
    lines = listed[1].split("\n") if listed else []
    found: list[str] = []
    role = "user"
    for i, line in enumerate(lines):
        key, colon, rest = line.lstrip(" -\t").partition(":")
        if not colon:
            continue
        if key == "role":
            role = rest.strip(" \"'\r")
        elif key == "text" or (key == "content" and role == "user"):
            found.append(_scalar(rest.strip(), lines[i + 1 :], len(line) - len(line.lstrip(" -\t"))))
    clean = ("".join(c for c in text if c.isprintable() or c == "\n").strip()[:PROMPT_CHARACTERS].strip() for text in found)
    return tuple(dict.fromkeys(text for text in clean if text))[:CARD_PROMPTS]


def _scalar(text: str, below: Sequence[str], indent: int) -> str:
    """A YAML scalar, as cards write them: plain, quoted, or the deeper lines below a `|` or `>`."""
    if text[:1] in ("|", ">"):
        block: list[str] = []
        for line in below:
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            block.append(line.strip())
        return ("\n" if text[0] == "|" else " ").join(block)
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            said = json.loads(text)
        except ValueError:
            return text[1:-1]
        return said if isinstance(said, str) else ""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text.split(" #")[0]


def _beginning(file: Path) -> str | None:
    """The beginning of a text; None where there is none, or it lies elsewhere."""
    try:
        return read_text(file, CARD_BYTES, whole=False) if file.is_file() else None
    except CheckpointError:
        return None


def strictest(licences: Sequence[str | None]) -> tuple[str | None, str]:
    """The strictest of the licences that can be compared (None: there is none), and a sentence for the card.

    >>> strictest(["mit", "cc-by-nc-4.0", None])[0], strictest(["mit", "apache-2.0"])[1]
    ('cc-by-nc-4.0', 'apache-2.0, the strictest of its parents.')
    """
    known = [name for name in licences if name in _LICENCES]
    top = max(known, key=_LICENCES.index, default=None)
    unknown = len(licences) - len(known)
    if top is None:
        return None, "not known: no parent names one that can be compared. Read theirs before you share this model."
    if unknown:
        return top, f"at least {top}, the strictest known; {unknown} of {len(licences)} parents name none, or one of their own."
    if "-nd-" in top:
        return top, f"{top}: forbids derivatives, and a merge is one."
    return top, f"{top}, the strictest of its parents."


def card(
    recipe: Recipe, facts: Mapping[str, str], made_of: Sequence[Parent] = (), answers: Sequence[Example] = (), link: str = "",
    picture: str = "",
) -> str:  # fmt: skip
    """README.md of a merged model: what it was made from, how, and the recipe that makes it again.

    facts    further lines for the table, label -> value
    picture  what the picture beside it shows, "" where there is none
    answers  what was heard of it; link, an address that opens the recipe in the explorer
    """
    references = dict.fromkeys(part for r in recipe.opened if not Path(r).exists() for part in parse_reference(r))
    hub_ids = [r for r in references if is_hub_id(r) and not Path(r).exists()]
    head = ["---", "library_name: transformers", "tags:", "  - merge"]
    if hub_ids:
        head += ["base_model:", *(f"  - {r.partition('@')[0]}" for r in hub_ids), "base_model_relation: merge"]
    tasks = {p.task for p in made_of if p.task}
    if len(tasks) == 1:  # of several none is true
        head.append(f"pipeline_tag: {tasks.pop()}")
    languages = dict.fromkeys(language for p in made_of for language in p.languages)
    if languages:
        head += ["language:", *(f"  - '{language}'" for language in languages)]  # "no" alone would be a truth value
    top, said = strictest([p.licence for p in made_of])
    if top is not None and all(p.licence in _LICENCES for p in made_of):
        head.append(f"license: {top}")
    rows = {
        "Method": f"`{recipe.merge_method}`: {recipe.method.says}",
        "Source": recipe.method.source,
        **({"Base": _inline(recipe.base_model)} if recipe.base_model else {}),
        "Models": ", ".join(_inline(r) for r in recipe.opened if r != recipe.base_model),
        "Seed": str(recipe.seed),
        **({"Licence": said} if made_of else {}),
        **facts,
        "Made with": f"merge-explorer {merger.__version__}, torch {torch.__version__}, Python {platform.python_version()}",
    }
    text = "\n".join([
        *head, "---", "", "# A merged model", "",
        "Made by arithmetic on the weights of the models below, without training.", "",
        "| | |", "|---|---|", *(f"| {k} | {v if k in ('Base', 'Models') else _cell(v)} |" for k, v in rows.items()), "",
        *([f"![{picture}]({PICTURE})", ""] if picture else []),
        *_parents_table(made_of), "## Recipe", "", *_block(dump(recipe), "yaml"), "",
    ])  # fmt: skip
    return with_answers(text, answers, link)


def adapter_card(
    recipe: Recipe, base: str, layers: Sequence[tuple[str, str, float]], licences: Sequence[str | None]
) -> str:  # fmt: skip
    """README.md of a LoRA adapter: what it lies on, what it keeps of the merge in each layer, and the merge's recipe.

    layers  label, ranks, and the share of the change's norm that is lost
    """
    head = ["---", "library_name: peft", "tags:", "  - lora", "  - merge"]
    if is_hub_id(base) and not Path(base).exists():
        head += [f"base_model: {base.partition('@')[0]}", "base_model_relation: adapter"]
    top, said = strictest(licences)
    if top is not None and all(name in _LICENCES for name in licences):
        head.append(f"license: {top}")
    method = f"a merge by `{recipe.merge_method}`"
    table = [f"| {_cell(label)} | {ranks} | {share:.2%} |" for label, ranks, share in layers]
    return "\n".join([
        *head, "---", "", "# A merge as an adapter", "",
        f"What {method} changes of {_inline(base)}, as a LoRA: made by arithmetic, without training.", "",
        f"Licence: {_cell(said)} Made with merge-explorer {merger.__version__}, torch {torch.__version__}.", "",
        "## What it keeps", "",
        "Error: the norm of what the adapter leaves out, as a share of the norm of what the merge changes.", "",
        "| | held | error |", "|---|---|---|", *table, "",
        "## Recipe", "", *_block(dump(recipe), "yaml"), "",
    ])  # fmt: skip


_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{3,12000}")


def with_answers(text: str, answers: Sequence[Example], link: str = "") -> str:
    """A card with answers, and with a link that leads back to the explorer, put before its recipe.

    Prompts, answers and names are strangers' text: they stand in code blocks that none of them can end.
    """
    added: list[str] = []
    if answers:
        added += ["## Answers", "", "Heard when it was made, greedily decoded.", ""]
    for answer in answers:
        added += ["Prompt:", "", *_block(answer.prompt, "text"), ""]
        for who, said in answer.said:
            added += [f"{_inline(who)} answered:", "", *_block(said, "text"), ""]
    before, mark, after = text.partition("\n## Recipe\n")
    if not mark:
        before, after = text.rstrip("\n") + "\n", ""
    lines = [f"[Open this recipe in Merge explorer]({link})", ""] if _LINK.fullmatch(link) else []
    joined = "\n".join(["", *added]) if added else "\n" if not mark else ""
    back = "\n" + "\n".join(lines) if lines else ""
    return f"{before}{joined}{mark}{back}{after}"


def _block(text: str, kind: str) -> list[str]:
    """Lines of a code block whose fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text.replace("\r\n", "\n").rstrip())
    return [f"{fence}{kind}", shown, fence]


def _inline(text: str) -> str:
    """A name as code, whatever is in it."""
    shown = "".join(c if c.isprintable() else " " for c in text).strip().replace("|", "\\|") or "?"
    runs = [len(run) for run in re.findall("`+", shown)]
    fence = "`" * (1 + max(runs, default=0))
    return f"{fence} {shown} {fence}" if runs else f"`{shown}`"


def _parents_table(made_of: Sequence[Parent]) -> list[str]:
    if not made_of:
        return []
    rows = ["## Parents", "", "| model | revision | licence | file | SHA-256 |", "|---|---|---|---|---|"]
    for parent in made_of:
        about = f"| {_inline(parent.reference)} | {parent.revision or 'a folder'} | {_cell(parent.licence or 'not named')} |"
        for name, sha in parent.digests or (("", ""),):
            rows.append(f"{about} {_cell(name)} | {sha or 'not read'} |")
            about = "| | | |"
    return [*rows, ""]


def _cell(text: str) -> str:
    """Text for a cell of a table: no line, column, tag or link of its own."""
    return re.sub(r"[\r\n]", " ", text).replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(")


def recipe_text(recipe: Recipe) -> str:
    """mergekit_config.yml: the user's own words if they still say this recipe, else the recipe written anew."""
    if recipe.text is not None and load(recipe.text) == recipe:
        return recipe.text if recipe.text.endswith("\n") else recipe.text + "\n"
    return dump(recipe)
