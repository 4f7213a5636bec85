"""Param: everything that is known about one parameter of a merge method, written once.

A method's signature carries Params in its annotations; sliders, checks, `merger methods`, docs and tests read them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

PerModel = float | Sequence[float]
"""One number for all models, or one for each."""

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Param:
    """One parameter: its bounds (values beyond are refused), the range its slider shows, and its help.

    `name`, `kind`, `per_model` and `default` are filled in from the signature that carries it.
    """

    low: float = -math.inf
    high: float = math.inf
    help: str = ""
    view: tuple[float, float] | None = None
    step: float = 0.01
    choices: tuple[Scalar, ...] = ()
    label: str = ""
    name: str = ""
    kind: Literal["float", "int", "bool", "choice"] = "float"
    per_model: bool = False
    default: Scalar | None = None

    @property
    def required(self) -> bool:
        return self.default is None

    @property
    def slider(self) -> tuple[float, float]:
        """The range a slider shows at first; values outside are still allowed up to low and high."""
        return self.view or (self.low, self.high)

    def __str__(self) -> str:
        """The phrase used in errors and docs.

        >>> str(Param(0, 1, name="density"))
        'a number from 0 to 1'
        """
        if self.kind == "bool":
            return "true or false"
        if self.kind == "choice":
            return " or ".join(_yaml(choice) for choice in self.choices)
        number = "a whole number" if self.kind == "int" else "a number"
        if math.isinf(self.low) and math.isinf(self.high):
            return number
        if math.isinf(self.high):
            return f"{number} of at least {self.low:g}"
        return f"{number} from {self.low:g} to {self.high:g}"

    def accept(self, value: object) -> Scalar:
        """The value in this Param's type; ValueError with the phrase of what would be right."""
        if self.kind == "choice":
            for choice in self.choices:
                # 1 and 1.0 mean true, as for plain booleans
                if choice == value and isinstance(choice, str) == isinstance(value, str):
                    return choice
            raise ValueError(f"must be {self}")
        if self.kind == "bool":
            if isinstance(value, bool):
                return value
            if value in (0, 1):  # mergekit's recipes write 1 and 1.0 for true
                return bool(value)
            raise ValueError(f"must be {self}")
        number = to_number(value)
        if number is None or not math.isfinite(number) or not self.low <= number <= self.high:
            raise ValueError(f"must be {self}")
        if self.kind == "int":
            if number != int(number):
                raise ValueError(f"must be {self}")
            return int(number)
        return number


def to_number(value: object) -> float | None:
    """A YAML scalar as a float, or None. YAML 1.1 reads `1e-3` as text, which mergekit takes as a number.

    >>> to_number("1e-3"), to_number(True), to_number("half")
    (0.001, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _yaml(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Weight = Annotated[
    PerModel,
    Param(-100, 100, view=(0, 1), label="How much", help="share of this model's delta (or of the model, for averages)"),
]
Density = Annotated[
    PerModel,
    Param(0, 1, label="How much is kept", help="fraction of each delta that is kept; the rest is set to zero"),
]
Lambda = Annotated[
    float, Param(-100, 100, view=(0, 2), label="Strength", help="scales the merged delta before it is added to the base")
]
Normalize = Annotated[
    bool, Param(label="Normalize", help="divide by the sum of the weights that take part, so weights are shares")
]
Rescale = Annotated[
    bool | str,
    Param(
        choices=(True, False, "inverse"),
        label="Rescale",
        help="after dropping: true restores the delta's L1 norm (mergekit), inverse divides by the density (paper)",
    ),
]
Blend = Annotated[
    float, Param(-10, 10, view=(0, 1), label="Blend", help="0 is the base model, 1 is the other model, between is the arc")
]
Epsilon = Annotated[
    PerModel,
    Param(0, 0.5, view=(0, 0.1), label="Spread", help="small changes stay with density - epsilon, large ones with density + it"),
]
Gamma = Annotated[
    PerModel,
    Param(0, 1, view=(0, 0.1), step=0.001, label="Outliers cut", help="fraction of each delta that is dropped, largest first"),
]
Scale = Annotated[PerModel, Param(-100, 100, view=(0, 2), label="Scale", help="multiplies the model's weights")]
Reach = Annotated[
    float,
    Param(0, 100, view=(0, 0.01), step=0.0001, label="Reach", help="how far a weight may move from the base to the other model"),
]
Threshold = Annotated[
    float,
    Param(0, 100, view=(0, 0.001), step=0.00001, label="Threshold", help="a weight counts as changed where its delta is larger"),
]
Floor = Annotated[
    float,
    Param(0, 1, view=(0, 0.001), step=0.00001, label="Floor", help="added to lengths before dividing by them"),
]
Tolerance = Annotated[
    float,
    Param(0, 1, view=(0, 0.001), step=0.00001, label="Tolerance", help="shorter steps end it; shorter models have no direction"),
]
Iterations = Annotated[
    int, Param(1, 10_000, view=(1, 50), step=1, label="Steps", help="at most this many steps towards the mean")
]
Flatten = Annotated[bool, Param(label="Whole tensor", help="one angle for the whole tensor; false: one for each row or column")]
AlongFirst = Annotated[bool, Param(label="Along the first axis", help="vectors run along the first axis instead of the last")]
FilterWise = Annotated[bool, Param(label="Row by row", help="one step for each row instead of one for the whole tensor")]
FullRank = Annotated[
    bool, Param(label="All directions", help="strengthen directions of no strength too, as the authors' code; they are arbitrary")
]
SelectTop = Annotated[
    float, Param(0, 1, label="Selected", help="fraction that stays of the weights that vary between models, most varied first")
]
Boost = Annotated[
    float, Param(0, 100, view=(0, 1), label="Boost", help="strengthens unique changes by this times shared per unique")
]
BoostCap = Annotated[float, Param(0, 100, view=(0, 1), label="Boost cap", help="shared changes per unique one count up to here")]
MaskStrictness = Annotated[
    float,
    Param(0, 100, view=(0, 1), label="Mask strictness", help="a model's change must exceed this many times the others' sum"),
]
Agreement = Annotated[
    int, Param(1, 1000, view=(1, 5), step=1, label="Claims needed", help="weights that fewer models claim are left at the base")
]
