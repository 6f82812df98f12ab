"""Export on the page: a file of the network, with a preview of text formats."""

from dataclasses import replace

import streamlit as st

from explorer.drawing.appearance import Appearance
from explorer.errors import ExplorerError
from explorer.exports import FORMATS, batch_norm_note, content
from explorer.exports.svg import svg
from explorer.families import Spec
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.ui.shared.text import plain

FORMAT = "export.format"
PREVIEWED = ("pytorch", "json", "dot", "csv", "latex", "markdown")  # text formats


def render(spec: Spec, base: str, appearance: Appearance) -> None:
    """Render the choice of a format, the preview of the file, and its download button.

    Args:
        spec: The network.
        base: Name of the preset that the network was made from.
        appearance: Appearance of the diagram on the page, for SVG.
    """
    name = st.selectbox(_("Export as"), list(FORMATS), format_func=lambda key: FORMATS[key].title(), key=FORMAT)
    file_format = FORMATS[name]
    file = base.replace(":", "-") + file_format.suffix
    if file_format.has_weights:
        _render_slow_format(spec, name, file)
        return
    try:
        data = svg(spec, replace(appearance, dark=False)).encode() if name == "svg" else content(spec, name)
    except ExplorerError as error:
        st.error(plain(str(error)))
        return
    _download(data, file, file_format.media_type)
    if name in PREVIEWED:
        # No syntax colours: those of Streamlit are too faint to read and can't be changed.
        st.code(data.decode(), language=None, wrap_lines=True)


def _render_slow_format(spec: Spec, name: str, file: str) -> None:
    """Render a format that takes time: the file is made on request, and discarded with its download button."""
    st.caption(_("The weights are random: train the network to get better ones."))
    fold = bool(batch_norm_note(spec, fold=False)) and st.toggle(
        _("Fold batch norm"), key="export.fold", help=folding_help()
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


def folding_help() -> str:
    """Return the help text of the switch for folding batch norm."""
    return _(
        "On: batch norm goes into the weights of the layers before it, which makes the file faster to run and unfit "
        "for more training. Off: it stays as layers of its own."
    )


def _download(data: bytes, file: str, media_type: str) -> None:
    st.download_button(
        _("Download {file}").format(file=file), data, file, media_type, key="export.download", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
