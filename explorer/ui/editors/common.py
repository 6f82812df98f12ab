"""Widgets that several families share; every limit is checked again by the spec."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.i18n import _
from explorer.specs.base import MAX_CLASSES, MAX_IMAGE, MAX_IN_CHANNELS
from explorer.ui.state import PREFIX

SHARED = ("in_channels", "image_size", "num_classes")


def whole_number(name: str, label: str, most: int, help_text: str | None = None, *, step: int = 1) -> Any:
    """A number input for a field of the spec."""
    return st.number_input(label, min_value=1, max_value=most, step=step, key=PREFIX + name, help=help_text)


def shared_fields(*, channels: bool = True) -> dict[str, Any]:
    """Input size, channels and classes."""
    columns = st.columns(3 if channels else 2, vertical_alignment="bottom", wrap=False, gap="xsmall")
    with columns[0]:
        image = whole_number("image_size", _("Input size"), MAX_IMAGE, _("Side of the square input image, in pixels."))
    with columns[1]:
        classes = whole_number("num_classes", _("Classes"), MAX_CLASSES, _("Number of logits at the end."))
    fields = {"image_size": image, "num_classes": classes}
    if channels:
        with columns[2]:
            fields["in_channels"] = whole_number(
                "in_channels", _("Channels"), MAX_IN_CHANNELS, _("3 for colour images, 1 for grey.")
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


def dropout() -> Any:
    """The dropout probability."""
    return st.number_input(
        _("Dropout"), min_value=0.0, max_value=1.0, step=0.05, format="%.2f", key=PREFIX + "dropout",
        help=_("Probability that a unit is left out in training (Srivastava et al. 2014)."),
    )  # fmt: skip


def numbers_from(text: str) -> list[int | str]:
    """A typed list of numbers; what is no number stays text, for the spec to refuse by its place."""
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    return [int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else word for word in words]
