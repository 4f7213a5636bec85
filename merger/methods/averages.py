"""Methods on whole weights: tensors (n, *shape) -> (*shape)."""

from torch import Tensor

from merger.methods import method
from merger.ops import column, cosine_angle
from merger.params import Blend, Normalize, Weight


@method(source="Wortsman et al. 2022, arXiv:2203.05482, section 2", says="plain weighted average of the models")
def linear(tensors: Tensor, weight: Weight, normalize: Normalize = True) -> Tensor:
    """Weighted average of the models' weights, a "model soup".

    tensors  (n, *shape), float: the models' weights; the base takes no part unless it is listed.
    returns  (*shape).

    Normalized weights that sum to zero give no average; the sum is then left undivided.

    >>> import torch
    >>> linear(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), weight=[1.0, 3.0])
    tensor([2.5000, 5.0000])

    Source: Wortsman et al. 2022, arXiv:2203.05482, section 2.
    """
    weights = column(weight, tensors)  # (n, 1, ..., 1)
    terms = weights * tensors  # (n, *shape)
    whole = float(weights.sum())
    return terms.sum(0) / whole if normalize and whole != 0 else terms.sum(0)


@method(
    source="Shoemake 1985, Animating rotation with quaternion curves, section 3.3",
    says="travel the arc from one model to another",
    models=(2, 2),
    base="first",
    symmetric=False,
)
def slerp(tensors: Tensor, t: Blend) -> Tensor:
    """Spherical interpolation from the base (t = 0) to the other model (t = 1), a tensor at a time.

    tensors  (2, *shape), float: the base first.
    returns  (*shape).

    The angle is that of the whole flattened tensor. Nearly parallel tensors (|cos| > 0.9995, as mergekit) and tensors of
    no length are interpolated linearly.

    >>> import torch
    >>> slerp(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), t=0.5)
    tensor([0.7071, 0.7071])

    Source: Shoemake 1985, Animating rotation with quaternion curves, section 3.3.
    """
    a, b = tensors
    theta = cosine_angle(a, b)
    sin = theta.sin()
    short = not bool((a != 0).any()) or not bool((b != 0).any())
    if short or float(theta.cos().abs()) > 0.9995:
        return (1 - t) * a + t * b
    first, second = ((1 - t) * theta).sin() / sin, (t * theta).sin() / sin
    return first.to(a.dtype) * a + second.to(a.dtype) * b
