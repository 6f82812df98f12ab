"""What others have measured on networks that they trained: errors of the papers, curves and results of the notes.

Facts as printed, each with its source and the conditions under which it was measured; no number here is ours.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from explorer.i18n import _

CIFAR10 = "cifar10"
NAMES = {CIFAR10: re.compile(r"cifar[-_ ]?10(?!\d)", re.IGNORECASE)}  # of data sets and their copies
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Error(NamedTuple):
    """A row of a paper's table: errors in percent as printed, empty where the table has none.

    ``network`` is a preset, ``shortcut`` the option of the residual network that was trained, ``tested`` how images
    were shown: "256", "384" and "scales" are the shorter side of images at which a VGG saw all of them (trained at
    that size, the last at sizes from 256 to 512), "10 crops" and so on what was averaged.
    """

    source: str
    network: str
    tested: str
    top1: str
    top5: str
    shortcut: str = ""


_VGG = "Simonyan and Zisserman 2015, Table 3"
_PLAIN = "He et al. 2016, Table 2"
_CROPS = "He et al. 2016, Table 3"
_SCALES = "He et al. 2016, Table 4"
_GOOGLENET = "Szegedy et al. 2015, Table 3"

# On the validation images of ImageNet (ILSVRC-2012).
ERRORS = (
    Error(_VGG, "vgg11", "256", "29.6", "10.4"),
    Error(_VGG, "vgg11-lrn", "256", "29.7", "10.5"),
    Error(_VGG, "vgg13", "256", "28.7", "9.9"),
    Error(_VGG, "vgg16-c", "256", "28.1", "9.4"),
    Error(_VGG, "vgg16-c", "384", "28.1", "9.3"),
    Error(_VGG, "vgg16-c", "scales", "27.3", "8.8"),
    Error(_VGG, "vgg16", "256", "27.0", "8.8"),
    Error(_VGG, "vgg16", "384", "26.8", "8.7"),
    Error(_VGG, "vgg16", "scales", "25.6", "8.1"),
    Error(_VGG, "vgg19", "256", "27.3", "9.0"),
    Error(_VGG, "vgg19", "384", "26.9", "8.7"),
    Error(_VGG, "vgg19", "scales", "25.5", "8.0"),
    Error(_PLAIN, "plain18", "10 crops", "27.94", ""),
    Error(_PLAIN, "resnet18", "10 crops", "27.88", "", "A"),
    Error(_CROPS, "plain34", "10 crops", "28.54", "10.02"),
    Error(_CROPS, "resnet34", "10 crops", "25.03", "7.76", "A"),
    Error(_CROPS, "resnet34", "10 crops", "24.52", "7.46", "B"),
    Error(_CROPS, "resnet34", "10 crops", "24.19", "7.40", "C"),
    Error(_CROPS, "resnet50", "10 crops", "22.85", "6.71", "B"),
    Error(_CROPS, "resnet101", "10 crops", "21.75", "6.05", "B"),
    Error(_CROPS, "resnet152", "10 crops", "21.43", "5.71", "B"),
    Error(_CROPS, "vgg16", "10 crops", "28.07", "9.33"),
    Error(_SCALES, "resnet34", "several scales", "21.84", "5.71", "B"),
    Error(_SCALES, "resnet34", "several scales", "21.53", "5.60", "C"),
    Error(_SCALES, "resnet50", "several scales", "20.74", "5.25", "B"),
    Error(_SCALES, "resnet101", "several scales", "19.87", "4.60", "B"),
    Error(_SCALES, "resnet152", "several scales", "19.38", "4.49", "B"),
    Error(_GOOGLENET, "googlenet", "1 crop", "", "10.07"),
    Error(_GOOGLENET, "googlenet", "10 crops", "", "9.15"),
    Error(_GOOGLENET, "googlenet", "144 crops", "", "7.89"),
    Error(_GOOGLENET, "googlenet", "7 networks, 144 crops", "", "6.67"),
)


def tested(error: Error) -> str:
    """How the images were shown, in words."""
    words = {
        "256": _("whole images, shorter side 256"),
        "384": _("whole images, shorter side 384"),
        "scales": _("whole images, shorter side 384, trained at 256 to 512"),
        "1 crop": _("one crop"),
        "10 crops": _("10 crops"),
        "144 crops": _("144 crops"),
        "several scales": _("several scales"),
        "7 networks, 144 crops": _("7 networks, 144 crops"),
    }[error.tested]
    if error.shortcut:
        return _("ImageNet, {tested}, shortcuts {option}").format(tested=words, option=error.shortcut)
    return _("ImageNet, {tested}").format(tested=words)


class Training(NamedTuple):
    """A training that somebody has published.

    Attributes:
        key: of its conditions.
        source: who.
        network: a preset.
        data: the name of a data set.
        curves: metrics by our names, as (epoch, share) in the order of the epochs.
        final: shares at the end, by "top1" and "top3".
        per_class: top-1 of each class, by its name.
    """

    key: str
    source: str
    network: str
    data: str
    curves: Mapping[str, tuple[tuple[int, float], ...]]
    final: Mapping[str, float]
    per_class: Mapping[str, float] = {}

    @property
    def conditions(self) -> str:
        """Under which it was measured."""
        return {
            "vgg-notes": _(
                "original CIFAR-10 images, tested after each epoch; Adam at 0.0001, batches of 32, 50 epochs"
            ),
            "resnet-notes": _(
                "original CIFAR-10 images; SGD from 0.1, dropped on plateaus; its log begins with a network that had "
                "been trained before; classes counted on a part of the test set"
            ),
            "pytorch-cifar": _("original CIFAR-10 images, best of 200 epochs by the test set"),
        }[self.key]


TRAININGS = (
    Training(
        "vgg-notes", "VGG notes", "vgg16-cifar10", CIFAR10,
        {
            "validation/top1": ((1, 0.26), (10, 0.535), (20, 0.645), (30, 0.699), (40, 0.723), (50, 0.755)),
            "validation/top3": ((1, 0.644), (10, 0.84), (20, 0.893), (30, 0.911), (40, 0.92), (50, 0.932)),
        },
        {"top1": 0.755, "top3": 0.932},
    ),
    Training(
        "resnet-notes", "ResNet notes", "cifar-resnet18", CIFAR10,
        {"train/top1": ((1, 0.57), (20, 0.902), (33, 0.9999))},
        {"top1": 0.9},
        dict(zip(CIFAR10_CLASSES, (0.9, 1.0, 0.81, 0.72, 0.89, 0.87, 0.94, 0.93, 0.95, 0.96), strict=True)),
    ),
    Training("pytorch-cifar", "kuangliu/pytorch-cifar", "cifar-resnet18", CIFAR10, {}, {"top1": 0.9302}),
    Training("pytorch-cifar", "kuangliu/pytorch-cifar", "cifar-resnet50", CIFAR10, {}, {"top1": 0.9362}),
)  # fmt: skip


def of_network(preset: str, dataset: str) -> Iterator[Training]:
    """Published trainings of a network on a data set, which may be a copy of the published one's.

    Args:
        preset: its name.
        dataset: name, or path of a file or folder: ``cifar10``, ``CIFAR-10-jpeg.zip``.
    """
    for training in TRAININGS:
        if training.network == preset and NAMES[training.data].match(Path(dataset).name):
            yield training
