"""Export on the page: a file of the network, with a preview of text formats."""

from dataclasses import replace

import streamlit as st

from explorer.drawing.appearance import Appearance
from explorer.errors import ExplorerError
from explorer.exports import FORMATS, batch_norm_note, content
from explorer.exports.figure import RESOLUTION, FigureOptions, Label, Network
from explorer.exports.onnx_options import MAX_OPSET, MIN_OPSET, OPSET, OnnxOptions
from explorer.families import Spec
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.ui.shared.text import plain

FORMAT = "export.format"
RESOLUTIONS = (96, 150, RESOLUTION, 600, 1200)  # pixels per inch
PREVIEWED = ("pytorch", "keras", "json", "torchinfo", "dot", "csv", "latex", "markdown", "tikz")  # text formats


def render(network: Network, base: str, appearance: Appearance) -> None:
    """Render the choice of a format, the preview of the file, and its download button.

    Args:
        network: Spec of the network, or the analysis of a network without one.
        base: Name of the preset that the network was made from, or of its file.
        appearance: Appearance of the diagram on the page, for SVG.
    """
    known = [key for key, one in FORMATS.items() if isinstance(network, Spec) or not one.needs_spec]
    name = st.selectbox(_("Export as"), known, format_func=lambda key: FORMATS[key].title(), key=FORMAT)
    file_format = FORMATS[name]
    file = base.replace(":", "-") + file_format.suffix
    if isinstance(network, Spec) and file_format.has_weights:
        _render_slow_format(network, name, file)
        return
    try:
        options = _figure_options(name, replace(appearance, dark=False)) if file_format.draw else None
        data = content(network, name, figure=options)
    except ExplorerError as error:
        st.error(plain(str(error)))
        return
    _download(data, file, file_format.media_type)
    if name in PREVIEWED:
        # No syntax colours: those of Streamlit are too faint to read and can't be changed.
        st.code(data.decode(), language=None, wrap_lines=True)


def _figure_options(name: str, appearance: Appearance) -> FigureOptions:
    """Render the options of a figure, and return them."""
    labels = st.pills(
        _("Labels"), list(Label), selection_mode="multi", default=list(Label), key="export.labels",
        format_func=lambda label: label.heading,
    )  # fmt: skip
    is_grey = st.toggle(_("In black and white"), key="export.grey")
    resolution = RESOLUTION
    if name == "png":
        resolution = st.selectbox(
            _("Resolution"), RESOLUTIONS, index=RESOLUTIONS.index(RESOLUTION), key="export.resolution",
            format_func=lambda value: _("{value:,} pixels per inch").format(value=value),
        )  # fmt: skip
    return FigureOptions(appearance, frozenset(labels), is_grey, resolution)


def _render_slow_format(spec: Spec, name: str, file: str) -> None:
    """Render a format that takes time: the file is made on request, and discarded with its download button."""
    st.caption(_("The weights are random: train the network to get better ones."))
    has_norm = bool(batch_norm_note(spec, fold=False))
    options = onnx_options("export", has_norm=has_norm) if name == "onnx" else OnnxOptions()
    if not st.button(_("Prepare the file"), key="export.prepare"):
        return
    with st.spinner(_("Working…"), show_time=True):
        note = st.empty()

        def show(sentence: str) -> None:
            note.caption(plain(sentence))

        try:
            data = content(spec, name, show, onnx=options)
        except ExplorerError as error:
            st.error(plain(str(error)))
            return
        ready = _("{size}, ready").format(size=bytes_short(len(data)))
        norm = batch_norm_note(spec, fold=options.fold) if name == "onnx" else ""
        show(" · ".join(filter(None, [ready, norm])))
    _download(data, file, FORMATS[name].media_type)


def onnx_options(key: str, *, has_norm: bool) -> OnnxOptions:
    """Render the options of an ONNX file, and return them.

    Args:
        key: Prefix of the widgets' keys.
        has_norm: Whether the network has batch norm.
    """
    fold = has_norm and st.toggle(_("Fold batch norm"), key=f"{key}.fold", help=folding_help())
    is_half = st.toggle(
        _("Half precision"), key=f"{key}.half",
        help=_("Weights and maps in float16: half the size. Images and scores stay in float32."),
    )  # fmt: skip
    versions = range(MIN_OPSET, MAX_OPSET + 1)
    opset = st.selectbox(
        _("Version of the operators (opset)"), versions, index=versions.index(OPSET), key=f"{key}.opset",
        help=_("The other program's documentation says which versions of ONNX's operators it reads."),
    )  # fmt: skip
    return OnnxOptions(fold, is_half, int(opset))


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
