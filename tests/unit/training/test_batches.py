"""Batches: the same images for any number of processes, from any start, from memory and from files."""

import multiprocessing
import pickle
from collections.abc import Generator, Sequence
from itertools import product

import pytest
import torch
from torch import Tensor

from explorer.data.dataset import Files, Split
from explorer.data.preprocessing import Normalise, Preprocessing, resize
from explorer.errors import InputError
from explorer.training import batches as module
from explorer.training.augment import sample_parameters
from explorer.training.batches import Batch, EvaluationBatches, Placement, TrainingBatches
from tests.helpers.pixels import Decoded, noise

CPU = torch.device("cpu")
PREPROCESSING = Preprocessing(16, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
AUGMENTS = [(), ("flip",), ("flip", "crop", "cutout"), ("flip", "random_resized_crop", "rotation", "noise")]


def numbered(images: Tensor | Files) -> Split:
    """Returns images with their indices as labels."""
    return Split(images, torch.arange(len(images)))


def training(
    images: Tensor | Files, augment: Sequence[str] = (), batch_size: int = 8, rank: int = 0, world: int = 1
) -> TrainingBatches:
    return TrainingBatches(
        numbered(images), PREPROCESSING, augment, batch_size, 0, Placement(CPU, rank=rank, world=world)
    )


def same(one: Sequence[Batch], other: Sequence[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels) and a.total == b.total
        for a, b in zip(one, other, strict=True)
    )


def joined(parts: Sequence[Batch]) -> Batch:
    """Joins the parts of all processes to one batch."""
    assert sum(len(part.labels) for part in parts) == parts[0].total
    assert max(len(part.labels) for part in parts) - min(len(part.labels) for part in parts) <= 1
    return Batch(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]), parts[0].total)


