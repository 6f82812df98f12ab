"""Occlusion: how far the probability of a class falls if a patch covers a place of the picture."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import ceil, prod
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.data.preprocessing import Normalise
from explorer.prediction.checks import check_class, check_numbers
from explorer.prediction.networks import Network
from explorer.specs.size import Size, height_width

MAX_BATCH_PIXELS = 2**18
MAX_BATCH_IMAGES = 64
SHARES = (4, 8, 16)  # a patch's side is the picture's shorter side divided by this: coarse, medium, fine

Progress = Callable[[int, int], None]


class Patch(NamedTuple):
    """The patch that covers a part of the picture: side and step in pixels."""

    side: int
    step: int

    def positions(self, size: int | Size) -> int:
        """Returns the number of its positions on a picture."""
        return prod(ceil((side - self.side) / self.step) + 1 for side in height_width(size))


def patches(size: int | Size) -> dict[int, Patch]:
    """Returns patches for a picture, by their share of its shorter side. The step is half a patch."""
    sides = {share: max(1, round(min(height_width(size)) / share)) for share in SHARES}
    return {share: Patch(side, max(1, side // 2)) for share, side in sides.items()}


class OcclusionResult(NamedTuple):
    """The effect of covering a picture on the probability of a class.

    Attributes:
        fall: Fall of the probability, float32, (height, width), as the mean over the patches that cover a pixel.
            Negative where the probability rises. A permutation of the pixels is not undone.
        extremes: Smallest and largest probability with one patch, float32, (2,).
    """

    fall: Tensor
    extremes: Tensor


def occlusion(
    network: Network,
    image: Tensor,
    index: int,
    patch: Patch,
    progress: Progress = lambda _done, _all: None,
    slot: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> OcclusionResult:
    """Computes how far a class's probability falls under a patch, with captum (Zeiler and Fergus 2014, section 4.2).

    The patch covers all channels. Its colour is the mean of the network's normalisation.

    Args:
        network: Network to explain.
        image: 8-bit values, (C, height, width), as the network sees them before normalisation.
        index: Position of the class.
        patch: Patch to move.
        progress: Callback for the progress. It receives the positions done and all positions. If it raises, the work
            ends.
        slot: Context manager that is entered for each batch, so that other sessions can compute in between.

    Raises:
        InputError: If there is no such class, or the outputs are not finite.
    """
    from captum.attr import Occlusion  # imported here because it takes seconds

    check_class(index, network.card)
    channels, size = image.shape[0], Size(*image.shape[1:])
    batch = max(1, min(MAX_BATCH_PIXELS // size.area, MAX_BATCH_IMAGES))
    total, done = patch.positions(size), -1  # the first call is for the picture itself
    covered: list[Tensor] = []

    def probabilities(images: Tensor) -> Tensor:
        nonlocal done
        with slot():
            answers: Tensor = network.module(images).softmax(1)
        if done >= 0:
            covered.append(answers[:, index])
        done += len(images)
        progress(max(done, 0), total)
        return answers

    with torch.inference_mode():
        fall: Tensor = Occlusion(probabilities).attribute(
            Normalise(network.card.inputs, image.device)(image[None]),
            sliding_window_shapes=(channels, patch.side, patch.side),
            strides=(channels, patch.step, patch.step),
            target=index,
            perturbations_per_eval=batch,
        )
    check_numbers(fall, network.card)
    return OcclusionResult(fall[0, 0].float().clone(), torch.stack(torch.cat(covered).float().aminmax()))
