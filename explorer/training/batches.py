"""Batches of normalised images, from a split that stays on the device or from files decoded in advance."""

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
from explorer.specs.size import Size
from explorer.training.augment import (
    DEFAULT_STRENGTH,
    AugmentationParameters,
    Strength,
    Windows,
    compute_windows,
    cutout_mask,
    resample_windows,
    rotate_and_add_noise,
    sample_parameters,
)

_PIXELS = 2**26  # pixels resampled at a time: float32 takes four times the memory of the images


class Batch(NamedTuple):
    """One process's part of a batch.

    Attributes:
        images: Normalised images, float32, (B, C, height, width).
        labels: Labels, int64, (B,).
        total: Number of images of the whole batch, over all processes.
    """

    images: Tensor
    labels: Tensor
    total: int


class Placement(NamedTuple):
    """Destination of the batches: device, memory format of the images, and rank and number of the processes."""

    device: torch.device
    memory_format: torch.memory_format = torch.contiguous_format
    rank: int = 0
    world: int = 1


class EvaluationBatches:
    """Batches for an evaluation: every image of a split once, in order, without augmentation.

    Attributes:
        images: Number of images over all processes.
    """

    def __init__(self, split: Split, preprocessing: Preprocessing, batch_size: int, placement: Placement) -> None:
        """Moves the images to the device if they fit. Decodes files for that.

        Raises:
            InputError: If a file can't be read. Names the file.
        """
        self._pass = _Pass(split, preprocessing, batch_size, placement, DEFAULT_STRENGTH, resident=True)
        self.images = self._pass.count

    def batches(self) -> Iterator[Batch]:
        """Yields this process's share of the images. It may have fewer batches than other processes.

        Raises:
            InputError: If a file can't be read. Names the file.
        """
        return self._pass.batches(AugmentationParameters(torch.arange(self._pass.count), {}))

    def shares(self) -> list[slice]:
        """Returns for each of this process's batches which images of the split it holds."""
        return [share for share, _total in self._pass.shares()]