@pytest.fixture
def streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes decoded files exceed the memory limit."""
    monkeypatch.setattr(module, "IN_MEMORY", 0)


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(33, 32, [16, 17]), (32, 32, [32]), (5, 2, [1, 2, 2]), (10, 100, [10]), (65, 32, [21, 22, 22])],
)
def test_batches_have_almost_equal_sizes(count: int, batch_size: int, sizes: list[int]) -> None:
    split = training(noise(count, 3, 16, 16), (), batch_size)
    assert split.steps == len(sizes)
    assert [len(batch.labels) for batch in split.epoch(0)] == sizes
    assert [batch.total for batch in split.epoch(0)] == sizes


def test_an_epoch_has_every_image_once_in_a_new_order() -> None:
    images = noise(50, 3, 20, 12)
    split, expected = training(images), Normalise(PREPROCESSING, CPU)(resize(images, 16))
    orders = []
    for number in range(3):
        labels = torch.cat([batch.labels for batch in split.epoch(number)])
        assert torch.equal(torch.cat([batch.images for batch in split.epoch(number)]), expected[labels])
        orders.append(tuple(labels.tolist()))
        assert sorted(orders[-1]) == list(range(50))
    assert len({*orders, tuple(range(50))}) == 4


@pytest.mark.parametrize("augment", AUGMENTS)
def test_an_epoch_is_the_same_from_any_start_and_at_any_time(augment: tuple[str, ...]) -> None:
    images = noise(50, 3, 20, 12)
    split = training(images, augment)
    batches = list(split.epoch(3))
    assert not same(batches, list(split.epoch(4)))
    for start in range(split.steps + 1):
        assert same(list(training(images, augment).epoch(3, start)), batches[start:])


@pytest.mark.parametrize(("world", "augment"), list(product((2, 3, 5), AUGMENTS)))
def test_processes_share_each_batch(world: int, augment: tuple[str, ...]) -> None:
    images = noise(47, 3, 20, 12)
    shares = [list(training(images, augment, 9, rank, world).epoch(1)) for rank in range(world)]
    together = [joined(parts) for parts in zip(*shares, strict=True)]
    assert same(together, list(training(images, augment, 9).epoch(1)))


@pytest.mark.parametrize(("count", "world"), list(product((1, 2, 10, 17), (1, 2, 3, 4))))
def test_evaluation_has_every_image_once_over_all_processes(count: int, world: int) -> None:
    images = noise(count, 3, 20, 12)
    parts = [
        batch
        for rank in range(world)
        for batch in EvaluationBatches(
            numbered(images), PREPROCESSING, 8, Placement(CPU, rank=rank, world=world)
        ).batches()
    ]
    assert all(len(part.labels) for part in parts)
    labels = torch.cat([part.labels for part in parts])
    assert sorted(labels.tolist()) == list(range(count))
    expected = Normalise(PREPROCESSING, CPU)(resize(images, 16))
    assert torch.equal(torch.cat([part.images for part in parts]), expected[labels])


def test_evaluation_of_one_process_keeps_the_order_and_can_be_repeated() -> None:
    evaluation = EvaluationBatches(numbered(noise(20, 3, 16, 16)), PREPROCESSING, 8, Placement(CPU))
    for _ in range(2):
        assert torch.cat([batch.labels for batch in evaluation.batches()]).tolist() == list(range(20))


def test_a_batch_too_small_for_the_processes_is_refused() -> None:
    with pytest.raises(InputError, match="3 processes can't share a batch of 2"):
        training(noise(5, 3, 16, 16), (), 3, rank=0, world=3)


def test_images_have_the_requested_memory_format() -> None:
    split = numbered(noise(8, 3, 16, 16))
    for layout in (torch.contiguous_format, torch.channels_last):
        batch = next(EvaluationBatches(split, PREPROCESSING, 8, Placement(CPU, layout)).batches())
        assert batch.images.dtype == torch.float32
        assert batch.images.is_contiguous(memory_format=layout)


def test_hidden_pixels_are_zero() -> None:
    images = torch.full((4, 3, 16, 16), 255, dtype=torch.uint8)
    (batch,) = training(images, ("cutout",)).epoch(0)
    assert (batch.images == 0).any(1).flatten(1).sum(1).tolist() == (batch.images == 0).all(1).flatten(1).sum(
        1
    ).tolist()
    assert (batch.images == 0).any(dim=(1, 2, 3)).all()


@pytest.mark.usefixtures("streaming")
@pytest.mark.parametrize("augment", AUGMENTS)
def test_files_give_the_same_batches_as_images_in_memory(augment: tuple[str, ...]) -> None:
    images = noise(30, 3, 21, 13)
    streamed, resident = training(Decoded(list(images)), augment), training(images, augment)
    assert same(list(streamed.epoch(2)), list(resident.epoch(2)))
    assert same(list(streamed.epoch(2, start=3)), list(resident.epoch(2, start=3)))


def test_files_of_any_size_give_the_same_batches_decoded_or_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    files = Decoded([noise(3, 10 + index, 30 - index, seed=index) for index in range(20)])
    augment = ("flip", "crop")
    decoded = training(files, augment)
    evaluated = EvaluationBatches(numbered(files), PREPROCESSING, 8, Placement(CPU))
    monkeypatch.setattr(module, "IN_MEMORY", 20 * 3 * 16 * 16 - 1)
    assert same(list(decoded.epoch(0)), list(training(files, augment).epoch(0)))
    assert same(
        list(evaluated.batches()), list(EvaluationBatches(numbered(files), PREPROCESSING, 8, Placement(CPU)).batches())
    )


def test_files_that_fit_are_decoded_once() -> None:
    files = Decoded(list(noise(12, 3, 20, 12)))
    split = training(files)
    first = list(split.epoch(0))
    files.images = [None] * 12
    assert same(list(split.epoch(0)), first)


def test_a_broken_file_is_reported_by_name() -> None:
    files = Decoded([noise(3, 16, 16), None, *noise(20, 3, 16, 16)])
    with pytest.raises(InputError) as error:
        training(files)
    assert str(error.value) == "1.png: is broken"
    streamed = training(files, ("random_resized_crop",))  # boxes are cut from the images at their original size
    with pytest.raises(InputError) as error:
        list(streamed.epoch(0))
    assert str(error.value) == "1.png: is broken"
    del error
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("streaming")
def test_workers_end_with_the_iterator() -> None:
    batches = training(Decoded(list(noise(60, 3, 16, 16)))).epoch(0)
    next(batches)
    assert multiprocessing.active_children()
    assert isinstance(batches, Generator)
    batches.close()
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("streaming")
def test_streaming_does_not_use_the_generator_of_dropout() -> None:
    split, state = training(Decoded(list(noise(20, 3, 16, 16))), ("flip",)), torch.get_rng_state()
    assert len(list(split.epoch(0))) == split.steps
    assert torch.equal(torch.get_rng_state(), state)


def test_the_data_set_of_a_worker_can_be_pickled() -> None:
    images = module._EpochImages(
        Decoded(list(noise(6, 3, 20, 12))), PREPROCESSING, sample_parameters(("flip", "crop"), 6, 0, 0)
    )
    one, other = images.__getitems__([2, 4]), pickle.loads(pickle.dumps(images)).__getitems__([2, 4])  # noqa: S301
    assert isinstance(one, Tensor)
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("device", "world", "expected"), [("cpu", 1, 1), ("cuda", 1, 8), ("cuda", 4, 3), ("cuda", 20, 1)]
)
def test_on_a_cpu_there_is_one_worker(monkeypatch: pytest.MonkeyPatch, device: str, world: int, expected: int) -> None:
    monkeypatch.setattr(module, "_cores", lambda: 12)
    assert module._workers(torch.device(device), world) == expected


@pytest.mark.parametrize("augment", AUGMENTS)
def test_large_images_are_resampled_in_parts(augment: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(256, (11, 3, 20, 24), dtype=torch.uint8)
    batches = list(training(images, augment).epoch(1))
    monkeypatch.setattr(module, "_PIXELS", 2 * images[0].numel())
    assert same(batches, list(training(images, augment).epoch(1)))
