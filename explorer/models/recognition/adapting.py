"""Tensors of networks that differ from ours in what no spec says, changed so that ours gives the same scores."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.models.googlenet import EPSILON
from explorer.specs import GoogLeNetSpec, ResNetSpec, Spec

Tensors = dict[str, Tensor]

PYTORCH_EPSILON = 1e-5  # of batch norm, where nobody sets one
BEHIND, BOTH = "behind", "both sides"  # where option A puts its zeros


def own_epsilon(spec: Spec) -> float:
    """That of the batch norms of a network of ours."""
    return EPSILON if isinstance(spec, GoogLeNetSpec) else PYTORCH_EPSILON


def check_epsilon(epsilon: object) -> None:
    """See whether a value can be that of batch norms.

    Raises:
        SpecError: where it is no number, or beyond what anybody takes.
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon <= 1:
        raise SpecError(_("epsilon: {value} is not a number between 0 and 1").format(value=shown(epsilon)))


def with_epsilon(spec: Spec, tensors: Tensors, epsilon: float) -> Tensors:
    """Batch norms that were trained with another epsilon: their scales take up the difference."""
    own = own_epsilon(spec)
    if epsilon == own:
        return tensors
    changed = dict(tensors)
    for name, var in tensors.items():
        if name.endswith(".running_var"):
            scale = name.replace("running_var", "weight")
            factor = ((var.double() + own) / (var.double() + epsilon)).sqrt()
            changed[scale] = (tensors[scale].double() * factor).to(tensors[scale].dtype)
    return changed


def with_padding(spec: Spec, tensors: Tensors, padding: str) -> Tensors:
    """Shortcuts that pad before and behind the channels: the same network as ours with its channels in another order.

    The paper says only that zeros are added (He et al. 2016, section 3.3); ours adds them behind.
    """
    if padding == BEHIND or not isinstance(spec, ResNetSpec) or not spec.residual:
        return tensors
    changed = dict(tensors)
    order = list(range(spec.widths[0]))  # their channel at each place of ours
    last = 2 if spec.block == "basic" else 3
    for stage, count in enumerate(spec.blocks, 1):
        for block in range(count):
            place = f"layer{stage}.{block}"
            changed[f"{place}.conv1.weight"] = changed[f"{place}.conv1.weight"][:, order]
            order = _padded(order, len(tensors[f"{place}.conv{last}.weight"]))
            for name in tensors:
                if name.startswith((f"{place}.conv{last}.", f"{place}.bn{last}.")) and tensors[name].dim():
                    changed[name] = changed[name][order]
    changed["fc.weight"] = changed["fc.weight"][:, order]
    return changed


def _padded(order: list[int], channels: int) -> list[int]:
    front = (channels - len(order)) // 2
    moved = [place + front for place in order]
    return moved + sorted(set(range(channels)) - set(moved))


ADAPTING: dict[str, Callable[[Spec, Tensors, Any], Tensors]] = {"epsilon": with_epsilon, "padding": with_padding}
