"""The chosen layer of a network, which the parts of a page mark in the browser before the server knows of it.

Components with :data:`SCRIPT` in front of their own share the choice. A component reports a new choice by the trigger
``choose``; :func:`report` makes the callback. :func:`follow` tells the browser which layer the server has chosen, and
the number of the last choice that the server knows, so that the browser can ignore an answer to an earlier one.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.ui.callbacks import trigger_value
from explorer.ui.shared.choice_script import choice_script

ASSETS = Path(__file__).parents[1] / "assets"
NUMBER = "layer_choice.number"  # session_state key: number of the last choice that the browser has reported
SCRIPT = choice_script("layer_choice")

_follow = st.components.v2.component(
    "explorer_layer_follow", js=SCRIPT + (ASSETS / "layer_follow.js").read_text(encoding="utf-8")
)


def follow(chosen: str) -> None:
    """Show a layer in all parts of the page, unless the user has chosen another one since. Empty for none."""
    _follow(key="layer-choice", data={"chosen": chosen, "number": st.session_state.get(NUMBER, 0)})


def report(key: str, on_choose: Callable[[str], None]) -> Callable[[], None]:
    """Return the callback of a component's trigger ``choose``.

    Args:
        key: Key of the component.
        on_choose: Function to call with the name of the layer; empty for none.
    """

    def callback() -> None:
        match trigger_value(key, "choose"):
            case {"layer": str(name), "number": int(number)}:
                st.session_state[NUMBER] = number
                on_choose(name)

    return callback
