"""Adapts tensors of networks that differ from ours in a way that no spec describes, so that the scores stay equal."""

from torch import Tensor

from explorer.errors import SpecError, shown
from explorer.families import Spec
from explorer.i18n import _

Tensors = dict[str, Tensor]

PYTORCH_EPSILON = 1e-5  # PyTorch's default epsilon of batch norms


def check_epsilon(epsilon: object) -> None:
    """Check the epsilon of batch norms.

    Raises:
        SpecError: If it is not a number between 0 and 1.
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon <= 1:
        raise SpecError(_("epsilon: {value} is not a number between 0 and 1").format(value=shown(epsilon)))


def with_epsilon(spec: Spec, tensors: Tensors, epsilon: float) -> Tensors:
    """The tensors with scales of batch norms that compensate for another epsilon.

    Args:
        spec: Spec of our network, which has its own epsilon.
        tensors: Tensors by our names.
        epsilon: Epsilon that the batch norms were trained with.
    """
    return rescaled(tensors, spec.epsilon, epsilon)


def rescaled(tensors: Tensors, own: float, epsilon: float) -> Tensors:
    """The tensors with scales of batch norms that compensate for another epsilon.

    Args:
        tensors: Tensors by our names.
        own: Epsilon of our batch norms.
        epsilon: Epsilon that the batch norms were trained with.
    """
    if epsilon == own:
        return tensors
    changed = dict(tensors)
    for name, var in tensors.items():
        if name.endswith(".running_var"):
            scale = name.replace("running_var", "weight")
            factor = ((var.double() + own) / (var.double() + epsilon)).sqrt()
            changed[scale] = (tensors[scale].double() * factor).to(tensors[scale].dtype)
    return changed
