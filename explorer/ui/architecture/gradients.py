"""The network at the start of training: gradient norms by layer, and the effective field of a layer."""

from functools import partial
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st
import torch
from torch import Tensor

from explorer.analysis import Layer, SpecAnalysis, analyse
from explorer.analysis.effective_field import BATCH as FIELD_BATCH
from explorer.analysis.effective_field import IMAGES, effective_field
from explorer.drawing.kinds import series_colour
from explorer.errors import InputError
from explorer.families import Spec
from explorer.i18n import _
from explorer.prediction.caches import BoundedCache
from explorer.prediction.hooks import find_map_layer, map_layers
from explorer.training.gradient_norms import BATCH, GradientNorms, Init, initial_gradient_norms, initial_network
from explorer.ui.architecture import state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.glossary import explain
from explorer.ui.shared import effective_field as figures
from explorer.ui.shared.chart_text import LEGEND_BELOW, readable
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

MAX_BYTES = 3_000_000_000  # of memory for weights, gradients and maps
MAX_MACS = 3e11  # of forward and backward passes: about ten seconds on two cores
PASSES = 3  # a backward pass takes twice the multiply-adds of a forward pass
MAX_CACHED = 64
VANISHING, EXPLODING = 1e-3, 1e3  # ratio of the first layer's gradient to the last one's

_norms_cache = BoundedCache[GradientNorms](MAX_CACHED, lambda _norms: 1)
_field_cache = BoundedCache["_LayerField"](MAX_CACHED, lambda _field: 1)


class _LayerField(NamedTuple):
    """The effective field of a layer: absolute and squared, (2, height, width), the unit, and the layer."""

    values: Tensor
    unit: tuple[int, int]
    layer: Layer


def render(analysis: SpecAnalysis, view: ArchitectureView, *, dark: bool) -> None:
    """Render the section, which computes only when its button is pressed."""
    st.header(_("At the start of training"), anchor=False)
    inits = {
        "default": _("PyTorch's own"), "he": _("He"), "he_conv": _("He; linear layers normal, 0.01"),
        "normal": _("Normal, 0.01"),
    }  # fmt: skip
    shows = {"norms": _("Gradient norms"), "field": _("Effective field")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            _("At the start"), list(shows), required=True, format_func=shows.__getitem__, key=state.VIEW + "start",
            label_visibility="collapsed",
        )  # fmt: skip
        st.selectbox(
            _("Initial weights"), list(inits), format_func=inits.__getitem__, key=state.VIEW + "init", width=260,
            help=explain("initialisation"),
        )  # fmt: skip
        requested = st.button(_("Compute"), icon=":material/play_arrow:", key="start-compute")
    chosen = state.ArchitectureState.of_session().read_widgets()
    try:
        if chosen.start == "norms":
            _render_norms(analysis.spec, chosen.init, requested=requested, dark=dark)
        else:
            _render_field(analysis, chosen, view.layer, requested=requested, dark=dark)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")


def batch_for(spec: Spec, most: int = BATCH) -> int:
    """Return how many images a forward and a backward pass of a network can take here.

    Raises:
        InputError: If it can't take two, which batch norm needs.
    """
    batch = most
    while batch >= 2:
        analysis = analyse(spec, batch_size=batch, optimizer="sgd")
        if (
            analysis.training is not None
            and analysis.training.total <= MAX_BYTES
            and PASSES * batch * analysis.totals.macs <= MAX_MACS
        ):
            return batch
        batch //= 2
    raise InputError(
        _("a backward pass of this network takes too much memory or time for this page; try smaller images")
    )


def _render_norms(spec: Spec, init: Init, *, requested: bool, dark: bool) -> None:
    st.caption(
        _(
            "A batch of noise with random labels goes through the network with random weights, and the gradient of the "
            "loss comes back. A layer whose gradient is nearly zero does not learn; a huge one makes the training fail."
        ),
        help=explain("gradient-norm"),
    )
    key = (spec, init)
    with _norms_cache.lock:
        norms = _norms_cache.get(key)
    if norms is None and requested:
        batch = batch_for(spec)
        with st.spinner(_("Following the gradient back…")), semaphore.slot(lambda _ahead: None):
            norms = initial_gradient_norms(spec, init=init, batch=batch)
        with _norms_cache.lock:
            _norms_cache[key] = norms
    if norms is None:
        return
    first, last = norms.main[0], norms.main[-1]
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric(
            _("First layer to last layer"), f"{norms.ratio:.3g}", border=True,
            help=_("Gradient at the output of {first}, divided by that at the output of {last}.").format(
                first=plain(first.layer), last=plain(last.layer)
            ),
        )  # fmt: skip
        st.metric(_("Whole gradient"), f"{norms.total:.3g}", border=True, help=explain("clipping"))
        st.metric(_("Loss"), f"{norms.loss:.3g}", border=True, help=explain("cross-entropy"))
    st.markdown(_judgement(norms))
    st.plotly_chart(
        readable(_norms_chart(norms, dark=dark)), key="start-norms", config={"displayModeBar": False},
        alt=_("Gradient norms of {count} layers on a logarithmic axis, {first:.3g} at the first and {last:.3g} at the "
              "last").format(count=len(norms.layers), first=first.output, last=last.output),
    )  # fmt: skip


