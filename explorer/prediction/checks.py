"""What is asked of a network, and what it answers, is checked the same way wherever it is computed."""

from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.weights.files import Card


def check_class(index: int, card: Card) -> None:
    """Accept the position of a class that the network has.

    Raises:
        InputError: where it has none there.
    """
    last = len(card.classes) - 1
    if not 0 <= index <= last:
        raise InputError(_("class: {value} is not between 0 and {last}").format(value=shown(index), last=last))


def check_numbers(values: Tensor, card: Card) -> None:
    """Accept what was computed with a network.

    Raises:
        InputError: where these are no numbers.
    """
    if not values.isfinite().all():
        raise InputError(
            _("{name} gives no numbers: some of its weights are not finite, or far too large").format(name=card.name)
        )
