"""Occlusion: networks that depend on one or two pixels, brute force, and bundled networks."""

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
from tests.helpers.explained import GAP, make_network, pixels, state
from tests.helpers.toys import registry_entry


class OnePixel(nn.Module):
    """Scores of three classes: the second depends only on the pixel in row 2, column 5."""

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, 0, 2, 5]
        return torch.stack([torch.zeros_like(score), 2 * score, torch.zeros_like(score)], 1)


class TwoPixels(nn.Module):
    """Scores of three classes: the second depends on two pixels that touch at a corner."""

    def forward(self, images: Tensor) -> Tensor:
        score = images[:, 0, 2, 5] + images[:, 0, 3, 6]
        return torch.stack([torch.zeros_like(score), 2 * score, torch.zeros_like(score)], 1)


BRIGHT = torch.full((1, 8, 8), 255, dtype=torch.uint8)  # 1 after normalisation


def test_the_fall_is_where_the_network_looks() -> None:
    network = make_network(GAP, OnePixel())
    before = torch.tensor([0.0, 2.0, 0.0]).softmax(0)[1]
    fall, extremes = occlusion(network, BRIGHT, 1, Patch(2, 2))
    expected = torch.zeros(8, 8)
    expected[2:4, 4:6] = before - 1 / 3  # the patch over the pixel; its mean colour is 0
    assert torch.allclose(fall, expected, atol=1e-6)
    assert extremes.tolist() == pytest.approx([1 / 3, float(before)])
    assert occlusion(network, BRIGHT, 0, Patch(2, 2)).fall.min() == pytest.approx(
        float(0.5 * (1 - before) - 1 / 3), abs=1e-6
    )


def test_a_pixel_has_the_mean_over_its_patches() -> None:
    # Brute force over all positions.
    network = make_network(GAP, TwoPixels())
    fall, covers, remaining = torch.zeros(8, 8), torch.zeros(8, 8), []
    image = (BRIGHT[None] / 255 - 0.5) / 0.5
    before = network.module(image).softmax(1)[0, 1]
    for row in range(0, 7, 1):
        for column in range(0, 7, 1):
            covered = image.clone()
            covered[..., row : row + 2, column : column + 2] = 0
            remaining.append(float(network.module(covered).softmax(1)[0, 1]))
            fall[row : row + 2, column : column + 2] += before - remaining[-1]
            covers[row : row + 2, column : column + 2] += 1
    found = occlusion(network, BRIGHT, 1, Patch(2, 1))
    assert torch.allclose(found.fall, fall / covers, atol=1e-6)
    assert found.extremes.tolist() == pytest.approx([min(remaining), max(remaining)])
    assert found.fall.max() < before - min(remaining)  # only one patch covers both pixels


@pytest.mark.parametrize("name", ["digits-cnn", "mnist-fc"])
def test_bundled_networks_in_batches_with_progress_and_slots(name: str) -> None:
    network = networks.network(registry_entry(name))
    seen, before = pixels(network), state(network.module)
    calls, events = [], []

    @contextmanager
    def slot() -> Iterator[None]:
        events.append("begin")
        yield
        events.append("end")

    patch = patches(seen.shape[-1])[8]
    fall, extremes = occlusion(network, seen, 3, patch, lambda done, count: calls.append((done, count)), slot)
    assert fall.shape == seen.shape[1:]
    assert 0 <= extremes[0] < extremes[1] <= 1
    assert calls[-1] == (patch.positions(seen.shape[-1]),) * 2
    assert calls == sorted(calls)
    assert len(events) == 2 * len(calls)
    assert state(network.module) == before


def test_other_sessions_compute_after_each_batch() -> None:
    slots, network = FairSemaphore(1), networks.network(registry_entry("mnist-fc"))
    batches: list[int] = []
    batches_before: list[int] = []  # batches that had begun when another session got a slot
    others: list[Thread] = []

    def ask() -> None:
        with slots.slot(lambda _ahead: None):
            batches_before.append(len(batches))

    @contextmanager
    def slot() -> Iterator[None]:
        with slots.slot(lambda _ahead: None):
            batches.append(1)
            others.append(Thread(target=ask, daemon=True))
            others[-1].start()
            while len(slots._present) < 2:
                time.sleep(0.001)
            yield

    occlusion(network, pixels(network), 3, patches(28)[16], slot=slot)
    for other in others:
        other.join(60)
    assert len(batches) > 5
    assert batches_before == list(range(1, len(batches) + 1))


def test_an_exception_of_the_progress_callback_ends_the_work() -> None:
    def stop(done: int, _count: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        occlusion(make_network(GAP), BRIGHT, 0, Patch(1, 1), stop)


@pytest.mark.parametrize("size", [1, 2, 8, 28, 32, 224, 600])
def test_patches_fit_the_picture(size: int) -> None:
    for patch in patches(size).values():
        assert 1 <= patch.step <= patch.side <= size
        assert patch.positions(size) <= 1100


def test_a_missing_class() -> None:
    with pytest.raises(InputError):
        occlusion(make_network(GAP), BRIGHT, -1, Patch(2, 2))
