"""Batches of normalised images: from a split that stays on the device, or from files that are decoded ahead."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from explorer.data.dataset import IN_MEMORY, Files, Split
from explorer.data.preprocessing import Normalise, Preprocessing, fitted
from explorer.errors import InputError
from explorer.i18n import _
from explorer.training.augment import USUAL, Draws, Strength, Windows, disturbed, draw, hidden, show, windows

_PIXELS = 2**26  # that are resampled at a time: float32 takes four times the memory of the images


class Batch(NamedTuple):
    """One process's part of a batch.

    Attributes:
        images: normalised, float32, (B, C, size, size).
        labels: int64, (B,).
        total: images of the whole batch, over all processes.
    """

    images: Tensor
    labels: Tensor
    total: int


class Place(NamedTuple):
    """Where batches go: a device, the layout of images there, and which of the processes this one is."""

    device: torch.device
    memory_format: torch.memory_format = torch.contiguous_format
    rank: int = 0
    world: int = 1


class Evaluation:
    """Every image of a split once, in its own order, without augmentation.

    Attributes:
        images: over all processes.
    """

    def __init__(self, split: Split, preprocessing: Preprocessing, batch_size: int, place: Place) -> None:
        """Move what fits to the device; files may be decoded for that.

        Raises:
            InputError: naming a file that can't be read.
        """
        self._pass = _Pass(split, preprocessing, batch_size, place, USUAL, resident=True)
        self.images = self._pass.count

    def batches(self) -> Iterator[Batch]:
        """This process's share of the images; it may have fewer batches than others have.

        Raises:
            InputError: naming a file that can't be read.
        """
        return self._pass.batches(Draws(torch.arange(self._pass.count), {}))

    def shares(self) -> list[slice]:
        """Which images of the split each of these batches has."""
        return [share for share, _total in self._pass.shares()]


class TrainingBatches:
    """Every image of a split once in each epoch, shuffled and augmented.

    Attributes:
        steps: batches of an epoch.
        images: in an epoch, over all processes.
    """

    def __init__(
        self,
        split: Split,
        preprocessing: Preprocessing,
        augment: Sequence[str],
        batch_size: int,
        seed: int,
        place: Place,
        strength: Strength = USUAL,
    ) -> None:
        """Move what fits to the device; files may be decoded for that.

        Raises:
            InputError: where a batch has fewer images than there are processes; naming a file that can't be read.
        """
        # Boxes are cut from the images as they are, whose sizes differ.
        resident = "random_resized_crop" not in augment
        self._pass = _Pass(split, preprocessing, batch_size, place, strength, resident=resident)
        self._augment, self._seed, self.steps = augment, seed, self._pass.steps
        self.images = self._pass.count
        smallest = self.images // max(self.steps, 1)
        if smallest < place.world:
            raise InputError(
                _("{world} processes can't share a batch of {images}: raise batch_size or use fewer processes").format(
                    world=place.world, images=smallest
                )
            )

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """This process's share of the batches of an epoch, from batch ``start`` on.

        Raises:
            InputError: naming a file that can't be read.
        """
        return self._pass.batches(draw(self._augment, self._pass.count, self._seed, number), start)


class _Pass:
    """One pass over a split, cut into batches and each batch into the processes' shares."""

    def __init__(
        self,
        split: Split,
        preprocessing: Preprocessing,
        batch_size: int,
        place: Place,
        strength: Strength,
        *,
        resident: bool,
    ) -> None:
        self.count = len(split)
        self.steps = -(-self.count // batch_size)
        self._size, self._place, self._strength = preprocessing.size, place, strength
        self._normalise = Normalise(preprocessing, place.device)
        self._labels = split.labels.to(place.device)
        images = split.images
        if resident and not isinstance(images, Tensor) and _bytes(images, self._size) <= IN_MEMORY:
            images, preprocessing = _decoded(images, preprocessing), preprocessing._replace(resize=None)
        self._source: _Source = (
            _Resident(images, preprocessing, place.device)
            if isinstance(images, Tensor)
            else _Streamed(images, preprocessing, place)
        )

    def shares(self, start: int = 0) -> list[tuple[slice, int]]:
        """This process's part of each batch that it has one of, and the images of the whole batch."""
        rank, world = self._place.rank, self._place.world
        found = []
        for step in range(start, self.steps):
            first, last = (self.count * edge // self.steps for edge in (step, step + 1))
            share = slice(*(first + (last - first) * edge // world for edge in (rank, rank + 1)))
            if share.start < share.stop:
                found.append((share, last - first))
        return found

    def batches(self, draws: Draws, start: int = 0) -> Iterator[Batch]:
        device, memory_format = self._place.device, self._place.memory_format
        shares = self.shares(start)
        labels = self._labels[draws.order.to(device)]
        sources = self._source.pixels(draws._replace(row=None), [share for share, _total in shares])
        draws = draws.on(device)
        for (share, total), pixels in zip(shares, sources, strict=True):
            own = draws.part(share, device)
            holes = hidden(own.numbers["cutout"], self._size) if "cutout" in own.numbers else None
            images = self._normalise(disturbed(pixels, own, self._strength), holes)
            yield Batch(images.contiguous(memory_format=memory_format), labels[share], total)


class _Source(Protocol):
    """Where the pixels of a batch come from."""

    def pixels(self, draws: Draws, shares: Sequence[slice]) -> Iterator[Tensor]:
        """For each share of an epoch its images as they are shown: 8-bit values, (B, C, size, size), on the device."""


def _shown(images: Tensor, seen: Windows, preprocessing: Preprocessing) -> Tensor:
    """As :func:`show`; what a card has cut out of the middle is never augmented."""
    if preprocessing.resize is not None:
        return fitted(images, preprocessing)
    return show(images, seen, preprocessing.size)


class _Resident:
    """All images on the device, as uint8, augmented there."""

    def __init__(self, images: Tensor, preprocessing: Preprocessing, device: torch.device) -> None:
        self._images, self._preprocessing = images.to(device), preprocessing
        self._chunk = max(_PIXELS // images[0].numel(), 1) if len(images) else 1

    def pixels(self, draws: Draws, shares: Sequence[slice]) -> Iterator[Tensor]:
        device, (height, width) = self._images.device, self._images.shape[-2:]
        order = draws.order.to(device)
        seen = windows(draws.numbers, height, width, self._preprocessing.size).on(device)
        for share in shares:
            edges = [*range(share.start, share.stop, self._chunk), share.stop]
            parts = [slice(*pair) for pair in pairwise(edges)]
            yield torch.cat([_shown(self._images[order[part]], seen.part(part), self._preprocessing) for part in parts])


class _Streamed:
    """Files, decoded and resampled in worker processes that live as long as the iterator."""

    def __init__(self, files: Files, preprocessing: Preprocessing, place: Place) -> None:
        self._files, self._preprocessing, self._place = files, preprocessing, place

    def pixels(self, draws: Draws, shares: Sequence[slice]) -> Iterator[Tensor]:
        device = self._place.device
        loader = DataLoader(
            _Turns(self._files, self._preprocessing, draws),
            batch_sampler=[list(range(share.start, share.stop)) for share in shares],
            collate_fn=_unchanged,
            num_workers=_workers(device, self._place.world),
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # else it draws from the one that dropout draws from
        )
        for pixels in loader:
            if isinstance(pixels, InputError):
                raise pixels
            yield pixels.to(device, non_blocking=True)


class _Turns(torch.utils.data.Dataset[Tensor]):
    """An epoch as a worker sees it: turns in, pixels out."""

    def __init__(self, files: Files, preprocessing: Preprocessing, draws: Draws) -> None:
        self._files, self._preprocessing, self._draws = files, preprocessing, draws

    def __getitems__(self, turns: Sequence[int]) -> Tensor | InputError:
        """The pixels of a batch, uint8. An error is handed over as a value: raised, it arrives as a traceback."""
        try:
            return torch.cat([self._turn(turn) for turn in turns])
        except InputError as error:
            return error

    def _turn(self, turn: int) -> Tensor:
        image = self._files[int(self._draws.order[turn])][None]
        numbers = {name: values[turn : turn + 1] for name, values in self._draws.numbers.items()}
        seen = windows(numbers, image.shape[-2], image.shape[-1], self._preprocessing.size)
        if seen.box is not None:  # cut out first: a box may be a small part of a large photograph
            ((top, left, height, width),) = seen.box.tolist()
            image, seen = image[..., top : top + height, left : left + width], seen._replace(box=None)
        return _shown(image, seen, self._preprocessing).byte()


def _unchanged(batch: Any) -> Any:
    return batch


def _workers(device: torch.device, world: int) -> int:
    """Processes that decode. On a CPU one: it keeps ahead, and more would take the cores that training computes on."""
    return 1 if device.type == "cpu" else min(max(_cores() // world, 1), 8)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bytes(files: Files, size: int) -> int:
    """What all images take at the network's size."""
    return len(files) * len(files[0]) * size**2


def _decoded(files: Files, preprocessing: Preprocessing) -> Tensor:
    """All images at the network's size, uint8, (N, C, size, size)."""
    size = preprocessing.size
    images = torch.empty(len(files), len(files[0]), size, size, dtype=torch.uint8)

    def decode(index: int) -> None:
        images[index] = fitted(files[index][None], preprocessing)[0]

    with ThreadPoolExecutor(min(_cores(), 8)) as pool:
        for _done in pool.map(decode, range(len(files))):
            pass  # an error is raised here
    return images
