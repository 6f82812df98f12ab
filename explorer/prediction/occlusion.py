"""Which places of a picture a class needs: how far its probability falls where a patch covers them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.data.preprocessing import Normalise
from explorer.prediction.checks import check_class, check_numbers
from explorer.prediction.networks import Network

PIXELS = 2**18  # of a batch
MOST = 64  # pictures of a batch
SHARES = (4, 8, 16)  # of a side that a patch may cover: coarse, medium, fine

Progress = Callable[[int, int], None]


class Patch(NamedTuple):
    """What covers a picture: side and step in pixels."""

    side: int
    step: int

    def positions(self, size: int) -> int:
        """How many places it is put to on a picture of ``size`` pixels a side."""
        return (ceil((size - self.side) / self.step) + 1) ** 2


def patches(size: int) -> dict[int, Patch]:
    """Patches that suit a picture of ``size`` pixels a side, by the share of the side; each moves by half of itself."""
    sides = {share: max(1, round(size / share)) for share in SHARES}
    return {share: Patch(side, max(1, side // 2)) for share, side in sides.items()}


class Occluded(NamedTuple):
    """What covering a picture did to the probability of a class.

    Attributes:
        fall: float32, (size, size), the mean over the patches that cover a pixel; less than 0 where the probability
            rises. A permutation of the pixels is not undone.
        ends: float32, (2,), the least and the greatest probability with one patch.
    """

    fall: Tensor
    ends: Tensor


def occlusion(
    network: Network,
    seen: Tensor,
    index: int,
    patch: Patch,
    progress: Progress = lambda _done, _all: None,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Occluded:
    """By how much a class's probability falls where a patch lies, by captum (Zeiler and Fergus 2014, section 4.2).

    The patch has the colour that the network's normalisation takes for the mean, and covers all channels.

    Args:
        network: that is explained.
        seen: 8-bit values, (C, size, size), as the network sees them before they are normalised.
        index: of the class.
        patch: that is moved.
        progress: told how many positions of how many are done; what it raises ends the work.
        turn: held while a batch is computed, so that others get theirs in between.

    Raises:
        InputError: where there is no such class, or the network gives no numbers.
    """
    from captum.attr import Occlusion  # seconds

    check_class(index, network.card)
    channels, size, _width = seen.shape
    batch = max(1, min(PIXELS // size**2, MOST))
    total, done = patch.positions(size), -1  # the first call is for the picture itself
    covered: list[Tensor] = []

    def probabilities(images: Tensor) -> Tensor:
        nonlocal done
        with turn():
            answers: Tensor = network.module(images).softmax(1)
        if done >= 0:
            covered.append(answers[:, index])
        done += len(images)
        progress(max(done, 0), total)
        return answers

    with torch.inference_mode():
        fall: Tensor = Occlusion(probabilities).attribute(
            Normalise(network.card.inputs, seen.device)(seen[None]),
            sliding_window_shapes=(channels, patch.side, patch.side),
            strides=(channels, patch.step, patch.step),
            target=index,
            perturbations_per_eval=batch,
        )
    check_numbers(fall, network.card)
    return Occluded(fall[0, 0].float().clone(), torch.stack(torch.cat(covered).float().aminmax()))
