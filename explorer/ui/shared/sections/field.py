"""The receptive field of a typed stack of layers, computed forwards and backwards step by step."""

import re
from typing import Annotated, Any

import streamlit as st
from pydantic import BeforeValidator, Field

from explorer.analysis.layer_list import MAX_TEXT, Layer, format_layers, from_cfg, parse_layers
from explorer.analysis.measures import Measure
from explorer.analysis.recursion import backward, forward
from explorer.drawing import kernels_pyramid
from explorer.families import PRESETS
from explorer.i18n import _
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import facts
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

NAME = "field"
EXAMPLE = widget_key(NAME, "example")
NETWORKS = ("lenet5", "alexnet", "vgg16")


def readable(text: object) -> object:
    """Return the layers of a link, ``3.pool2``, in the form that people type, ``3, pool 2``."""
    if not isinstance(text, str):
        return text
    return re.sub(r"pool(?=[0-9])", "pool ", re.sub(r"\s*\.\s*", ", ", text))


def compact(text: str) -> str:
    """Return layers in the form that links have."""
    return text.replace(", ", ".").replace(" ", "")


class FieldView(PageFields):
    """Fields of the section: the typed layers."""

    layers: Annotated[str, Field(max_length=MAX_TEXT), BeforeValidator(readable)] = "3, 3, 3"

    def to_link(self) -> dict[str, str]:
        """Return the query parameters. The layers have no blanks, and dots between them."""
        return {name: compact(text) for name, text in super().to_link().items()}


def examples() -> dict[str, str]:
    """Return the texts of the example stacks, by their titles."""
    published = {PRESETS[name].title: format_layers(from_cfg(PRESETS[name].spec.structure())) for name in NETWORKS}
    return {
        _("Three 3×3: sees 3, 5, 7"): "3, 3, 3",
        _("3×3 with stride 2, then pool 2×2: sees 5"): "3/2, pool 2",
        _("Pool 2×2, then 3×3 with stride 2: sees 6"): "pool 2, 3/2",
        _("Dilation 1, 2, 4"): "3, 3d2, 3d4",
        **published,
    }


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {"layers": _("Layers, from the image on")}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    return {"layers": layers_input(widget_key(NAME, "layers")) if is_rendered("layers") else value(NAME, "layers")}


def layers_input(key: str) -> str:
    """Render the field for the layers, next to the examples.

    Args:
        key: Key of the field's widget.
    """
    stacks = examples()
    left, right = st.columns([7, 4], vertical_alignment="bottom")
    text: str = left.text_input(
        labels()["layers"],
        key=key,
        live="100ms",
        help=_(
            "`3` is a 3×3 convolution, `7/2` a 7×7 with stride 2, `pool 2` a 2×2 pool with stride 2, `pool 3/2` "
            "a 3×3 pool with stride 2. Convolutions are padded to keep the map's size: `3p0` has no padding, "
            "`3d2` dilation 2. Separate layers with commas."
        ),
    )
    right.selectbox(
        _("Examples"),
        list(stacks),
        index=None,
        key=EXAMPLE,
        placeholder=_("Choose one…"),
        on_change=_open,
        args=(key, stacks),
    )
    return text


def _open(key: str, stacks: dict[str, str]) -> None:
    st.session_state[key] = stacks[st.session_state[EXAMPLE]]
    st.session_state[EXAMPLE] = None


def compute(view: FieldView) -> list[Layer]:
    """Return the layers.

    Raises:
        InputError: If a layer can't be read, or the receptive field grows too large.
    """
    layers = parse_layers(view.layers)
    backward(layers)
    return layers


def render(layers: list[Layer], *, dark: bool, numbers: bool = True) -> None:
    """Render the figure and both recursions."""
    if not numbers:
        show_figure(figures(layers, dark=dark)[0], key="kernels.picture.pyramid")
        return
    last = forward(layers)[-1]
    st.markdown(
        plain(
            _(
                "One unit of the last map sees {size:,} pixels of the image per side; the field of its neighbour "
                "is as large and lies {stride:,} pixels further."
            ).format(size=last.size, stride=last.stride)
        )
    )
    left, right = st.columns([10, 11], gap="medium")
    with left:
        show_figure(kernels_pyramid.draw(layers, dark=dark), key="kernels.picture.pyramid")
    with right:
        facts(list_numbers(layers))
        steps = backward(layers)
        st.markdown(plain(_("Backwards, from one unit to the image: F(i) = (F(i+1) − 1)·stride + kernel")))
        st.table(
            {
                _("Layer"): [step.layer.name for step in steps],
                _("Sees of the map before it"): [step.formula for step in steps],
            },
            border="horizontal", hide_index=True, alt=_("The recursion backwards, last layer first"),
        )  # fmt: skip
    st.markdown(plain(_("Forwards, from the image to the unit: size, stride and padding in pixels of the image")))
    rows = forward(layers)
    sizes, strides, paddings = zip(*(row.formulas for row in rows), strict=True)
    st.table(
        {
            _("Layer"): [row.layer.name if row.layer else _("image") for row in rows],
            _("Size"): sizes, _("Stride"): strides, _("Padding"): paddings,
        },
        border="horizontal", hide_index=True, alt=_("The recursion forwards, first layer first"),
    )  # fmt: skip
    st.caption(_("Both directions lead to the same size. Forwards: Araujo, Norris and Sim 2019, Distill, section 2."))


def figures(layers: list[Layer], *, dark: bool) -> list[str]:
    """Return the pyramid of fields."""
    return [kernels_pyramid.draw(layers, dark=dark)]


def list_numbers(layers: list[Layer]) -> list[Fact]:
    """Return the numbers of one unit of the last map."""
    last = forward(layers)[-1]
    return [
        Fact(measure.label, measure.definition.text(amount))
        for measure, amount in (
            (Measure.RECEPTIVE_FIELD, last.size),
            (Measure.STRIDE, last.stride),
            (Measure.PADDING, last.padding),
        )
    ]


SECTION = Section(
    NAME, lambda: _("Receptive field"), FieldView, controls, compute, render, figures, list_numbers, labels
)
