"""Widgets that several editors share. The spec checks every limit again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.i18n import _
from explorer.specs.activation import activation_titles
from explorer.ui.architecture.state import EDIT
from explorer.ui.glossary import explain
from explorer.ui.shared.number_input import number_input
from explorer.ui.shared.size_input import size_input

_FIELD = re.compile(r"[a-z_0-9]+")
_DEFAULT = "image_size"  # field next to which other errors are shown: most of them are about the input size

ErrorAreas = dict[str, DeltaGenerator]
_areas: ContextVar[ErrorAreas] = ContextVar("error_areas")


@contextmanager
def collect_error_areas() -> Iterator[ErrorAreas]:
    """Collect the error areas of all fields that are rendered in the block."""
    token = _areas.set({})
    try:
        yield _areas.get()
    finally:
        _areas.reset(token)


def error_area(*fields: str) -> DeltaGenerator:
    """Add a place below the widgets of these fields for errors about them."""
    area = st.container()
    _areas.get().update(dict.fromkeys(fields, area))
    return area


def find_error_area(areas: ErrorAreas, message: str) -> DeltaGenerator:
    """Return the area of the field that a message begins with: ``blocks, entry 2: …`` belongs to ``blocks``."""
    match = _FIELD.match(message)
    return areas.get(match[0] if match else "", areas[_DEFAULT])


def number_field(name: str, label: str, help_text: str | None = None) -> Any:
    """Render a number input for a field of the spec."""
    return number_input(EDIT + name, label, help_text)


def optional_number_field(name: str, label: str, placeholder: str, help_text: str) -> Any:
    """Render a number input that may be empty, which is null in the spec."""
    return number_input(EDIT + name, label, help_text, value=None, placeholder=placeholder)


def shared_fields(*, classes_are_typed: bool = False) -> dict[str, Any]:
    """Render the fields that every family has: input size, classes and channels.

    Args:
        classes_are_typed: Whether another widget sets the number of classes, so that it can't be changed here.
    """
    with st.grid(3, min_column_width=105, gap="xsmall", vertical_alignment="bottom"):
        fields = {
            "image_size": size_input(
                EDIT + "image_size",
                _("Input size"),
                help=_("Pixels of the input image: a side such as 224, or height x width such as 224x160."),
            ),
            "num_classes": number_input(
                EDIT + "num_classes",
                _("Classes"),
                explain("logits", _("Number of logits at the end.")),
                disabled=classes_are_typed,
            ),
        }
        fields["in_channels"] = number_field(
            "in_channels", _("Channels"), explain("channel", _("Of the input image: 3 for colour, 1 for grey."))
        )
    error_area("image_size", "num_classes", "in_channels")
    return fields


def choice_field(name: str, label: str, names: dict[Any, str], help_text: str | None = None) -> Any:
    """Render a choice of one of a few values, all of them visible."""
    return st.segmented_control(
        label,
        list(names),
        format_func=lambda value: names.get(value, str(value)),
        key=EDIT + name,
        help=help_text,
        required=True,
    )


def toggle_field(name: str, label: str, help_text: str | None = None) -> bool:
    """Render a switch for a field of the spec."""
    return st.toggle(label, key=EDIT + name, help=help_text)


def batch_norm_field() -> bool:
    """Render a switch for batch norm after every convolution."""
    return toggle_field("batch_norm", _("Batch norm"), explain("batch-norm", _("After every convolution.")))


def activation_field(help_text: str = "", *, own: str = "", disabled: bool = False) -> Any:
    """Render a choice of the activation function of all layers.

    Args:
        help_text: Explanation of the choice; empty for a network with one function after every layer.
        own: Title of the choice to replace nothing; empty if there is no such choice.
        disabled: Whether the choice can't be changed.
    """
    titles: dict[Any, str] = ({"own": own} if own else {}) | dict(activation_titles())
    return st.selectbox(
        _("Activation"),
        list(titles),
        format_func=lambda value: titles.get(value, str(value)),
        key=EDIT + "activation",
        help=explain("activation", help_text or _("The same after every convolution and hidden layer.")),
        disabled=disabled,
    )


def dropout_field(name: str = "dropout", label: str | None = None) -> Any:
    """Render an input for a dropout probability."""
    return st.number_input(
        label or _("Dropout"), min_value=0.0, max_value=1.0, step=0.05, format="%.2f", key=EDIT + name,
        help=explain("dropout"),
    )  # fmt: skip
