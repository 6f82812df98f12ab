"""Downloads of weights in several formats. A file is read when the user downloads it."""

from pathlib import Path

import streamlit as st

from explorer.errors import ExplorerError
from explorer.exports.weights import onnx_bytes
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.ui.shared.export import folding_help
from explorer.ui.shared.text import plain
from explorer.weights import files

BINARY = "application/octet-stream"


def render(path: Path, stem: str, key: str) -> None:
    """Render a button for each format.

    Args:
        path: Path of the weights file.
        stem: Stem of the names of the downloads.
        key: Prefix of the widgets' keys.
    """
    try:
        size = bytes_short(path.stat().st_size)
    except OSError as error:
        st.error(plain(_("{file} can't be read: {reason}").format(file=path.name, reason=error.strerror)))
        return
    st.download_button(
        _("Weights, safetensors ({size})").format(size=size), data=path.read_bytes, file_name=f"{stem}.safetensors",
        mime=BINARY, icon=":material/deployed_code:", on_click="ignore", key=f"{key}.safetensors",
    )  # fmt: skip
    st.download_button(
        _("Card of the weights, JSON"), data=lambda: files.read_card(path).model_dump_json(indent=1).encode(),
        file_name=f"{stem}.json", mime="application/json", icon=":material/badge:", on_click="ignore",
        key=f"{key}.card",
    )  # fmt: skip
    st.download_button(
        _("Weights, PyTorch .pth ({size})").format(size=size), data=lambda: files.pth_bytes(path),
        file_name=f"{stem}.pth", mime=BINARY, icon=":material/local_fire_department:", on_click="ignore",
        key=f"{key}.pth",
    )  # fmt: skip
    fold = st.toggle(_("Fold batch norm"), key=f"{key}.fold", help=folding_help())
    if st.button(_("Prepare ONNX"), icon=":material/hub:", key=f"{key}.onnx"):
        _onnx(path, stem, key, fold=fold)


def _onnx(path: Path, stem: str, key: str, *, fold: bool) -> None:
    """Make the ONNX file in a process of its own, and render its download button. It is discarded with the button."""
    with st.spinner(_("Working…"), show_time=True):
        note = st.empty()

        def show(sentence: str) -> None:
            note.caption(plain(sentence))

        try:
            content = onnx_bytes(path, show, fold=fold)
        except ExplorerError as error:
            st.error(plain(str(error)))
            return
    note.empty()
    st.download_button(
        _("Download {file}").format(file=f"{stem}.onnx"), content, f"{stem}.onnx", BINARY,
        icon=":material/download:", on_click="ignore", key=f"{key}.onnx-file",
    )  # fmt: skip
