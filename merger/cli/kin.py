"""`merger kin`: which models come from which, how alike their changes are, and which are worth merging."""

import dataclasses
import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint
from merger.hub import remote
from merger.hub.references import open_here, parse_reference
from merger.inspect.shelf import Proposal, Shelf, look, short
from merger.limits import SHELF

SHOWN = 8
"""So many pairs, and so many triples, are printed."""
WIDE = 24
"""Models with longer names are numbered in the table."""


def run(options: Namespace) -> str:
    """Open the models, here or a few kilobytes of each from the Hub, and say what was found as a table or as JSON."""
    references: list[str] = [*([options.base] if options.base else []), *options.models]
    if options.of:
        listed = [one.id for one in remote.relatives(options.of, limit=min(options.most, SHELF - 1))]
        if not listed:
            raise MergeError(f"{options.of}: the Hub lists no fine-tunes of it.")
        references += [options.of, *listed]
    else:
        references = [*_bases(references), *references]
    references = list(dict.fromkeys(references))
    if len(references) > SHELF:
        raise MergeError(f"kinship: {len(references)} models are more than {SHELF:,} on one shelf; name fewer.")
    models: dict[str, Checkpoint] = {}
    for reference in references:
        try:
            models[reference] = open_here(reference) if remote.is_here(reference) else remote.peek(reference)
        except MergeError as error:
            if not options.of or reference == options.of:
                raise
            print(f"note: left out: {error}", file=sys.stderr)  # a list of the Hub's holds much that nobody can open
    found = look(models, options.base or options.of)
    return json.dumps(as_json(found), indent=1) if options.json else table(found)


def _bases(references: Sequence[str]) -> list[str]:
    """What models with LoRAs are made from: it need not be named beside them."""
    return [name for reference in references for name, *loras in [parse_reference(reference)] if loras]


def as_json(found: Shelf) -> dict[str, Any]:
    """Everything that was found, for programs; likeness by two references."""
    likeness = [
        {"models": sorted(two), "cosine": round(one.cosine, 4), "shared": round(one.shared, 4)}
        for two, one in found.likeness.items()
    ]
    plain: dict[str, Any] = {"base": found.base, "why_base": found.why_base, "notes": list(found.notes)}
    plain["models"] = [dataclasses.asdict(book) for book in found.books]
    plain["likeness"] = likeness
    plain["pairs"] = [dataclasses.asdict(one) for one in found.pairs]
    plain["triples"] = [dataclasses.asdict(one) for one in found.triples]
    return plain


def table(found: Shelf) -> str:
    """Everything that was found, for people."""
    names = short([book.reference for book in found.books])
    lines = [f"Base: {found.base or 'not found'}: {found.why_base}", ""]
    if max(map(len, names.values())) > WIDE:  # a column for each of them would leave no line whole
        names = {reference: f"[{i}]" for i, reference in enumerate(names)}
        lines += [*(f"  {number} {reference}" for reference, number in names.items()), ""]
    width = max(map(len, names.values()))
    for book in found.books:
        about = ", ".join(filter(None, (book.vocabulary, book.template)))
        lines.append(f"  {names[book.reference].ljust(width)}  {book.role}: {book.why}{f' [{about}]' if about else ''}")
    tunes = [book.reference for book in found.books if book.role == "fine-tune"]
    if len(tunes) > 1:
        lines += ["", "Cosine of their changes"]
        cells = [[f"{found.likeness[frozenset((a, b))].cosine:.2f}" if a != b else "" for b in tunes] for a in tunes]
        wide = [max(6, len(names[b])) for b in tunes]
        lines.append("  " + " " * width + "  " + "  ".join(names[b].rjust(w) for b, w in zip(tunes, wide, strict=True)))
        for a, row in zip(tunes, cells, strict=True):
            filled = "  ".join(cell.rjust(w) for cell, w in zip(row, wide, strict=True)).rstrip()
            lines.append(f"  {names[a].ljust(width)}  {filled}")
    for title, proposals in (("Pairs, the least disturbance first", found.pairs), ("Triples", found.triples)):
        if proposals:
            lines += ["", title, *_proposals(proposals[:SHOWN], names)]
            if len(proposals) > SHOWN:
                lines.append(f"  and {len(proposals) - SHOWN} more (--json)")
    return "\n".join([*lines, *(f"\nnote: {note}" for note in found.notes)])


def _proposals(proposals: Sequence[Proposal], names: Mapping[str, str]) -> list[str]:
    told = [(" + ".join(names[m] for m in one.models), one.why) for one in proposals]
    width = max(len(models) for models, _ in told)
    return [f"  {models.ljust(width)}  {why}" for models, why in told]