def _judgement(norms: GradientNorms) -> str:
    if norms.ratio == 0:
        return _("**It vanishes**: nothing of the gradient arrives at the first layer.")
    if norms.ratio < VANISHING:
        return _(
            "**It vanishes**: on the way back to the first layer, the gradient shrinks to {ratio:.1g} of its size."
        ).format(ratio=norms.ratio)
    if norms.ratio > EXPLODING:
        return _("**It explodes**: on the way back to the first layer, the gradient grows {ratio:.1g}-fold.").format(
            ratio=norms.ratio
        )
    return _("It arrives: the gradient at the first layer is {ratio:.2g} times that at the last.").format(
        ratio=norms.ratio
    )


def _norms_chart(norms: GradientNorms, *, dark: bool) -> go.Figure:
    figure = go.Figure()
    lines = (
        (_("of the layer's output"), [one.output for one in norms.layers]),
        (_("of the layer's weights"), [one.gradient for one in norms.layers]),
    )
    for number, (name, values) in enumerate(lines):
        colour = series_colour(number, dark=dark)
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=[value or None for value in values], name=name,
            mode="lines+markers", text=[one.layer for one in norms.layers],
            line={"color": colour, "width": 1.5}, marker={"color": colour, "size": 5},
            hovertemplate="%{text}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        xaxis={
            "title": _("Layer with weights, from the image on"),
            "tickformat": "d",
            "nticks": 8,
            "range": [0.5, len(norms.layers) + 0.5],
        },
        yaxis={"title": _("Norm of the gradient"), "type": "log", "exponentformat": "e", "nticks": 8},
        legend=LEGEND_BELOW,
        dragmode=False,
    )
    return figure


def _render_field(
    analysis: SpecAnalysis, view: ArchitectureView, layer: str, *, requested: bool, dark: bool
) -> None:  # fmt: skip
    st.caption(
        _(
            "How much each pixel moves the middle of a layer's map, over {count} pictures of noise. The layer is the "
            "one that you choose in the diagram or in the table; the Predict page shows the same for trained weights."
        ).format(count=IMAGES),
        help=explain("effective-field"),
    )
    spec = analysis.spec
    key = (spec, view.init, layer)
    with _field_cache.lock:
        found = _field_cache.get(key)
    if found is None and requested:
        found = _compute_field(analysis, view.init, layer)
        with _field_cache.lock:
            _field_cache[key] = found
    if found is None:
        return
    shown = figures.ShownField(plain(found.layer.name), found.values[0], found.values[1])
    figures.render([shown], found.layer.field, found.unit, squared=False, dark=dark, key="start-field")


def _compute_field(analysis: SpecAnalysis, init: Init, layer: str) -> _LayerField:
    batch = batch_for(analysis.spec, FIELD_BATCH)
    bar = st.progress(0.0, _("Following gradients back to the pixels"))

    def progress(done: int, total: int) -> None:
        bar.progress(done / total, _("{done:,} of {count:,} pictures").format(done=done, count=total))

    try:
        network = initial_network(analysis.spec, init).eval()
        layers = map_layers(network, analysis)
        map_layer = layers.get(layer) or find_map_layer(layers, "")  # the chosen layer may have no map
        spec = analysis.spec
        shape = (IMAGES, *spec.input_shape)
        slot = partial(semaphore.slot, lambda _ahead: None, yielding=True)
        found = effective_field(
            network, torch.randn(shape, generator=torch.Generator().manual_seed(0)), map_layer.module,
            call=map_layer.call, shape=map_layer.shape, batch=batch, progress=progress, slot=slot,
        )  # fmt: skip
    finally:
        bar.empty()
    return _LayerField(torch.stack([found.absolute, found.squared]), found.unit, map_layer.layer)
