"""Shared parts of the sections on reasons: the case, the choice of class and layer, and computation in a slot."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import reasons
from explorer.prediction.hooks import MapLayer, find_map_layer, map_layers
from explorer.prediction.maps import in_network_order
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state
from explorer.ui.predict.view import PredictView
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.text import plain
from explorer.workers import semaphore


@dataclass(frozen=True, eq=False)
class Case:
    """An answer to explain: network, picture, probabilities, (classes,), and how to show it."""

    network: Network
    picture: Picture
    probabilities: Tensor
    view: PredictView
    dark: bool

    @cached_property
    def image(self) -> Tensor:
        """Input of the network before normalisation: 8-bit values, (C, height, width)."""
        return self.picture.network_input(self.network.card)

    @cached_property
    def network_view(self) -> Tensor:
        """The image as uint8, with the pixels in the order in which the network reads them."""
        return in_network_order(self.image, self.network.card.inputs)

    @cached_property
    def map_layers(self) -> dict[str, MapLayer]:
        """Layers with maps."""
        return map_layers(self.network.module, self.network.analysis)


def note_shuffled_pixels(case: Case) -> None:
    """Render a note if the network reads the pixels in a shuffled order."""
    if case.network.card.inputs.permutation_seed is not None:
        st.caption(_("This network reads the pixels in a shuffled order; the pictures here show that order."))


def choose_class(case: Case) -> int:
    """Let the user choose the class to explain."""
    classes = case.network.card.classes
    likeliest = int(case.probabilities.argmax())
    chosen = case.view.cls
    if chosen is not None and chosen >= len(classes):
        st.warning(
            _("The network has no class {number}; you see the likeliest instead.").format(number=chosen),
            icon=":material/link_off:",
        )
        state.predict_state().correct(cls=None)
        chosen = None
    occurrences = Counter(classes)

    def label(index: int) -> str:
        words = _("{name}, {share:.1%}")
        if occurrences[classes[index]] > 1:
            words = _("{name} (output {index}), {share:.1%}")
        return words.format(name=classes[index], index=index, share=float(case.probabilities[index]))

    select_box(
        _("Class explained"),
        case.probabilities.argsort(descending=True, stable=True).tolist(),
        chosen,
        lambda index: state.change(cls=index),
        words=label,
        key="predict.cls",
        index=None,
        placeholder=_("{name}, the likeliest").format(name=classes[likeliest]),
    )
    return likeliest if chosen is None else chosen


def choose_layer(case: Case) -> MapLayer:
    """Let the user choose a layer with maps.

    Raises:
        InputError: If the network has none.
    """
    default, chosen = find_map_layer(case.map_layers, ""), case.view.layer
    try:
        find_map_layer(case.map_layers, chosen)
    except InputError as error:
        st.warning(
            _("{reason} – you see {layer} instead").format(reason=plain(str(error)), layer=plain(default.layer.name)),
            icon=":material/link_off:",
        )
        state.predict_state().correct(layer="", unit="")
        chosen = ""

    def label(name: str) -> str:
        one = case.map_layers.get(name, default)
        channels, rows, columns = one.shape
        words = _("{name} · {kind} · {channels} × {rows} × {columns}")
        if not name:
            words = _("The usual one: {name} · {kind} · {channels} × {rows} × {columns}")
        return words.format(name=one.layer.name, kind=one.layer.kind, channels=channels, rows=rows, columns=columns)

    select_box(
        _("Layer"), ["", *case.map_layers], chosen, lambda name: state.change(layer=name, unit=""), words=label,
        key="predict.layer", width=520,
    )  # fmt: skip
    return find_map_layer(case.map_layers, chosen)


def compute_once(
    case: Case, key: Hashable, compute: Callable[[], Tensor], prepare: Callable[[], None] = lambda: None
) -> Tensor:
    """Return a cached explanation, or compute it in a semaphore slot.

    Args:
        case: Answer to explain.
        key: Key of the explanation.
        compute: Function that computes it.
        prepare: Function to call before the slot is taken.
    """
    values = reasons.load_cached(case.network, case.picture, key)
    if values is None:
        note = st.empty()
        try:
            with st.spinner(_("Looking into the network…")):
                prepare()
                with semaphore.slot(queue_notice(note)):
                    # Another session may have computed it meanwhile.
                    values = reasons.load_cached(case.network, case.picture, key)
                    if values is None:
                        values = compute()
                        reasons.save_cached(case.network, case.picture, key, values)
        finally:
            note.empty()
    return values


def queue_notice(note: DeltaGenerator) -> Callable[[int], None]:
    """Return a callback that shows the number of sessions ahead."""

    def wait(ahead: int) -> None:
        note.info(_("Waiting: predictions before yours: {ahead}").format(ahead=ahead), icon=":material/hourglass_top:")

    return wait
