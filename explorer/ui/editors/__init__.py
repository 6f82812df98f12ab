"""The editors, one module for each family with the name of the family: widgets in, validated spec out."""

from collections.abc import Callable
from importlib import import_module

from explorer.families import Spec
from explorer.ui.architecture.state import ArchitectureState


def editor(family: str) -> Callable[[ArchitectureState], Spec]:
    """Return the function that renders the widgets of a family and returns the spec that they describe.

    The function raises SpecError if the values of the widgets break a rule.
    """
    edit: Callable[[ArchitectureState], Spec] = import_module(f"{__package__}.{family}").edit
    return edit
