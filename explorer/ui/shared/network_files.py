"""Networks from ONNX files on pages: read in a process of their own, and kept in the session."""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from threading import Lock
from weakref import WeakValueDictionary

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
MAX_LAYERS = 20_000  # of a session's files, at about 3 kB each; a newer one takes the place of the oldest ones
MAX_ALL_LAYERS = 200_000  # of the files of all sessions
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

    @property
    def layers(self) -> int:
        """Number of its layers."""
        return len(self.analysis.layers)


_held: "WeakValueDictionary[int, NetworkFile]" = WeakValueDictionary()  # the files of all sessions, by id
_lock = Lock()


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
    """Keep a file in the session, as the latest.

    Raises:
        InputError: If the sessions keep as much as they may.
    """
    before = opened()
    latest = {name: other for name, other in before.items() if name != file.name} | {file.name: file}
    while len(latest) > 1 and (len(latest) > MAX_FILES or sum(one.layers for one in latest.values()) > MAX_LAYERS):
        del latest[next(iter(latest))]
    with _lock:
        own = {id(one) for one in before.values()}
        others = sum(one.layers for key, one in list(_held.items()) if key not in own)
        if others + sum(one.layers for one in latest.values()) > MAX_ALL_LAYERS:
            raise InputError(
                _("others have files with {count:,} layers open, as many as this server keeps; try again later").format(
                    count=others
                )
            )
        _held[id(file)] = file
    st.session_state[FILES] = latest


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
