"""A Recipe as mergekit's YAML, and as the plain dicts and lists it is made of; `load(dump(r)) == r`."""

from typing import Any

import yaml

from merger.recipe.model import Entry, Module, Parameters, Recipe, Setting, Slice, TokenizerRecipe, TokenRow


def document(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain dicts and lists, in mergekit's layout: what `load` reads. Without its earlier documents."""
    out: dict[str, Any] = {"name": recipe.name} if recipe.name is not None else {}
    out["merge_method"] = recipe.merge_method
    if recipe.base_model is not None:
        out["base_model"] = recipe.base_model
    out |= _body_document(recipe)
    if recipe.modules:
        out["modules"] = {
            m.name: _body_document(m) | ({"parameters": _parameters_document(m.parameters)} if m.parameters else {})
            for m in recipe.modules
        }
    if recipe.parameters:
        out["parameters"] = _parameters_document(recipe.parameters)
    for key in ("dtype", "out_dtype", "tokenizer", "tokenizer_source", "chat_template"):
        value = getattr(recipe, key)
        if value is not None:
            out[key] = _tokenizer_document(value) if isinstance(value, TokenizerRecipe) else value
    if recipe.seed:
        out["seed"] = recipe.seed
    if recipe.on_mismatch != "refuse":
        out["on_mismatch"] = recipe.on_mismatch
    return out


def _body_document(part: Recipe | Module) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if part.models:
        out["models"] = [_entry_document(e) for e in part.models]
    if part.slices:
        out["slices"] = [_slice_document(s) for s in part.slices]
    return out


def _entry_document(entry: Entry) -> dict[str, Any]:
    out: dict[str, Any] = {"model": entry.model}
    if entry.layer_range is not None:
        out["layer_range"] = list(entry.layer_range)
    if entry.parameters:
        out["parameters"] = _parameters_document(entry.parameters)
    return out


def _slice_document(part: Slice) -> dict[str, Any]:
    out: dict[str, Any] = {"sources": [_entry_document(e) for e in part.sources]}
    if part.base_model is not None:
        out["base_model"] = part.base_model
    if part.parameters:
        out["parameters"] = _parameters_document(part.parameters)
    return out


def _tokenizer_document(tokenizer: TokenizerRecipe) -> dict[str, Any]:
    out: dict[str, Any] = {"source": tokenizer.source}
    if tokenizer.tokens:
        out["tokens"] = {token: _token_document(row) for token, row in tokenizer.tokens}
    if tokenizer.pad_to_multiple_of is not None:
        out["pad_to_multiple_of"] = tokenizer.pad_to_multiple_of
    return out


def _token_document(row: TokenRow) -> dict[str, Any]:
    fields = {"kind": row.kind, "model": row.model, "token": row.token, "token_id": row.token_id}
    source = row.model if row.kind == "model" else {k: v for k, v in fields.items() if v is not None}
    return {"source": source, **({"force": True} if row.force else {})}


def _parameters_document(parameters: Parameters) -> dict[str, Any]:
    return {name: setting_document(setting) for name, setting in parameters}


def setting_document(setting: Setting) -> Any:
    """A Setting as YAML writes it: a number, a list, or rules."""
    plain = [(pattern, list(v) if isinstance(v, tuple) else v) for pattern, v in setting.rules]
    if len(plain) == 1 and plain[0][0] is None:
        return plain[0][1]
    return [{"value": v} if pattern is None else {"filter": pattern, "value": v} for pattern, v in plain]


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists indented below their key, as in mergekit's examples


def _list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not any(isinstance(v, (dict, list)) for v in data))


_Dumper.add_representer(list, _list)


def dump(recipe: Recipe) -> str:
    """The recipe as mergekit's YAML, its earlier documents before it; `load(dump(r)) == r`."""
    text = recipe.kept.get("yaml")
    if text is None:
        documents = [document(r) for r in (*recipe.earlier, recipe)]
        text = "---\n".join(yaml.dump(d, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True) for d in documents)
        recipe.kept["yaml"] = text
    return text
