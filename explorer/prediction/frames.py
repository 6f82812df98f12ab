"""Answers about the frames of a live camera. Nothing of a frame is cached or stored."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from explorer.data.decode import decode
from explorer.data.preprocessing import fitted
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.cams import cam
from explorer.prediction.classify import channels_of, probabilities
from explorer.prediction.hooks import find_map_layer, map_layers
from explorer.prediction.networks import Network
from explorer.prediction.strokes import find
from explorer.workers import semaphore


@dataclass(frozen=True, eq=False)
class FrameAnswer:
    """A network's answer about a frame.

    Attributes:
        probabilities: Probabilities, (classes,).
        seen: The frame as the network sees it, 8-bit values, (C, height, width).
        heat: Class activation map of the likeliest class, (height, width), from 0 to 1. None without a heat map.
        has_ink: Whether strokes were found. None if they were not searched.
    """

    probabilities: Tensor
    seen: Tensor
    heat: Tensor | None
    has_ink: bool | None


def answer(
    network: Network, data: bytes, on_wait: Callable[[int], None], *, only_ink: bool, with_heat: bool
) -> FrameAnswer:
    """Answers a frame.

    Args:
        network: Network to ask.
        data: Frame as an image file.
        on_wait: Callback as for :func:`explorer.workers.semaphore.slot`.
        only_ink: Whether the network sees only the strokes, if it was trained with strokes.
        with_heat: Whether to compute a class activation map of the default layer, if the network has maps.

    Raises:
        InputError: If the frame can't be read, the network does not take pictures, or its numbers are not finite.
    """
    card, channels = network.card, channels_of(network.card)
    if not data:
        raise InputError(_("The browser sent no frame that can be read."))
    place = _("The camera's frame")
    framing = ink.framing_for(card) if only_ink else None
    strokes = None if framing is None else find(decode(data, place))
    if framing is None or strokes is None:
        image = decode(data, place, channels)
    else:
        image = ink.framed(strokes, framing, card, channels)
    seen = fitted(image[None], card.inputs)[0].byte()
    layers = map_layers(network.module, network.analysis) if with_heat else {}
    with semaphore.slot(on_wait):
        shares = probabilities(network.module, card, seen[None])[0]
        heat = cam(network, find_map_layer(layers, ""), seen, int(shares.argmax())) if layers else None
    return FrameAnswer(shares, seen, heat, None if framing is None else strokes is not None)
