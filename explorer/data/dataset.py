"""What a data set is: labelled images in two or three splits, in memory or in files that are decoded when needed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.i18n import _

IN_MEMORY = 2**30  # bytes of uint8 images that may stay on the device


class Files(Protocol):
    """Encoded images, decoded one by one; survives pickling, so that the workers of a DataLoader can hold it."""

    @property
    def names(self) -> Sequence[str]:
        """Of the files, as messages name them."""

    def __len__(self) -> int:
        """Number of images."""

    def __getitem__(self, index: int) -> Tensor:
        """One image at its own size: uint8, (C, H, W).

        Raises:
            InputError: naming the file, where it is gone or can't be read.
        """

    def take(self, indices: Sequence[int]) -> "Files":
        """Some of the images, in the order given."""


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: uint8, (N, C, H, W), where all are of one size and fit; else files.
        labels: int64, (N,), positions in the classes.
    """

    images: Tensor | Files
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Split":
        """Some of the images, in the order given."""
        chosen = self.images[indices] if isinstance(self.images, Tensor) else self.images.take(indices.tolist())
        return Split(chosen, self.labels[indices])

    def recoloured(self, channels: int) -> "Split":
        """The same images in grey (1) or colour (3).

        Raises:
            InputError: for any other number of channels.
        """
        if channels not in {1, 3}:
            raise InputError(
                _("in_channels: images have 1 channel or 3, and the network takes {channels}").format(channels=channels)
            )
        if isinstance(self.images, Tensor):
            return Split(_recoloured(self.images, channels), self.labels)
        return Split(_Recoloured(self.images, channels), self.labels)

    def per_class(self, classes: int) -> list[int]:
        """How many images each class has."""
        return torch.bincount(self.labels, minlength=classes).tolist()


@dataclass(frozen=True)
class Dataset:
    """Labelled images for training and for the test.

    Attributes:
        name: as the user gave it.
        classes: names, in the order of the labels.
        channels: 1 for grey, 3 for colour; the same in every image.
        mirrored: whether a mirror image belongs to the same class (photographs; not digits); none where nobody knows.
        validation: for choosing between epochs, where the set brings its own; else it is held out of ``train``.
        notes: what a user should know, in sentences.
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
            InputError: for any other number of channels.
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
        """Move a part of every class from ``train`` to ``validation``; a set that brings its own stays as it is.

        Args:
            fraction: of each class, at least one image of a class that has two or more; 0 holds nothing out.
                Where every class has a single image, nothing is held out either.
            seed: of the choice.
        """
        if self.validation is not None or fraction == 0:
            return self
        held, kept = stratified(self.train.labels, fraction, seed)
        if len(held) == 0:
            return self
        return replace(self, train=self.train.take(kept), validation=self.train.take(held))


@dataclass(frozen=True)
class _Recoloured:
    """Files in another number of channels."""

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
    # torchvision takes longer to import than torch; most jobs need nothing of it.
    from torchvision.transforms.v2.functional import grayscale_to_rgb, rgb_to_grayscale

    recoloured: Tensor = rgb_to_grayscale(images) if channels == 1 else grayscale_to_rgb(images)
    return recoloured


def stratified(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Positions of a random part of every class, and those of the rest; both in ascending order.

    A class of two or more images has at least one in each part; a single image goes to the rest.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label, count in sorted(Counter(labels.tolist()).items()):
        positions = torch.nonzero(labels == label).flatten()
        wanted = share(count, fraction)
        chosen[positions[torch.randperm(count, generator=generator)[:wanted]]] = True
    return torch.nonzero(chosen).flatten(), torch.nonzero(~chosen).flatten()


def share(count: int, fraction: float) -> int:
    """How many images of a class of ``count`` :func:`stratified` chooses."""
    return min(max(round(count * fraction), 1), count - 1)
