"""The grammar of values: models' references, whole numbers, parameters with their rules and curves."""

from merger.errors import nearest
from merger.methods import METHODS, Method
from merger.methods.params import Param, Scalar, to_number
from merger.recipe.known import IDLE_PARAMETERS, OTHER_PARAMETERS
from merger.recipe.model import DTYPES, Parameters, Setting, Value, constant
from merger.recipe.parse import Place
from merger.recipe.paste import clothed

_ANYTHING = Param()


def reference(place: Place) -> str:
    """A model: text, or mergekit's mapping {model: {path, revision}, lora: {path, revision}, override_architecture}."""
    if isinstance(place.value, dict):
        return _revision_of(place) if "path" in place.value else _mapped_reference(place)
    text = place.text("a folder or a Hub id")
    if any(ord(c) < 32 for c in text) or len(text) > 4096 or clothed(text):
        raise place.wrong("must be a folder or a Hub id, on one line")
    return text


def _revision_of(place: Place) -> str:
    """A path with its revision as text."""
    keys = place.mapping("a model's place", ("path", "revision"))
    path = reference(keys["path"])
    return f"{path}@{reference(keys['revision'])}" if "revision" in keys else path


def _mapped_reference(place: Place) -> str:
    """The mapping as text. `override_architecture` changes nothing: tensors are found by their names."""
    keys = place.mapping("a model", ("model", "lora", "override_architecture"))
    if "model" not in keys:
        raise place.fail(f"{place.path}.model is missing: a folder or a Hub id.")
    model = reference(keys["model"])
    return f"{model}+{reference(keys['lora'])}" if "lora" in keys else model


def dtype(place: Place) -> str:
    known = {name: name for name in DTYPES} | {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "half": "float16"}
    return (known.get(place.value) if isinstance(place.value, str) else None) or place.one_of(DTYPES)


def whole(place: Place, low: int, high: int) -> int:
    if isinstance(place.value, bool) or not isinstance(place.value, int) or not low <= place.value <= high:
        raise place.wrong(f"must be a whole number from {low} to {high}")
    return place.value


def layer_range(place: Place) -> tuple[int, int]:
    ends = place.value if isinstance(place.value, list) else ()
    first, end = ends if len(ends) == 2 else (None, None)
    if type(first) is not int or type(end) is not int or not 0 <= first < end:  # and no booleans
        raise place.wrong("must be [first, end) with 0 <= first < end, for example [0, 16]")
    return first, end


def parameters(place: Place, method: Method) -> Parameters:
    if not isinstance(place.value, dict):
        raise place.wrong("must hold parameters, for example `weight: 0.5`, indented below it")
    settings: list[tuple[str, Setting]] = []
    elsewhere = {p.name: p for m in METHODS.values() for p in m.params}
    for key in place.value:
        param = method.param(key)
        if param is None and key in IDLE_PARAMETERS and key not in method.unused:
            place.child(key).note(f"{place.path}.{key} has no effect{IDLE_PARAMETERS[key]}.")
            continue
        if param is None and key not in method.unused and key not in elsewhere and key not in OTHER_PARAMETERS:
            raise place.fail(
                f"{place.path}.{key} is not a parameter of '{method.name}'.\n  {method.name} takes: "
                f"{', '.join(p.name for p in method.params)}.{nearest(key, [p.name for p in method.params])}",
                at=f"{place.path}.{key}",
            )
        setting = _setting(place.child(key), param or elsewhere.get(key) or _ANYTHING)
        if setting is not None:
            settings.append((key, setting))
    return tuple(settings)


def _setting(place: Place, param: Param) -> Setting | None:
    value = place.value
    if value is None or value == []:
        return None
    if isinstance(value, dict):
        return Setting((_rule(place, param),))
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        places = place.items("a list of rules")
        for p in places:
            if not isinstance(p.value, dict):
                raise p.wrong("mixes a bare number with rules: write {value: ..} for all of them")
        return Setting(tuple(_rule(p, param) for p in places))
    return constant(_value(place, param))


def _rule(place: Place, param: Param) -> tuple[str | None, Value]:
    keys = place.mapping("a rule", ("filter", "value"))
    if "value" not in keys:
        raise place.fail(f"{place.path}.value is missing: a number, or a list of numbers over the layers.")
    pattern = keys["filter"].text("part of a tensor's name, for example mlp") if "filter" in keys else None
    return None if pattern == "*" else pattern, _value(keys["value"], param)


def _value(place: Place, param: Param) -> Value:
    if isinstance(place.value, list):
        if len(place.value) > 4096:
            raise place.fail(f"{place.path} lists {len(place.value)} values; a curve over the layers has at most 4096.")
        return tuple(_scalar(p, param) for p in place.items("a number or a list of numbers"))
    return _scalar(place, param)


def _scalar(place: Place, param: Param) -> Scalar:
    if isinstance(place.value, (dict, list)) or place.value is None:
        raise place.wrong(f"must be {param}")
    if param is _ANYTHING:  # a parameter of a method we do not know in detail: no bounds, but still no NaN
        number = to_number(place.value)
        if number is None:
            return place.value
    try:
        return param.accept(place.value)
    except ValueError as error:
        raise place.wrong(str(error)) from None
