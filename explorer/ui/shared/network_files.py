"""Networks from ONNX files on pages: read in a process of their own, and kept in the session."""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from explorer.analysis import Analysis
from explorer.analysis.graphs import analyse_graph
from explorer.errors import InputError, shown
from explorer.graphs import read
from explorer.i18n import _

IMAGE_SIZE = 224  # pixels of a side that a file leaves free
MAX_UPLOAD = 600  # megabytes; server.maxUploadSize is the same
MAX_NAME = 100  # characters
MAX_FILES = 8  # of a session; a newer one takes the place of the oldest
PREFIX = "file:"  # of the text that stands for a file where networks are chosen
FILES = "network-files"  # session_state key: the files by name


@dataclass(frozen=True)
class NetworkFile:
    """A network that has no spec.

    Attributes:
        name: Name of the file.
        analysis: Analysis of the network.
        opset: Version of ONNX's operators in it.
    """

    name: str
    analysis: Analysis
    opset: int

    @property
    def text(self) -> str:
        """The text that stands for the file in pickers and links. It does not contain the network."""
        return PREFIX + self.name


def open_file(name: str, content: bytes | memoryview) -> NetworkFile:
    """Read and analyse an ONNX file, and keep it in the session.

    Raises:
        InputError: If something is wrong with the file; does not name it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        path.write_bytes(content)
        graph = read(path, (IMAGE_SIZE, IMAGE_SIZE))
    name = PurePath(name).name[:MAX_NAME]
    file = NetworkFile(name, analyse_graph(graph, PurePath(name).stem), graph.opset)
    remember(file)
    return file


def remember(file: NetworkFile) -> None:
    """Keep a file in the session, as the latest."""
    others = {name: other for name, other in opened().items() if name != file.name}
    st.session_state[FILES] = dict([*others.items(), (file.name, file)][-MAX_FILES:])


def opened() -> dict[str, NetworkFile]:
    """Return the files of the session by name, the latest last."""
    files: dict[str, NetworkFile] = st.session_state.get(FILES, {})
    return files


def find(name: str) -> NetworkFile:
    """Return a file of the session.

    Raises:
        InputError: If the session has no such file.
    """
    if name not in opened():
        raise InputError(
            _("the file {name} is not in the link; drop it on this page, if you have it").format(
                name=shown(name[:MAX_NAME])
            )
        )
    return opened()[name]
