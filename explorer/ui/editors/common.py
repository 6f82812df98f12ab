"""Widgets that several families share; every limit is checked again by the spec."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.i18n import _
from explorer.ui.architecture.state import PREFIX
from explorer.ui.glossary import explain

_FIELD = re.compile(r"[a-z_0-9]+")
_ANY = "image_size"  # what is wrong with no field of its own mostly does not fit the input: it is said beside that

Slots = dict[str, DeltaGenerator]
_slots: ContextVar[Slots] = ContextVar("slots")


@contextmanager
def slots() -> Iterator[Slots]:
    """Collect the room below each field that the editor draws meanwhile."""
    token = _slots.set({})
    try:
        yield _slots.get()
    finally:
        _slots.reset(token)


def slot(*fields: str) -> DeltaGenerator:
    """Room below the widgets of these fields, for what is wrong with them."""
    room = st.container()
    _slots.get().update(dict.fromkeys(fields, room))
    return room


def beside(found: Slots, problem: str) -> DeltaGenerator:
    """The room of the field that a message starts with, as ``blocks, entry 2: …`` does with ``blocks``."""
    match = _FIELD.match(problem)
    return found.get(match[0] if match else "", found[_ANY])


def number(key: str, label: str, help_text: str | None = None, **options: Any) -> Any:
    """A number input without limits of its own, and without rounding.

    The browser would keep a number beyond its limits to itself, and cut 1.5 to 1: nobody would say why nothing
    happens. So it takes any number, and the spec refuses in words what it can't use.
    """
    held = st.session_state.get(key)
    if isinstance(held, int):
        st.session_state[key] = float(held)
    value = st.number_input(label, step=1.0, format="%.12g", key=key, help=help_text, persist_state="page", **options)
    return int(value) if value is not None and value.is_integer() else value


def whole_number(name: str, label: str, help_text: str | None = None) -> Any:
    """A number input for a field of the spec."""
    return number(PREFIX + name, label, help_text)


def optional_number(name: str, label: str, placeholder: str, help_text: str) -> Any:
    """A number input that may be empty, which is null in the spec."""
    return number(PREFIX + name, label, help_text, value=None, placeholder=placeholder)


def shared_fields(*, classes_are_typed: bool = False) -> dict[str, Any]:
    """Input size, channels and classes; the last can't be changed here while another field says them."""
    with st.grid(3, min_column_width=105, gap="xsmall", vertical_alignment="bottom"):
        fields = {
            "image_size": whole_number("image_size", _("Input size"), _("Side of the square input image, in pixels.")),
            "num_classes": number(
                PREFIX + "num_classes",
                _("Classes"),
                explain("logits", _("Number of logits at the end.")),
                disabled=classes_are_typed,
            ),
        }
        fields["in_channels"] = whole_number(
            "in_channels", _("Channels"), explain("channel", _("Of the input image: 3 for colour, 1 for grey."))
        )
    slot("image_size", "num_classes", "in_channels")
    return fields


def choice(name: str, label: str, names: dict[Any, str], help_text: str | None = None) -> Any:
    """One of a few values, all visible."""
    return st.segmented_control(
        label, list(names), format_func=_naming(names), key=PREFIX + name, help=help_text, required=True
    )


def _naming(names: dict[Any, str]) -> Callable[[Any], str]:
    return lambda value: names.get(value, str(value))


def flag(name: str, label: str, help_text: str | None = None) -> bool:
    """A switch."""
    return st.toggle(label, key=PREFIX + name, help=help_text)


def batch_norm_flag() -> bool:
    """Whether batch norm follows every convolution."""
    return flag("batch_norm", _("Batch norm"), explain("batch-norm", _("After every convolution.")))


def dropout(name: str = "dropout", label: str | None = None) -> Any:
    """A dropout probability: the network's, or that of another field of the spec."""
    return st.number_input(
        label or _("Dropout"), min_value=0.0, max_value=1.0, step=0.05, format="%.2f", key=PREFIX + name,
        help=explain("dropout"),
    )  # fmt: skip
