"""What only a whole recipe can tell: how many models and layers, which base, whose tokens."""

from merger.errors import nearest
from merger.limits import RECIPE_LAYERS, RECIPE_MODELS
from merger.recipe.model import Entry, Recipe
from merger.recipe.parse import Place, shown


def check_models(recipe: Recipe, top: Place) -> None:
    """Size, duplicates, the number of models, the base: what needs the whole recipe."""
    method = recipe.method
    ranges = [s.sources[0].layer_range or (0, 0) for part in recipe.parts for s in part.slices]
    layers = sum(stop - start for start, stop in ranges)
    if layers > RECIPE_LAYERS:
        raise top.fail(
            f"the slices stack {layers:,} layers; a merge has at most {RECIPE_LAYERS} (the deepest models have about 130).",
            "modules" if recipe.modules else "slices",
        )
    groups: list[tuple[str, tuple[Entry, ...], str | None]] = []
    for above, part in zip([f"modules.{m.name}." for m in recipe.modules] or [""], recipe.parts, strict=True):
        if part.models:
            groups.append((f"{above}models", part.models, recipe.base_model))
        for i, s in enumerate(part.slices):
            groups.append((f"{above}slices[{i}].sources", s.sources, s.base_model or recipe.base_model))
    if method.base in ("required", "first") and any(base is None for _, _, base in groups):
        what = "the model the others were fine-tuned from" if method.base == "required" else "the model at t = 0"
        raise top.fail(f"'{method.name}' needs `base_model`, {what}.\n  Add `base_model: <folder or Hub id>`.")
    for path, entries, base in groups:
        if len(entries) > RECIPE_MODELS:
            raise top.fail(f"{path} lists {len(entries):,} models; at most {RECIPE_MODELS} are merged at once.", path)
        seen: dict[tuple[str, tuple[int, int] | None], int] = {}
        for i, entry in enumerate(entries):
            first = seen.setdefault((entry.model, entry.layer_range), i)
            if first != i:
                raise top.fail(f"{path}[{i}] repeats {path}[{first}] ({entry.model}); list each model once.", f"{path}[{i}]")
        others = [e for e in entries if e.model != base] if method.base in ("required", "optional", "first") else list(entries)
        fewest, most = method.models
        count = len(others) + (1 if method.base == "first" else 0)
        if count < fewest or (most is not None and count > most):
            kind = "models besides the base" if method.base in ("required", "optional") else "models"
            wanted = f"exactly {fewest}" if fewest == most else f"at least {fewest}" if most is None else f"{fewest} to {most}"
            hint = ""
            if method.base == "first" and base not in [e.model for e in entries] and count > fewest:
                hint = f"\n  It goes from `base_model` to one other: {base} and these are {count}. Make one of these the base."
            raise top.fail(f"'{method.name}' takes {wanted} {kind}; {path} gives {count}.{hint}", path)


def check_tokens(recipe: Recipe, top: Place) -> None:
    """A token's row comes from a model that is merged."""
    if recipe.tokenizer is None:
        return
    for token, row in recipe.tokenizer.tokens:
        if row.model is not None and row.model not in recipe.merged:
            source = top.child("tokenizer").child("tokens").child(token).child("source")
            place = source if row.kind == "model" else source.child("model")
            raise place.fail(
                f"{place.path} must be a model of this recipe: {', '.join(recipe.merged)}; "
                f"got {shown(place.value)}.{nearest(row.model, recipe.merged)}"
            )
