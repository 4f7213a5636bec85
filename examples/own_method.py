"""A merge method of one's own: a function and its signature. From then on it is checked, listed and offered like any other.

python -m examples.own_method [folder]
"""

import sys
from typing import Annotated

from torch import Tensor

from merger import merge, method
from merger.methods.params import Param
from merger.recipe import load

Share = Annotated[float, Param(0.0, 2.0, "how much of the median change is added")]


@method(source="examples/own_method.py", says="add the median of the changes")
def median(deltas: Tensor, share: Share = 1.0) -> Tensor:
    """Add the median of the models' changes, weight by weight: what one model does alone does not count.

    deltas (n, *shape), fine-tuned minus base; returns (*shape).
    """
    return share * deltas.median(0).values


recipe = load("""
merge_method: median
base_model: presets/family/base
models: [{model: presets/family/pirate}, {model: presets/family/plural}, {model: presets/family/spell}]
parameters: {share: [1.5, 1.0]}  # a curve, from the first layer to the last
""")
done = merge(recipe, sys.argv[1] if len(sys.argv) > 1 else "median")
print(f"{len(done.jobs)} tensors by {recipe.merge_method}: {recipe.method.summary}")
