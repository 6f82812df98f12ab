"""One editor per family: widgets in, validated spec out; a module each, which is found by the family's name."""

from collections.abc import Callable
from importlib import import_module

from explorer.families import Spec
from explorer.ui.architecture.state import Editing


def editor(family: str) -> Callable[[Editing], Spec]:
    """The function that draws the widgets of a family and returns the spec that they describe.

    It raises SpecError where they describe none.
    """
    edit: Callable[[Editing], Spec] = import_module(f"{__package__}.{family}").edit
    return edit
