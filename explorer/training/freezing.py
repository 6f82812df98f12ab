"""Transfer learning: parts of a network keep their weights while the rest trains."""

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import accumulate

from torch import nn

from explorer.errors import InputError, shown
from explorer.i18n import _


def freeze(network: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """Excludes parameters from training.

    Args:
        network: Network. Changed in place: its frozen parameters need no gradient.
        names: Names of modules or parameters, such as ``features``, ``layer1.0`` or ``conv1.weight``. A module includes
            everything that it holds.

    Returns:
        The named modules, for :func:`training_mode`.

    Raises:
        InputError: If a name holds no parameters, or nothing is left to train.
    """
    parameters = dict(network.named_parameters(remove_duplicate=False))
    all_names = {part for name in parameters for part in accumulate(name.split("."), "{}.{}".format)}
    for name in names:
        if name not in all_names:
            raise _unknown(name, all_names)
        for parameter_name, parameter in parameters.items():
            if f"{parameter_name}.".startswith(f"{name}."):
                parameter.requires_grad_(False)  # noqa: FBT003
    if names and not any(parameter.requires_grad for parameter in parameters.values()):
        raise InputError(_("freeze: {names} leave nothing to train").format(names=shown(list(names))))
    return [module for name, module in network.named_modules() if name in names]


def training_mode(network: nn.Module, frozen: Sequence[nn.Module]) -> None:
    """Calls ``network.train()``, but keeps frozen modules in evaluation mode.

    There, batch norms keep their statistics and dropout is off, so a frozen part is a fixed function of the image.
    """
    network.train()
    for module in frozen:
        module.eval()


def _unknown(name: str, all_names: set[str]) -> InputError:
    if close := get_close_matches(name[:200], all_names, n=3):
        return InputError(
            _("freeze: {name} is not a part of this network with weights; did you mean {names}?").format(
                name=shown(name), names=", ".join(close)
            )
        )
    tops = sorted({part for part in all_names if "." not in part})
    return InputError(
        _("freeze: {name} is not a part of this network with weights; it has {names}").format(
            name=shown(name), names=", ".join(tops)
        )
    )
