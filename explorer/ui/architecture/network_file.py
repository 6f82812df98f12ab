"""A network from an ONNX file on the page, which shows it without the editors."""

from collections.abc import Callable

import streamlit as st

from explorer.analysis import Analysis, analyse
from explorer.families import resolve
from explorer.i18n import _
from explorer.ui.shared.network_files import NetworkFile
from explorer.ui.shared.text import plain

OTHER = "file.other"  # key of the widget for the other network


def describe(file: NetworkFile) -> None:
    """Render what the page knows of the file, and what it can't do with it."""
    channels, height, width = file.analysis.input_shape[1:]
    st.header(plain(file.name), anchor=False)
    st.markdown(
        plain(
            _("ONNX, operators of version {opset}; one image of {channels}×{height}×{width}.").format(
                opset=file.opset, channels=channels, height=height, width=width
            )
        )
    )
    st.info(
        _(
            "The file was read, and nothing in it was run. It stays in this session only: the link of this page does "
            "not contain it. It can't be edited or trained here; choose a preset, or open another network, to go back "
            "to the editors."
        ),
        icon=":material/info:",
    )


def other_network(names: list[str], label: Callable[[str], str]) -> Analysis | None:
    """Render the choice of a network to compare with, and return its analysis; None if none is chosen."""
    name = st.selectbox(
        _("Compare with"), names, index=None, format_func=label, key=OTHER,
        placeholder=_("a preset"),
    )  # fmt: skip
    return analyse(resolve(name)) if name in names else None
