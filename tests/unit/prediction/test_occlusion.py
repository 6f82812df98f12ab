"""Occlusion of networks that read one pixel or nothing, where the answer is known."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.prediction import networks
from explorer.prediction.occlusion import Patch, occlusion, patches
from explorer.workers.semaphore import FairSemaphore
from tests.helpers.explained import GAP, made, pixels, state
from tests.helpers.toys import listed


class OnePixel(nn.Module):
    """Scores of three classes: the second grows with the pixel in row 2, column 5 alone."""

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, 0, 2, 5]
        return torch.stack([torch.zeros_like(score), 2 * score, torch.zeros_like(score)], 1)


class TwoPixels(nn.Module):
    """Scores of three classes: the second grows with two pixels, corner to corner."""

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, 0, 2, 5] + images[:, 0, 3, 6]
        return torch.stack([torch.zeros_like(score), 2 * score, torch.zeros_like(score)], 1)


BRIGHT = torch.full((1, 8, 8), 255, dtype=torch.uint8)  # 1 after it is normalised


def test_the_fall_is_where_the_network_reads() -> None:
    network = made(GAP, OnePixel())
    before = torch.tensor([0.0, 2.0, 0.0]).softmax(0)[1]
    fall, ends = occlusion(network, BRIGHT, 1, Patch(2, 2))
    wanted = torch.zeros(8, 8)
    wanted[2:4, 4:6] = before - 1 / 3  # the patch that covers the pixel, in the mean colour, which is 0
    assert torch.allclose(fall, wanted, atol=1e-6)
    assert ends.tolist() == pytest.approx([1 / 3, float(before)])
    assert occlusion(network, BRIGHT, 0, Patch(2, 2)).fall.min() == pytest.approx(
        float(0.5 * (1 - before) - 1 / 3), abs=1e-6
    )


def test_a_pixel_has_the_mean_of_the_patches_over_it() -> None:
    # Brute force: every position by hand.
    network = made(GAP, TwoPixels())
    fall, covers, left = torch.zeros(8, 8), torch.zeros(8, 8), []
    image = (BRIGHT[None] / 255 - 0.5) / 0.5
    before = network.module(image).softmax(1)[0, 1]
    for row in range(0, 7, 1):
        for column in range(0, 7, 1):
            covered = image.clone()
            covered[..., row : row + 2, column : column + 2] = 0
            left.append(float(network.module(covered).softmax(1)[0, 1]))
            fall[row : row + 2, column : column + 2] += before - left[-1]
            covers[row : row + 2, column : column + 2] += 1
    found = occlusion(network, BRIGHT, 1, Patch(2, 1))
    assert torch.allclose(found.fall, fall / covers, atol=1e-6)
    assert found.ends.tolist() == pytest.approx([min(left), max(left)])
    assert found.fall.max() < before - min(left)  # of the patches over a pixel only one covers both


@pytest.mark.parametrize("name", ["digits-cnn", "mnist-fc"])
def test_real_networks_in_batches_with_progress_and_turns(name: str) -> None:
    network = networks.network(listed(name))
    seen, before = pixels(network), state(network.module)
    said, turns = [], []

    @contextmanager
    def turn() -> Iterator[None]:
        turns.append("begin")
        yield
        turns.append("end")

    patch = patches(seen.shape[-1])[8]
    fall, ends = occlusion(network, seen, 3, patch, lambda done, count: said.append((done, count)), turn)
    assert fall.shape == seen.shape[1:]
    assert 0 <= ends[0] < ends[1] <= 1
    assert said[-1] == (patch.positions(seen.shape[-1]),) * 2
    assert said == sorted(said)
    assert len(turns) == 2 * len(said)
    assert state(network.module) == before


def test_others_get_their_turn_after_each_batch() -> None:
    """Of a fine occlusion, which takes long on a large network."""
    line, network = FairSemaphore(1), networks.network(listed("mnist-fc"))
    batches: list[int] = []
    came: list[int] = []  # batches that were begun when another session got its turn
    others: list[Thread] = []

    def ask() -> None:
        with line.slot(lambda _ahead: None):
            came.append(len(batches))

    @contextmanager
    def turn() -> Iterator[None]:
        with line.slot(lambda _ahead: None):
            batches.append(1)
            others.append(Thread(target=ask, daemon=True))
            others[-1].start()
            while len(line._here) < 2:
                time.sleep(0.001)
            yield

    occlusion(network, pixels(network), 3, patches(28)[16], turn=turn)
    for other in others:
        other.join(60)
    assert len(batches) > 5
    assert came == list(range(1, len(batches) + 1))


def test_what_progress_raises_ends_the_work() -> None:
    def stop(done: int, _count: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        occlusion(made(GAP), BRIGHT, 0, Patch(1, 1), stop)


@pytest.mark.parametrize("size", [1, 2, 8, 28, 32, 224, 600])
def test_patches_suit_the_picture(size: int) -> None:
    for patch in patches(size).values():
        assert 1 <= patch.step <= patch.side <= size
        assert patch.positions(size) <= 1100


def test_a_class_that_is_not_there() -> None:
    with pytest.raises(InputError, match="class: -1 is not between 0 and 2"):
        occlusion(made(GAP), BRIGHT, -1, Patch(2, 2))
