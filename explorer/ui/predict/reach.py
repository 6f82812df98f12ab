"""Which pixels really move a unit: the effective receptive field, with the trained weights and with random ones."""

from functools import partial

import streamlit as st
import torch
from torch import Tensor

from explorer.analysis.effective_field import BATCH, IMAGES, effective_field
from explorer.data.preprocessing import Normalise
from explorer.i18n import _
from explorer.prediction import reasons
from explorer.prediction.hooks import MapLayer
from explorer.prediction.networks import Network, with_random_weights
from explorer.ui.glossary import explain
from explorer.ui.predict.reason import Case, choose_layer, note_shuffled_pixels
from explorer.ui.shared import effective_field as figures
from explorer.workers import semaphore

MAX_BATCH_BYTES = 500_000_000  # of maps that a backward pass keeps

_semaphore = semaphore.FairSemaphore(1)  # one at a time; each batch lets other predictions go first


def render(case: Case) -> None:
    """Render the effective receptive field of the middle unit of a layer."""
    if not case.map_layers:
        st.info(_("This network has no maps: every unit sees all pixels at once."), icon=":material/blur_off:")
        return
    map_layer = choose_layer(case)
    names = {False: _("This picture"), True: _("{count} pictures of noise").format(count=IMAGES)}
    with st.container(horizontal=True):
        noise = st.segmented_control(
            _("Measured on"), [False, True], default=False, key="predict.reach.images", required=True,
            format_func=names.__getitem__,
        )  # fmt: skip
        squared = st.segmented_control(
            _("Gradient"), [False, True], default=False, key="predict.reach.squared", required=True,
            format_func={False: _("Absolute"), True: _("Squared")}.__getitem__,
        )  # fmt: skip
    st.caption(
        _(
            "The theoretical field says which pixels a unit can see. Here the gradient of the unit in the middle of "
            "the layer, over all channels, says how much each pixel really moves it, before and after training."
        ),
        help=explain("effective-field"),
    )
    key = ("reach", map_layer.layer.name, noise)
    requested = st.button(_("Measure"), icon=":material/center_focus_strong:", key="predict.reach.measure")
    found = reasons.load_cached(case.network, case.picture, key)
    if found is None and requested:
        found = _compute(case, map_layer, key, noise=bool(noise))
    if found is None:
        return
    rows, columns = map_layer.shape[1:]
    figures.render(
        [
            figures.ShownField(_("With random weights"), found[1, 0], found[1, 1]),
            figures.ShownField(_("With the trained weights"), found[0, 0], found[0, 1]),
        ],
        map_layer.layer.field, (rows // 2, columns // 2), squared=bool(squared), dark=case.dark, key="predict.reach",
    )  # fmt: skip
    note_shuffled_pixels(case)


def _compute(case: Case, map_layer: MapLayer, key: tuple[object, ...], *, noise: bool) -> Tensor:
    """Return the absolute and squared fields with trained and with random weights, (2, 2, height, width)."""
    note, bar = st.empty(), st.progress(0.0, _("Following gradients back to the pixels"))
    networks = (case.network, with_random_weights(case.network, 0))

    def progress(before: int, done: int, total: int) -> None:
        share = (before + done / total) / len(networks)
        bar.progress(share, _("Following gradients back to the pixels: {share:.0%}").format(share=share))

    def wait(ahead: int) -> None:
        note.info(_("Waiting: fields before yours: {ahead}").format(ahead=ahead), icon=":material/hourglass_top:")

    try:
        with _semaphore.slot(wait):
            note.empty()
            if (cached := reasons.load_cached(case.network, case.picture, key)) is not None:
                return cached  # another session has computed it
            images = _images(case, noise=noise)
            slot = partial(semaphore.slot, lambda _ahead: None, yielding=True)
            fields = [
                effective_field(
                    network.module, images, map_layer.module, call=map_layer.call, shape=map_layer.shape,
                    batch=_batch(network, map_layer), progress=partial(progress, number), slot=slot,
                )
                for number, network in enumerate(networks)
            ]  # fmt: skip
            found = torch.stack([torch.stack([one.absolute, one.squared]) for one in fields])
            reasons.save_cached(case.network, case.picture, key, found)
            return found
    finally:
        note.empty()
        bar.empty()


def _images(case: Case, *, noise: bool) -> Tensor:
    """Return the normalised images, (N, C, height, width)."""
    if not noise:
        return Normalise(case.network.card.inputs, case.image.device)(case.image[None])
    return torch.randn(IMAGES, *case.image.shape, generator=torch.Generator().manual_seed(0))


def _batch(network: Network, map_layer: MapLayer) -> int:
    """Return how many images fit into memory at a time."""
    names = [layer.name for layer in network.analysis.layers]
    before = network.analysis.layers[: names.index(map_layer.layer.name) + 1]
    each = sum(layer.activation_bytes for layer in before)
    return max(1, min(BATCH, MAX_BATCH_BYTES // max(1, each)))
