"""The grammar of `tokenizer`, `tokenizer_source` and `chat_template`."""

from merger.errors import nearest
from merger.recipe.model import CHAT_TEMPLATES, TokenizerRecipe, TokenRow
from merger.recipe.parse import Place, shown
from merger.recipe.values import reference, whole

_TOKENIZERS = "union, base or a model"
MAX_TOKEN = 1 << 16


def tokenizer(place: Place) -> TokenizerRecipe:
    keys = place.mapping("a tokenizer", ("source", "tokens", "pad_to_multiple_of"))
    rows: list[tuple[str, TokenRow]] = []
    if "tokens" in keys:
        if not isinstance(keys["tokens"].value, dict):
            raise keys["tokens"].wrong("must map tokens to their source, for example `<pad>: {source: {kind: zero}}`")
        for token in keys["tokens"].value:
            if not token or len(token) > MAX_TOKEN:
                raise keys["tokens"].fail(f"{keys['tokens'].path} names an empty token, or one longer than {MAX_TOKEN} letters.")
            rows.append((token, _token_row(keys["tokens"].child(token))))
    return TokenizerRecipe(
        tokenizer_source(keys["source"]) if "source" in keys else "union",
        tuple(rows),
        whole(keys["pad_to_multiple_of"], 1, 1 << 20) if "pad_to_multiple_of" in keys else None,
    )


def tokenizer_source(place: Place) -> str:
    return reference(place) if isinstance(place.value, dict) else place.text(_TOKENIZERS)


def _token_row(place: Place) -> TokenRow:
    keys = place.mapping("a token", ("source", "force"))
    if "source" not in keys:
        raise place.fail(f"{place.path}.source is missing: a model, {{kind: zero}}, or {{kind: model_token, model, token}}.")
    force = keys["force"].value if "force" in keys else False
    if not isinstance(force, bool):
        raise keys["force"].wrong("must be true or false")
    source = keys["source"]
    if not isinstance(source.value, dict) or ("kind" not in source.value and source.value.keys() & {"model", "path"}):
        return TokenRow("model", reference(source), force=force)
    if "kind" not in source.value:
        raise source.fail(f"{source.path}.kind is missing: zero or model_token.")
    kind = source.child("kind").one_of(("zero", "model_token"))
    inner = source.mapping("a token's source", ("kind", "model", "token", "token_id") if kind == "model_token" else ("kind",))
    if kind == "zero":
        return TokenRow("zero", force=force)
    if "model" not in inner:
        raise source.fail(f"{source.path}.model is missing: the model whose token it is.")
    if ("token" in inner) == ("token_id" in inner):
        raise source.fail(f"{source.path} needs either `token` or `token_id`, the token of {source.value['model']}.")
    return TokenRow(
        kind,
        reference(inner["model"]),
        _token(inner["token"]) if "token" in inner else None,
        whole(inner["token_id"], 0, (1 << 31) - 1) if "token_id" in inner else None,
        force,
    )


def _token(place: Place) -> str:
    if not isinstance(place.value, str) or not 0 < len(place.value) <= MAX_TOKEN:
        raise place.wrong("must be a token's text, in quotes")
    return place.value


def chat_template(place: Place) -> str:
    text = place.text(f"auto, {', '.join(CHAT_TEMPLATES)}, or a Jinja template")
    if text != "auto" and text not in CHAT_TEMPLATES and "{" not in text:
        raise place.fail(
            f"{place.path} must be one of auto, {', '.join(CHAT_TEMPLATES)}, or a Jinja template (with braces); "
            f"got {shown(text)}.{nearest(text, ('auto', *CHAT_TEMPLATES))}"
        )
    return text
