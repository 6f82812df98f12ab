"""Checks of a network's inputs and outputs, the same for all computations."""

from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.weights.files import Card


def check_class(index: int, card: Card) -> None:
    """Checks that a network has a class at this position.

    Raises:
        InputError: If it has none.
    """
    last = len(card.classes) - 1
    if not 0 <= index <= last:
        raise InputError(_("class: {value} is not between 0 and {last}").format(value=shown(index), last=last))


def check_numbers(values: Tensor, card: Card) -> None:
    """Checks the outputs of a network.

    Raises:
        InputError: If they are not finite.
    """
    if not values.isfinite().all():
        raise InputError(
            _("{name} gives scores that are not finite: some of its weights are not finite, or far too large").format(
                name=card.name
            )
        )
