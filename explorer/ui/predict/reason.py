"""What the sections on reasons share: the case, its class and layer, and computing when it is our turn."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import streamlit as st
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
from explorer.ui.shared.choice import choice
from explorer.ui.shared.text import plain
from explorer.workers import semaphore


@dataclass(frozen=True, eq=False)
class Case:
    """A network, a picture, and what the network said of it: probabilities, (classes,)."""

    network: Network
    picture: Picture
    answers: Tensor
    view: PredictView
    dark: bool

    @cached_property
    def seen(self) -> Tensor:
        """What the network sees before it normalises: 8-bit values, (C, size, size)."""
        return self.picture.network_input(self.network.card)

    @cached_property
    def read(self) -> Tensor:
        """The same as a uint8 picture, in the order in which the network reads the pixels."""
        return in_network_order(self.seen, self.network.card.inputs)

    @cached_property
    def map_layers(self) -> dict[str, MapLayer]:
        """Layers with maps."""
        return map_layers(self.network.module, self.network.analysis)


def shuffled(case: Case) -> None:
    """Say so where the network reads the pixels in another order."""
    if case.network.card.inputs.permutation_seed is not None:
        st.caption(_("This network reads the pixels in a shuffled order; the pictures here show that order."))


def choose_class(case: Case) -> int:
    """Let the user choose the class that is explained."""
    classes = case.network.card.classes
    likeliest = int(case.answers.argmax())
    chosen = case.view.cls
    if chosen is not None and chosen >= len(classes):
        st.warning(
            _("The network has no class {number}; you see the likeliest instead.").format(number=chosen),
            icon=":material/link_off:",
        )
        state.asking().correct(cls=None)
        chosen = None
    times = Counter(classes)

    def named(index: int) -> str:
        words = _("{name} (output {index}), {share:.1%}") if times[classes[index]] > 1 else _("{name}, {share:.1%}")
        return words.format(name=classes[index], index=index, share=float(case.answers[index]))

    choice(
        _("Class explained"),
        case.answers.argsort(descending=True, stable=True).tolist(),
        chosen,
        lambda index: state.change(cls=index),
        words=named,
        key="predict.cls",
        index=None,
        placeholder=_("{name}, the likeliest").format(name=classes[likeliest]),
    )
    return likeliest if chosen is None else chosen


def choose_layer(case: Case) -> MapLayer:
    """Let the user choose a layer with maps.

    Raises:
        InputError: where the network has none.
    """
    usual, chosen = find_map_layer(case.map_layers, ""), case.view.layer
    try:
        find_map_layer(case.map_layers, chosen)
    except InputError as error:
        st.warning(
            _("{reason} – you see {layer} instead").format(reason=plain(str(error)), layer=plain(usual.layer.name)),
            icon=":material/link_off:",
        )
        state.asking().correct(layer="", unit="")
        chosen = ""

    def named(name: str) -> str:
        one = case.map_layers.get(name, usual)
        channels, rows, columns = one.shape
        words = _("{name} · {kind} · {channels} × {rows} × {columns}")
        if not name:
            words = _("The usual one: {name} · {kind} · {channels} × {rows} × {columns}")
        return words.format(name=one.layer.name, kind=one.layer.kind, channels=channels, rows=rows, columns=columns)

    choice(
        _("Layer"), ["", *case.map_layers], chosen, lambda name: state.change(layer=name, unit=""), words=named,
        key="predict.layer", width=520,
    )  # fmt: skip
    return find_map_layer(case.map_layers, chosen)


def computed(
    case: Case, what: Hashable, make: Callable[[], Tensor], prepare: Callable[[], None] = lambda: None
) -> Tensor:
    """What was computed before, or is now, when it is our turn.

    Args:
        case: that is explained.
        what: is computed.
        make: computes it.
        prepare: does what needs no turn.
    """
    held = reasons.load_cached(case.network, case.picture, what)
    if held is None:
        note = st.empty()
        try:
            with st.spinner(_("Looking into the network …")):
                prepare()
                with semaphore.slot(waiting(note)):
                    held = reasons.load_cached(
                        case.network, case.picture, what
                    )  # another session may have waited for it, too
                    if held is None:
                        held = make()
                        reasons.save_cached(case.network, case.picture, what, held)
        finally:
            note.empty()
    return held


def waiting(note: "st.delta_generator.DeltaGenerator") -> Callable[[int], None]:
    """Tells who waits how many are before."""

    def wait(ahead: int) -> None:
        note.info(_("Waiting: predictions before yours: {ahead}").format(ahead=ahead), icon=":material/hourglass_top:")

    return wait
