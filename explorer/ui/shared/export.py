"""Export on the page: a file of the network, with a look at it where it is text."""

from dataclasses import replace

import streamlit as st

from explorer.drawing.looks import Appearance
from explorer.errors import ExplorerError
from explorer.exports import FORMATS, batch_norm_note, content
from explorer.exports.svg import svg
from explorer.families import Spec
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.ui.shared.text import plain

FORMAT = "export.format"
SHOWN = ("pytorch", "json", "dot", "csv")  # formats that people can read


def render(spec: Spec, base: str, look: Appearance) -> None:
    """Choose a format, look at the file, take it; ``look`` is how the diagram stands on the page."""
    name = st.selectbox(_("Export as"), list(FORMATS), format_func=lambda key: FORMATS[key].title(), key=FORMAT)
    chosen = FORMATS[name]
    file = base.replace(":", "-") + chosen.suffix
    if chosen.weights:
        _prepared(spec, name, file)
        return
    try:
        data = svg(spec, replace(look, dark=False)).encode() if name == "svg" else content(spec, name)
    except ExplorerError as error:
        st.error(plain(str(error)))
        return
    _download(data, file, chosen.media_type)
    if name in SHOWN:
        # Without colours: those of Streamlit's highlighter are too faint to read, and can't be set.
        st.code(data.decode(), language=None, wrap_lines=True)


def _prepared(spec: Spec, name: str, file: str) -> None:
    """A file that takes time: made on request, and kept only as long as its button stands there."""
    st.caption(_("The weights are random: train the network for others."))
    fold = bool(batch_norm_note(spec, fold=False)) and st.toggle(
        _("Fold batch norm"), key="export.fold", help=folding()
    )
    if not st.button(_("Prepare the file"), key="export.prepare"):
        return
    with st.spinner(_("Working…"), show_time=True):
        note = st.empty()

        def show(sentence: str) -> None:
            note.caption(plain(sentence))

        try:
            data = content(spec, name, show, fold=fold)
        except ExplorerError as error:
            st.error(plain(str(error)))
            return
        ready = _("{size}, ready").format(size=bytes_short(len(data)))
        show(" · ".join(filter(None, [ready, batch_norm_note(spec, fold=fold)])))
    _download(data, file, FORMATS[name].media_type)


def folding() -> str:
    """What folding does."""
    return _(
        "On: batch norm goes into the weights of the layers before it, which makes the file faster to run and unfit "
        "for more training. Off: it stays as layers of its own."
    )


def _download(data: bytes, file: str, media_type: str) -> None:
    st.download_button(
        _("Download {file}").format(file=file), data, file, media_type, key="export.download", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
