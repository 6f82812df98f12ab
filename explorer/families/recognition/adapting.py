"""Tensors of networks that differ from ours in what no spec says, changed so that ours gives the same scores."""

from torch import Tensor

from explorer.errors import SpecError, shown
from explorer.families import Spec
from explorer.i18n import _

Tensors = dict[str, Tensor]

PYTORCH_EPSILON = 1e-5  # of batch norm, where nobody sets one


def check_epsilon(epsilon: object) -> None:
    """See whether a value can be that of batch norms.

    Raises:
        SpecError: where it is no number, or beyond what anybody takes.
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon <= 1:
        raise SpecError(_("epsilon: {value} is not a number between 0 and 1").format(value=shown(epsilon)))


def with_epsilon(spec: Spec, tensors: Tensors, epsilon: float) -> Tensors:
    """Batch norms that were trained with another epsilon: their scales take up the difference."""
    own = spec.epsilon
    if epsilon == own:
        return tensors
    changed = dict(tensors)
    for name, var in tensors.items():
        if name.endswith(".running_var"):
            scale = name.replace("running_var", "weight")
            factor = ((var.double() + own) / (var.double() + epsilon)).sqrt()
            changed[scale] = (tensors[scale].double() * factor).to(tensors[scale].dtype)
    return changed
