"""Scores of heat maps: a network that reads one pixel, whose curves are known, and maps of random weights."""

import pytest
import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.prediction import networks
from explorer.prediction.cams import cam
from explorer.prediction.heat_scores import (
    RANDOM_NETWORKS,
    STEPS,
    area,
    curves,
    heat_scores,
    rank_correlation,
)
from explorer.prediction.hooks import find_map_layer, map_layers
from tests.helpers.explained import GAP, make_network, pixels, state
from tests.helpers.toys import registry_entry


class OnePixel(nn.Module):
    """Scores of three classes: the second depends only on the pixel in row 2, column 5."""

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, 0, 2, 5]
        return torch.stack([torch.zeros_like(score), 2 * score, torch.zeros_like(score)], 1)


def test_curves_of_a_network_that_reads_one_pixel() -> None:
    network = make_network(GAP, OnePixel())
    image = torch.full((1, 8, 8), 255, dtype=torch.uint8)  # 1 after normalisation; a blur changes nothing
    image[0, 4:] = 0
    shown = float(torch.tensor([0.0, 2.0, 0.0]).softmax(0)[1])
    hot = torch.zeros(8, 8)
    hot[2, 5] = 1
    first = curves(network, image, 1, hot)
    # Without the pixel, the score is that of the mean, 0, and all classes are equally likely.
    assert first.deletion.tolist() == pytest.approx([shown] + [1 / 3] * STEPS)
    assert first.deletion_score == pytest.approx((shown + 1 / 3) / 2 / STEPS + (STEPS - 1) / STEPS / 3)
    last = curves(network, image, 1, -hot)
    assert last.deletion.tolist() == pytest.approx([shown] * STEPS + [1 / 3])
    assert last.deletion_score > first.deletion_score
    assert last.insertion_score < first.insertion_score
    assert first.insertion.tolist()[1:] == pytest.approx([shown] * STEPS)
    with pytest.raises(InputError, match="class"):
        curves(network, image, 3, hot)


def test_area_is_that_of_trapezoids() -> None:
    assert area(torch.tensor([1.0, 0.0])) == 0.5
    assert area(torch.tensor([1.0, 0.5, 0.0, 0.0])) == pytest.approx(1 / 3)


def test_rank_correlation_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    torch.manual_seed(0)
    one, other = torch.rand(6, 6).round(decimals=1), torch.rand(6, 6).round(decimals=1)  # with ties
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.flatten(), other.flatten()).statistic)
    assert rank_correlation(one, one.exp()) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, torch.ones(6, 6)) == 0


def test_a_trained_network_beats_random_weights() -> None:
    network = networks.network(registry_entry("digits-cnn"))
    seen, before = pixels(network), state(network.module)
    layer = find_map_layer(map_layers(network.module, network.analysis), "")
    steps: list[tuple[int, int]] = []
    with torch.inference_mode():
        index = int(network.module(torch.rand(1, 1, 8, 8)).argmax())
    found = heat_scores(network, layer, seen, index, progress=lambda *done: steps.append(done))
    assert len(found.chance) == len(found.similarities) == RANDOM_NETWORKS
    assert steps[0] == (0, 8)
    assert steps[-1] == (8, 8)
    assert 0 <= found.wins <= found.comparisons == 2 * RANDOM_NETWORKS
    assert 0 <= found.similarity <= 1
    again = heat_scores(network, layer, seen, index, heat=cam(network, layer, seen, index))
    assert again.own.deletion_score == found.own.deletion_score
    assert again.similarities == found.similarities
    assert state(network.module) == before