class TrainingBatches:
    """Batches for training: every image of a split once in each epoch, shuffled and augmented.

    Attributes:
        steps: Batches of an epoch.
        images: Images of an epoch, over all processes.
    """

    def __init__(
        self,
        split: Split,
        preprocessing: Preprocessing,
        augment: Sequence[str],
        batch_size: int,
        seed: int,
        placement: Placement,
        strength: Strength = DEFAULT_STRENGTH,
    ) -> None:
        """Moves the images to the device if they fit. Decodes files for that.

        Raises:
            InputError: If a batch has fewer images than there are processes, or a file can't be read. Names the file.
        """
        # A random resized crop is cut from the image at its original size, and sizes differ.
        resident = "random_resized_crop" not in augment
        self._pass = _Pass(split, preprocessing, batch_size, placement, strength, resident=resident)
        self._augment, self._seed, self.steps = augment, seed, self._pass.steps
        self.images = self._pass.count
        smallest = self.images // max(self.steps, 1)
        if smallest < placement.world:
            raise InputError(
                _("{world} processes can't share a batch of {images}: raise batch_size or use fewer processes").format(
                    world=placement.world, images=smallest
                )
            )

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yields this process's share of the batches of an epoch, beginning with batch ``start``.

        Raises:
            InputError: If a file can't be read. Names the file.
        """
        return self._pass.batches(sample_parameters(self._augment, self._pass.count, self._seed, number), start)


class _Pass:
    """One pass over a split, divided into batches, and each batch into the shares of the processes."""

    def __init__(
        self,
        split: Split,
        preprocessing: Preprocessing,
        batch_size: int,
        placement: Placement,
        strength: Strength,
        *,
        resident: bool,
    ) -> None:
        self.count = len(split)
        self.steps = -(-self.count // batch_size)
        self._sides, self._placement, self._strength = preprocessing.sides, placement, strength
        self._normalise = Normalise(preprocessing, placement.device)
        self._labels = split.labels.to(placement.device)
        images = split.images
        if resident and not isinstance(images, Tensor) and _resized_bytes(images, self._sides) <= IN_MEMORY:
            images, preprocessing = _decode(images, preprocessing), preprocessing._replace(resize=None)
        self._source: _Source = (
            _Resident(images, preprocessing, placement.device)
            if isinstance(images, Tensor)
            else _Streamed(images, preprocessing, placement)
        )

    def shares(self, start: int = 0) -> list[tuple[slice, int]]:
        """Returns this process's part of each batch and the images of the whole batch. Leaves out empty parts."""
        rank, world = self._placement.rank, self._placement.world
        found = []
        for step in range(start, self.steps):
            first, last = (self.count * edge // self.steps for edge in (step, step + 1))
            share = slice(*(first + (last - first) * edge // world for edge in (rank, rank + 1)))
            if share.start < share.stop:
                found.append((share, last - first))
        return found

    def batches(self, parameters: AugmentationParameters, start: int = 0) -> Iterator[Batch]:
        device, memory_format = self._placement.device, self._placement.memory_format
        shares = self.shares(start)
        labels = self._labels[parameters.order.to(device)]
        sources = self._source.pixels(parameters._replace(normal=None), [share for share, _total in shares])
        parameters = parameters.to(device)
        for (share, total), pixels in zip(shares, sources, strict=True):
            own = parameters.select(share, device)
            holes = cutout_mask(own.uniform["cutout"], self._sides) if "cutout" in own.uniform else None
            images = self._normalise(rotate_and_add_noise(pixels, own, self._strength), holes)
            yield Batch(images.contiguous(memory_format=memory_format), labels[share], total)


class _Source(Protocol):
    """Source of the pixels of a batch."""

    def pixels(self, parameters: AugmentationParameters, shares: Sequence[slice]) -> Iterator[Tensor]:
        """Yields the augmented images of each share: 8-bit values, (B, C, height, width), on the device."""


def _resample(images: Tensor, windows: Windows, preprocessing: Preprocessing) -> Tensor:
    """Applies :func:`resample_windows`. Images that a card crops to their middle are never augmented."""
    if preprocessing.resize is not None:
        return fitted(images, preprocessing)
    return resample_windows(images, windows, preprocessing.sides)


class _Resident:
    """All images on the device as uint8, augmented there."""

    def __init__(self, images: Tensor, preprocessing: Preprocessing, device: torch.device) -> None:
        self._images, self._preprocessing = images.to(device), preprocessing
        self._chunk = max(_PIXELS // images[0].numel(), 1) if len(images) else 1

    def pixels(self, parameters: AugmentationParameters, shares: Sequence[slice]) -> Iterator[Tensor]:
        device, (height, width) = self._images.device, self._images.shape[-2:]
        order = parameters.order.to(device)
        windows = compute_windows(parameters.uniform, height, width, self._preprocessing.sides).to(device)
        for share in shares:
            edges = [*range(share.start, share.stop, self._chunk), share.stop]
            parts = [slice(*pair) for pair in pairwise(edges)]
            yield torch.cat(
                [_resample(self._images[order[part]], windows.select(part), self._preprocessing) for part in parts]
            )


class _Streamed:
    """Files that worker processes decode and resample. The workers live as long as the iterator."""

    def __init__(self, files: Files, preprocessing: Preprocessing, placement: Placement) -> None:
        self._files, self._preprocessing, self._placement = files, preprocessing, placement

    def pixels(self, parameters: AugmentationParameters, shares: Sequence[slice]) -> Iterator[Tensor]:
        device = self._placement.device
        loader = DataLoader(
            _EpochImages(self._files, self._preprocessing, parameters),
            batch_sampler=[list(range(share.start, share.stop)) for share in shares],
            collate_fn=_identity,
            num_workers=_workers(device, self._placement.world),
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # without it, the loader uses the generator that dropout uses
        )
        for pixels in loader:
            if isinstance(pixels, InputError):
                raise pixels
            yield pixels.to(device, non_blocking=True)


class _EpochImages(torch.utils.data.Dataset[Tensor]):
    """The data set of one epoch in a worker process: maps positions in the epoch to pixels."""

    def __init__(self, files: Files, preprocessing: Preprocessing, parameters: AugmentationParameters) -> None:
        self._files, self._preprocessing, self._parameters = files, preprocessing, parameters

    def __getitems__(self, positions: Sequence[int]) -> Tensor | InputError:
        """Returns the pixels of a batch, uint8.

        Returns an error as a value, because the traceback of a raised error replaces its message.
        """
        try:
            return torch.cat([self._image(position) for position in positions])
        except InputError as error:
            return error

    def _image(self, position: int) -> Tensor:
        image = self._files[int(self._parameters.order[position])][None]
        numbers = {name: values[position : position + 1] for name, values in self._parameters.uniform.items()}
        windows = compute_windows(numbers, image.shape[-2], image.shape[-1], self._preprocessing.sides)
        if windows.box is not None:  # crop first, because a box may be a small part of a large photograph
            ((top, left, height, width),) = windows.box.tolist()
            image, windows = image[..., top : top + height, left : left + width], windows._replace(box=None)
        return _resample(image, windows, self._preprocessing).byte()


def _identity(batch: Any) -> Any:
    return batch


def _workers(device: torch.device, world: int) -> int:
    """Returns the number of decoding processes. One is fast enough on a CPU; more would take cores from training."""
    return 1 if device.type == "cpu" else min(max(_cores() // world, 1), 8)


def _cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _resized_bytes(files: Files, sides: Size) -> int:
    """Returns the bytes of all images at the network's size."""
    return len(files) * len(files[0]) * sides.area


def _decode(files: Files, preprocessing: Preprocessing) -> Tensor:
    """Returns all images at the network's size, uint8, (N, C, height, width)."""
    images = torch.empty(len(files), len(files[0]), *preprocessing.sides, dtype=torch.uint8)

    def decode(index: int) -> None:
        images[index] = fitted(files[index][None], preprocessing)[0]

    with ThreadPoolExecutor(min(_cores(), 8)) as pool:
        for _done in pool.map(decode, range(len(files))):
            pass  # iterating raises the errors of the threads
    return images
