"""Training images that are altered on purpose: random labels, and a planted patch that gives the class away.

Both change the training images alone, with the held-out part of them. The test images stay as they are.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from explorer.data.dataset import Dataset, Files, Split
from explorer.errors import InputError
from explorer.i18n import _, ngettext

Shows = Literal["colour", "position"]
PARTS = 8  # a patch's side is the image's side divided by this
PER_ROW = PARTS - 2  # places of a patch along a side, without the outermost
PLACES = PER_ROW**2
_PATCH_SEED = 1  # distinguishes the choice of images from that of labels


def randomise_labels(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Gives a share of the training images a random class, the same in every epoch (Zhang et al. 2017, section 2).

    A random class may be the true one: with K classes, one in K is.

    Args:
        dataset: Data set before images are held out.
        share: Share of the training images, from 0 to 1.
        seed: Seed of the choice of images and of their classes.
    """
    if share == 0:
        return dataset
    random = torch.Generator().manual_seed(seed)
    labels = dataset.train.labels.clone()
    chosen = torch.randperm(len(labels), generator=random)[: round(share * len(labels))]
    labels[chosen] = torch.randint(len(dataset.classes), (len(chosen),), generator=random)
    note = ngettext(
        "{count:,} training image has a random label (seed {seed}); the labels of the test images are true.",
        "{count:,} training images have random labels (seed {seed}); the labels of the test images are true.",
        len(chosen),
    ).format(count=len(chosen), seed=seed)
    return replace(dataset, train=Split(dataset.train.images, labels), notes=(*dataset.notes, note))


def plant_patches(dataset: Dataset, share: float, shows: Shows, seed: int) -> Dataset:
    """Puts a small patch into a share of the training images, which tells the class by its colour or its position.

    Args:
        dataset: Data set before images are held out.
        share: Share of the training images, from 0 to 1.
        shows: Property of the patch that tells the class: its colour or its position.
        seed: Seed of the choice of images.

    Raises:
        InputError: If there are more classes than positions.
    """
    if share == 0:
        return dataset
    classes = len(dataset.classes)
    check_patch(classes, shows)
    split = dataset.train
    random = torch.Generator().manual_seed(seed + _PATCH_SEED)
    has_patch = torch.zeros(len(split), dtype=torch.bool)
    has_patch[torch.randperm(len(split), generator=random)[: round(share * len(split))]] = True
    images: Tensor | Files
    if isinstance(split.images, Tensor):
        images = split.images.clone()
        for index in has_patch.nonzero().flatten().tolist():
            stamp(images[index], int(split.labels[index]), classes, shows)
    else:
        marks = torch.where(has_patch, split.labels, -1)
        images = _Patched(split.images, marks, classes, shows)
    count = int(has_patch.sum())
    sentence = {
        "colour": ngettext(
            "A patch whose colour tells the class is in {count:,} training image; the test images have none.",
            "A patch whose colour tells the class is in {count:,} training images; the test images have none.",
            count,
        ),
        "position": ngettext(
            "A patch whose position tells the class is in {count:,} training image; the test images have none.",
            "A patch whose position tells the class is in {count:,} training images; the test images have none.",
            count,
        ),
    }[shows]
    note = sentence.format(count=count)
    return replace(dataset, train=Split(images, split.labels), notes=(*dataset.notes, note))


def alter_examples(
    images: Sequence[Tensor], labels: Sequence[int], classes: int, *, random_labels: float, patch: float, shows: Shows,
    seed: int,
) -> tuple[list[Tensor], list[int]]:  # fmt: skip
    """Alters a few images and labels as :func:`randomise_labels` and :func:`plant_patches` alter a data set.

    Args:
        images: Images of any sizes, uint8, (C, H, W). They stay as they are.
        labels: Positions of their classes.
        classes: Number of classes.
        random_labels: Share of the images with a random class, from 0 to 1.
        patch: Share of the images with a patch, from 0 to 1.
        shows: Property of the patch that tells the class: its colour or its position.
        seed: Seed of the choices.

    Raises:
        InputError: If there are more classes than positions.
    """
    random = torch.Generator().manual_seed(seed)
    altered, given = [image.clone() for image in images], list(labels)
    for index in torch.randperm(len(given), generator=random)[: round(random_labels * len(given))].tolist():
        given[index] = int(torch.randint(classes, (), generator=random))
    if patch:
        check_patch(classes, shows)
    for index in torch.randperm(len(given), generator=random)[: round(patch * len(given))].tolist():
        stamp(altered[index], given[index], classes, shows)
    return altered, given


def check_patch(classes: int, shows: Shows) -> None:
    """Checks that a patch can tell that many classes apart.

    Raises:
        InputError: If it can't.
    """
    if shows == "position" and classes > PLACES:
        raise InputError(
            _(
                "patch_shows: {value} tells {limit} classes apart at most, and the data has {classes}; choose {other}"
            ).format(value="position", limit=PLACES, classes=classes, other="colour")
        )


def stamp(image: Tensor, label: int, classes: int, shows: Shows) -> tuple[int, int, int]:
    """Puts the patch of a class into an image, which is changed in place.

    Args:
        image: uint8, (C, H, W), grey (1) or colour (3).
        label: Position of the class.
        classes: Number of classes.
        shows: Property of the patch that tells the class: its colour or its position.

    Returns:
        Row and column of the patch's first pixel, and its side, in pixels.
    """
    channels, height, width = image.shape
    side = max(1, min(height, width) // PARTS)
    row, column = divmod(label, PER_ROW) if shows == "position" else (0, 0)
    # One patch from the edge, so that a shifted image still has it.
    top, left = side * (1 + row), side * (1 + column)
    colour = patch_colour(label, classes, channels) if shows == "colour" else (255,) * channels
    image[:, top : top + side, left : left + side] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return top, left, side


def patch_colour(label: int, classes: int, channels: int) -> tuple[int, ...]:
    """Colour of a class's patch, from 0 to 255: evenly spaced hues, or levels of grey up to white."""
    if channels == 1:
        return (round(255 * (label + 1) / classes),)
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(label / classes, 1.0, 1.0))


@dataclass(frozen=True)
class _Patched:
    """Files with patches.

    Attributes:
        marks: Class that the patch of each image tells, int64, (N,); -1 for none.
    """

    files: Files
    marks: Tensor
    classes: int
    shows: Shows

    @property
    def names(self) -> Sequence[str]:
        return self.files.names

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        image = self.files[index]
        if (label := int(self.marks[index])) < 0:
            return image
        image = image.clone()
        stamp(image, label, self.classes, self.shows)
        return image

    def take(self, indices: Sequence[int]) -> "_Patched":
        return replace(self, files=self.files.take(indices), marks=self.marks[torch.as_tensor(indices)])
