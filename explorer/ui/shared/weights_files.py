"""Downloads of weights in several formats. A file is read when the user downloads it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from explorer.errors import ExplorerError
from explorer.exports.hub import hub_folder
from explorer.exports.onnx_options import OnnxOptions
from explorer.exports.weights import PAGE, trained_bytes
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction.home_page import BUILT_IN, ENGINES, ONNXRUNTIME, home_page
from explorer.ui.shared.export import onnx_options
from explorer.ui.shared.text import plain
from explorer.weights import files

BINARY = "application/octet-stream"


class Prepared(NamedTuple):
    """A format that is made on request."""

    title: Callable[[], str]
    help: Callable[[], str]
    suffix: str
    media_type: str = BINARY


PREPARED: dict[str, Prepared] = {
    "onnx": Prepared(lambda: _("ONNX"), lambda: _("One file that onnxruntime and many other programs run."), ".onnx"),
    "pt2": Prepared(
        lambda: _("torch.export (.pt2)"), lambda: _("torch.export.load reads it, without this product."), ".pt2"
    ),
    "hub": Prepared(
        lambda: _("Folder for the Hugging Face Hub"),
        lambda: _("A zip with weights, model card, source and an example that runs without this product."),
        ".zip",
        "application/zip",
    ),
    PAGE: Prepared(
        lambda: _("Web page that runs it offline"),
        lambda: _("One file: it answers drawings, pictures and the camera in any browser."),
        ".html",
        "text/html",
    ),
}


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
    st.divider()
    _render_prepared(path, stem, key)


def _render_prepared(path: Path, stem: str, key: str) -> None:
    """Render the formats that are made on request, in a process of their own. A file is discarded with its button."""
    chosen = st.selectbox(
        _("For other programs"), PREPARED, format_func=lambda name: PREPARED[name].title(), key=f"{key}.format"
    )
    st.caption(PREPARED[chosen].help())
    options = onnx_options(key, has_norm=True) if chosen == "onnx" else OnnxOptions()
    engine = _engine(key) if chosen == PAGE else BUILT_IN
    if not st.button(_("Prepare the file"), icon=":material/hourglass_top:", key=f"{key}.prepare"):
        return
    with st.spinner(_("Working…"), show_time=True):
        note = st.empty()

        def show(sentence: str) -> None:
            note.caption(plain(sentence))

        try:
            content = _made(path, chosen, options, engine, show)
        except ExplorerError as error:
            st.error(plain(str(error)))
            return
    note.empty()
    file = f"{stem}{PREPARED[chosen].suffix}"
    st.download_button(
        _("Download {file} ({size})").format(file=file, size=bytes_short(len(content))), content, file,
        PREPARED[chosen].media_type, icon=":material/download:", on_click="ignore", key=f"{key}.prepared",
    )  # fmt: skip


def _engine(key: str) -> str:
    """Render the choice of what computes in a page."""
    titles = {
        BUILT_IN: _("Built-in: small networks, 30 kB"),
        ONNXRUNTIME: _("onnxruntime: larger networks and all layers, 5 MB"),
    }
    return st.radio(_("Engine"), list(ENGINES), format_func=titles.__getitem__, key=f"{key}.engine")


def _made(path: Path, name: str, options: OnnxOptions, engine: str, show: Callable[[str], None]) -> bytes:
    if name == "hub":
        return hub_folder(path)
    if name == PAGE:

        def show_share(step: str, done: int, total: int) -> None:
            show(_("{step}: {share:.0%}").format(step=step, share=done / total) if total else step)

        return home_page(path, engine, show_share).encode()
    return trained_bytes(path, name, show, onnx=options)
