"""Scores of a class activation map: does it show the pixels that the network uses, and does it depend on the weights?

Deletion and insertion (Petsiuk et al. 2018, section 3.1) remove or restore pixels, the hottest first, and follow the
probability of the class. The sanity check of Adebayo et al. (2018, section 3) compares the map with maps of the same
network with random weights.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.data.preprocessing import Normalise
from explorer.prediction.cams import Method, cam
from explorer.prediction.checks import check_class, check_numbers
from explorer.prediction.hooks import MapLayer
from explorer.prediction.networks import Network, with_random_weights

STEPS = 16  # shares of the pixels at which the probability is measured, besides none
RANDOM_NETWORKS = 3  # networks with random weights whose maps are the chance level
MAX_SEEDS = 12  # tried for them, because a map without heat has no order of pixels
MAX_BATCH_PIXELS = 2**18
BLUR = 6  # a picture is blurred with a standard deviation of its shorter side divided by this

Progress = Callable[[int, int], None]
Slot = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probabilities of the class while pixels are removed and while they are restored, the hottest first.

    Attributes:
        deletion: Probability at each share of removed pixels from 0 to 1, float32, (STEPS + 1,).
        insertion: Probability at each share of restored pixels from 0 to 1, float32, (STEPS + 1,).
    """

    deletion: Tensor
    insertion: Tensor

    @property
    def deletion_score(self) -> float:
        """Area under the deletion curve, from 0 to 1. Low is good: the first pixels removed are those that count."""
        return area(self.deletion)

    @property
    def insertion_score(self) -> float:
        """Area under the insertion curve, from 0 to 1. High is good."""
        return area(self.insertion)


@dataclass(frozen=True, slots=True, eq=False)
class HeatScores:
    """Scores of a class activation map, next to those of maps from random weights.

    Attributes:
        own: Curves of the map.
        chance: Curves of the same network under the maps that random weights give, the chance level.
        similarities: Rank correlation of the map with each of those maps, from -1 to 1. Near 1 or -1, the map hardly
            depends on the weights.
    """

    own: Curves
    chance: tuple[Curves, ...]
    similarities: tuple[float, ...]

    @property
    def similarity(self) -> float:
        """Mean of the absolute rank correlations."""
        return sum(map(abs, self.similarities)) / len(self.similarities)

    @property
    def wins(self) -> int:
        """Number of comparisons with a map of random weights that the map wins, for both scores."""
        return sum(
            (self.own.deletion_score < one.deletion_score) + (self.own.insertion_score > one.insertion_score)
            for one in self.chance
        )

    @property
    def comparisons(self) -> int:
        """Number of comparisons with maps of random weights."""
        return 2 * len(self.chance)


def area(curve: Tensor) -> float:
    """Area under a curve at evenly spaced places from 0 to 1, by the trapezoidal rule."""
    return float(torch.trapezoid(curve, dx=1 / (len(curve) - 1)))


def heat_scores(
    network: Network,
    map_layer: MapLayer,
    image: Tensor,
    index: int,
    method: Method = Method.GRADCAM,
    *,
    heat: Tensor | None = None,
    progress: Progress = lambda _done, _all: None,
    slot: Slot = nullcontext,
) -> HeatScores:
    """Computes the scores of a class activation map. The network stays unchanged.

    Args:
        network: Network to explain.
        map_layer: Layer of the map.
        image: 8-bit values, (C, height, width), as the network sees them before normalisation.
        index: Position of the class.
        method: Weighting of the maps.
        heat: The map, (height, width); by default it is computed.
        progress: Callback for the progress. It receives the steps done and all steps. If it raises, the work ends.
        slot: Context manager that is entered for each step, so that other sessions can compute in between.

    Raises:
        InputError: If there is no such class, or the outputs are not finite.
    """
    total = 2 * (1 + RANDOM_NETWORKS)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    progress(0, total)
    if heat is None:
        with slot():
            heat = cam(network, map_layer, image, index, method)
    advance()
    own = curves(network, image, index, heat, slot)
    advance()
    chance: list[Curves] = []
    similarities: list[float] = []
    for seed in range(MAX_SEEDS):
        with slot():
            random = cam(with_random_weights(network, seed), map_layer, image, index, method)
        if not random.any() and seed < MAX_SEEDS - RANDOM_NETWORKS + len(chance):
            continue
        advance()
        chance.append(curves(network, image, index, random, slot))
        similarities.append(rank_correlation(heat, random))
        advance()
        if len(chance) == RANDOM_NETWORKS:
            break
    progress(total, total)
    return HeatScores(own, tuple(chance), tuple(similarities))


def curves(network: Network, image: Tensor, index: int, heat: Tensor, slot: Slot = nullcontext) -> Curves:
    """Computes the probabilities of a class while pixels are removed and while they are restored.

    A removed pixel has the mean of the network's normalisation; pixels are restored in a blurred picture. Pixels of
    equal heat keep the order in which they are read.

    Args:
        network: Network to explain.
        image: 8-bit values, (C, height, width), as the network sees them before normalisation.
        index: Position of the class.
        heat: Heat of each pixel, (height, width).
        slot: Context manager that is entered for each batch.

    Raises:
        InputError: If there is no such class, or the outputs are not finite.
    """
    check_class(index, network.card)
    normalise = Normalise(network.card.inputs, image.device)
    picture, soft = normalise(torch.stack([image, blurred(image)]))
    order = heat.flatten().argsort(descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order))
    counts = [round(step * len(order) / STEPS) for step in range(STEPS + 1)]
    chosen = [(ranks < count).view(heat.shape) for count in counts]
    removed = [torch.where(mask, torch.zeros(()), picture) for mask in chosen]
    restored = [torch.where(mask, picture, soft) for mask in chosen]
    return Curves(
        _probabilities(network, removed, index, slot),
        _probabilities(network, restored, index, slot),
    )


def blurred(image: Tensor) -> Tensor:
    """A blurred copy of a picture, uint8, (C, height, width)."""
    from torchvision.transforms.v2.functional import gaussian_blur  # imported here because it takes a second

    shorter = min(image.shape[-2:])
    sigma = max(1.0, shorter / BLUR)
    side = min(2 * round(2 * sigma) + 1, 2 * (shorter // 2) - 1)  # the border is mirrored, so not too wide
    if side < 3:
        return image
    soft: Tensor = gaussian_blur(image, [side, side], [sigma, sigma])
    return soft


@torch.inference_mode()
def _probabilities(network: Network, images: Sequence[Tensor], index: int, slot: Slot) -> Tensor:
    each = max(1, MAX_BATCH_PIXELS // images[0][0].numel())
    found = []
    for start in range(0, len(images), each):
        with slot():
            found.append(network.module(torch.stack([*images[start : start + each]])).softmax(1)[:, index].float())
    probabilities = torch.cat(found)
    check_numbers(probabilities, network.card)
    return probabilities.clone()


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's rank correlation of two maps, from -1 to 1; equal values share their mean rank; 0 for a flat map."""
    ranks = [_ranks(values.flatten().double()) for values in (one, other)]
    centred = [values - values.mean() for values in ranks]
    lengths = centred[0].norm() * centred[1].norm()
    return float((centred[0] @ centred[1]) / lengths) if lengths > 0 else 0.0


def _ranks(values: Tensor) -> Tensor:
    _unique, group, counts = values.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks: Tensor = (last - (counts.double() - 1) / 2)[group]
    return ranks
