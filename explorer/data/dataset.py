"""Data sets: labelled images in two or three splits, in memory or in files that are decoded when needed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.i18n import _

IN_MEMORY = 2**30  # most bytes of uint8 images that stay on the device


class Files(Protocol):
    """Encoded images that are decoded one by one. Objects can be pickled for the workers of a DataLoader."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the files in messages."""

    def __len__(self) -> int:
        """Number of images."""

    def __getitem__(self, index: int) -> Tensor:
        """One image at its own size: uint8, (C, H, W).

        Raises:
            InputError: If the file is missing or can't be read; names it.
        """

    def take(self, indices: Sequence[int]) -> "Files":
        """The images at some indices, in that order."""


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: uint8, (N, C, H, W), if all have one size and fit in memory; else files.
        labels: int64, (N,), positions in the classes.
    """

    images: Tensor | Files
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Split":
        """The images at some indices, int64, (M,), in that order."""
        chosen = self.images[indices] if isinstance(self.images, Tensor) else self.images.take(indices.tolist())
        return Split(chosen, self.labels[indices])

    def recoloured(self, channels: int) -> "Split":
        """The same images in grey (1) or colour (3).

        Raises:
            InputError: If the number of channels is neither 1 nor 3.
        """
        if channels not in {1, 3}:
            raise InputError(
                _("in_channels: images have 1 channel or 3, and the network takes {channels}").format(channels=channels)
            )
        if isinstance(self.images, Tensor):
            return Split(_recoloured(self.images, channels), self.labels)
        return Split(_Recoloured(self.images, channels), self.labels)

    def per_class(self, classes: int) -> list[int]:
        """Number of images of each class."""
        return torch.bincount(self.labels, minlength=classes).tolist()


@dataclass(frozen=True)
class Dataset:
    """Labelled images for training and test.

    Attributes:
        name: Name or path, as the user gave it.
        classes: Names of the classes, in the order of the labels.
        channels: 1 for grey, 3 for colour; equal for all images.
        mirrored: Whether a mirror image belongs to the same class (yes for photographs, no for digits); None if
            unknown.
        train: Images for training.
        test: Images for the test.
        validation: Images for choosing between epochs, if the set has its own; None until :meth:`hold_out` takes them
            from ``train``.
        notes: Messages to the user.
    """

    name: str
    classes: tuple[str, ...]
    channels: int
    mirrored: bool | None
    train: Split
    test: Split
    validation: Split | None = None
    notes: tuple[str, ...] = ()

    def recoloured(self, channels: int) -> "Dataset":
        """The same images in grey (1) or colour (3).

        Raises:
            InputError: If the number of channels is neither 1 nor 3.
        """
        if channels == self.channels:
            return self
        return replace(
            self,
            channels=channels,
            train=self.train.recoloured(channels),
            test=self.test.recoloured(channels),
            validation=self.validation and self.validation.recoloured(channels),
        )

    def hold_out(self, fraction: float, seed: int) -> "Dataset":
        """Move a part of every class from ``train`` to ``validation``; a set with its own validation is unchanged.

        Args:
            fraction: Share of each class to hold out; at least one image of a class with two or more. Nothing is held
                out if it is 0, or if every class has a single image.
            seed: Seed of the random choice.
        """
        if self.validation is not None or fraction == 0:
            return self
        chosen, rest = stratified(self.train.labels, fraction, seed)
        if len(chosen) == 0:
            return self
        return replace(self, train=self.train.take(rest), validation=self.train.take(chosen))


@dataclass(frozen=True)
class _Recoloured:
    """Files with another number of channels."""

    files: Files
    channels: int

    @property
    def names(self) -> Sequence[str]:
        return self.files.names

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        return _recoloured(self.files[index], self.channels)

    def take(self, indices: Sequence[int]) -> "_Recoloured":
        return _Recoloured(self.files.take(indices), self.channels)


def _recoloured(images: Tensor, channels: int) -> Tensor:
    # Not at the top: importing torchvision takes longer than importing torch, and most jobs don't need it.
    from torchvision.transforms.v2.functional import grayscale_to_rgb, rgb_to_grayscale

    recoloured: Tensor = rgb_to_grayscale(images) if channels == 1 else grayscale_to_rgb(images)
    return recoloured


def stratified(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of a random part of every class, and of the rest; both int64, (M,), in ascending order.

    A class of two or more images has at least one in each part; a single image goes to the rest.

    Args:
        labels: int64, (N,).
        fraction: Share of each class in the first part.
        seed: Seed of the random choice.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label, count in sorted(Counter(labels.tolist()).items()):
        positions = torch.nonzero(labels == label).flatten()
        wanted = share(count, fraction)
        chosen[positions[torch.randperm(count, generator=generator)[:wanted]]] = True
    return torch.nonzero(chosen).flatten(), torch.nonzero(~chosen).flatten()


def share(count: int, fraction: float) -> int:
    """The number of images that :func:`stratified` chooses of a class with ``count`` images."""
    return min(max(round(count * fraction), 1), count - 1)
