"""A network from an ONNX file on the page: read in a process of its own, shown without the editors."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from explorer.analysis import Analysis, analyse
from explorer.analysis.graphs import analyse_graph
from explorer.families import resolve
from explorer.graphs import read
from explorer.i18n import _
from explorer.ui.shared.text import plain

IMAGE_SIZE = 224  # pixels of a side that a file leaves free
MAX_UPLOAD = 600  # megabytes; server.maxUploadSize is the same
MAX_NAME = 100  # characters
OTHER = "file.other"  # key of the widget for the other network


@dataclass(frozen=True)
class NetworkFile:
    """A network that has no spec.

    Attributes:
        name: Name of the file.
        analysis: Its numbers.
        opset: Version of ONNX's operators in it.
    """

    name: str
    analysis: Analysis
    opset: int


def open_file(name: str, content: bytes | memoryview) -> NetworkFile:
    """Read and analyse an ONNX file.

    Raises:
        InputError: If something is wrong with the file; does not name it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        path.write_bytes(content)
        graph = read(path, (IMAGE_SIZE, IMAGE_SIZE))
    name = PurePath(name).name[:MAX_NAME]
    return NetworkFile(name, analyse_graph(graph, PurePath(name).stem), graph.opset)


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
