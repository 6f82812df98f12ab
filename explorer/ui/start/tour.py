"""The tour: five screens of the app in the order in which people work, each with a link that opens it."""

from typing import NamedTuple

import streamlit as st

from explorer.i18n import _
from explorer.ui.start import parts

ANCHOR = "tour"


class Stop(NamedTuple):
    """A screen of the tour.

    Attributes:
        page: Name of the page's script.
        label: Words of the link.
        sentence: Sentence about the stop: things to see and do.
        parameters: Link of the screen.
    """

    page: str
    label: str
    sentence: str
    parameters: dict[str, str]


def stops() -> list[Stop]:
    """Return the screens in their order."""
    return [
        Stop(
            "architecture",
            _("Find the costly layer"),
            _(
                "VGG-16, coloured by its parameters: one linear layer holds three quarters of them. Change the layers, "
                "and compare with the published numbers."
            ),
            {"net": "vgg16", "colour": "params", "layer": "classifier.0"},
        ),
        Stop(
            "kernels",
            _("See why 3×3"),
            _("Three 3×3 kernels see as much as one 7×7. Click a cell to see which pixels it depends on."),
            {},
        ),
        Stop(
            "compare",
            _("Compare two networks"),
            _("VGG-16 next to GoogLeNet: layer by layer, where the parameters went."),
            {"a": "vgg16", "b": "googlenet"},
        ),
        Stop(
            "train",
            _("Train on digits"),
            _("The form is filled in: a small network, 1,797 handwritten digits. Press Train, and watch its curve."),
            {"net": "digits-cnn", "recipe": "quick"},
        ),
        Stop(
            "predict",
            _("Ask why"),
            _("A network says what is on a photograph, and a heat map shows where it looked. Then try your own."),
            {"image": "cat"},
        ),
    ]


def render() -> None:
    """Render the tour."""
    st.header(_("A tour in five steps"), anchor=ANCHOR)
    with st.grid(5, min_column_width=150, gap="xsmall"):
        for number, stop in enumerate(stops(), 1):
            with st.container(border=True, gap="xxsmall", height="stretch", key=f"card-tour-{number}"):
                parts.link(stop.page, _("{number}. {label}").format(number=number, label=stop.label), stop.parameters)
                st.caption(stop.sentence)
