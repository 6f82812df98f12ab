"""Widgets that several families share; every limit is checked again by the spec."""

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.i18n import _
from explorer.ui.glossary import explain
from explorer.ui.state import PREFIX

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")


def number(key: str, label: str, help_text: str | None = None, **options: Any) -> Any:
    """A number input without limits of its own, and without rounding.

    The browser would keep a number beyond its limits to itself, and cut 1.5 to 1: nobody would say why nothing
    happens. So it takes any number, and the spec refuses in words what it can't use.
    """
    held = st.session_state.get(key)
    if isinstance(held, int):
        st.session_state[key] = float(held)
    value = st.number_input(label, step=1.0, format="%.12g", key=key, help=help_text, **options)
    return int(value) if value is not None and value.is_integer() else value


def whole_number(name: str, label: str, help_text: str | None = None) -> Any:
    """A number input for a field of the spec."""
    return number(PREFIX + name, label, help_text)


def optional_number(name: str, label: str, placeholder: str, help_text: str) -> Any:
    """A number input that may be empty, which is null in the spec."""
    return number(PREFIX + name, label, help_text, value=None, placeholder=placeholder)


def shared_fields(*, channels: bool = True) -> dict[str, Any]:
    """Input size, channels and classes."""
    with st.grid(3 if channels else 2, min_column_width=105, gap="xsmall", vertical_alignment="bottom"):
        fields = {
            "image_size": whole_number("image_size", _("Input size"), _("Side of the square input image, in pixels.")),
            "num_classes": whole_number(
                "num_classes", _("Classes"), explain("logits", _("Number of logits at the end."))
            ),
        }
        if channels:
            fields["in_channels"] = whole_number(
                "in_channels", _("Channels"), explain("channel", _("Of the input image: 3 for colour, 1 for grey."))
            )
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


def dropout() -> Any:
    """The dropout probability."""
    return st.number_input(
        _("Dropout"), min_value=0.0, max_value=1.0, step=0.05, format="%.2f", key=PREFIX + "dropout",
        help=explain("dropout"),
    )  # fmt: skip


def numbers_from(text: str) -> list[int | str]:
    """A typed list of numbers; what is no number stays text, for the spec to refuse by its place."""
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    return [int(word) if _NUMBER.fullmatch(word) else word for word in words]
