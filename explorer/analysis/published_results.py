"""Published results of trained networks: errors from papers, curves and accuracies from lecture notes.

All numbers are as printed, with source and conditions; none is measured by this product.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from explorer.i18n import _

CIFAR10 = "cifar10"
DATASET_PATTERNS = {
    CIFAR10: re.compile(r"cifar[-_ ]?10(?!\d)", re.IGNORECASE)
}  # names of data sets and of their copies
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class PublishedErrorRate(NamedTuple):
    """Error rates of a preset, from a row of a paper's table.

    Attributes:
        test_method: Test method. "256" and "384": whole images with this shorter side, on which a VGG was trained.
            "scales": whole images with a shorter side of 384 after training at 256 to 512. Others: averages over crops,
            scales or networks.
        top1: Top-1 error in percent as printed; empty if the table has none.
        top5: Top-5 error in percent as printed; empty if the table has none.
    """

    source: str
    network: str
    test_method: str
    top1: str
    top5: str
    shortcut: str = ""


_VGG = "Simonyan and Zisserman 2015, Table 3"
_PLAIN = "He et al. 2016, Table 2"
_CROPS = "He et al. 2016, Table 3"
_SCALES = "He et al. 2016, Table 4"
_GOOGLENET = "Szegedy et al. 2015, Table 3"

# Errors on the validation images of ImageNet (ILSVRC-2012).
ERRORS = (
    PublishedErrorRate(_VGG, "vgg11", "256", "29.6", "10.4"),
    PublishedErrorRate(_VGG, "vgg11-lrn", "256", "29.7", "10.5"),
    PublishedErrorRate(_VGG, "vgg13", "256", "28.7", "9.9"),
    PublishedErrorRate(_VGG, "vgg16-c", "256", "28.1", "9.4"),
    PublishedErrorRate(_VGG, "vgg16-c", "384", "28.1", "9.3"),
    PublishedErrorRate(_VGG, "vgg16-c", "scales", "27.3", "8.8"),
    PublishedErrorRate(_VGG, "vgg16", "256", "27.0", "8.8"),
    PublishedErrorRate(_VGG, "vgg16", "384", "26.8", "8.7"),
    PublishedErrorRate(_VGG, "vgg16", "scales", "25.6", "8.1"),
    PublishedErrorRate(_VGG, "vgg19", "256", "27.3", "9.0"),
    PublishedErrorRate(_VGG, "vgg19", "384", "26.9", "8.7"),
    PublishedErrorRate(_VGG, "vgg19", "scales", "25.5", "8.0"),
    PublishedErrorRate(_PLAIN, "plain18", "10 crops", "27.94", ""),
    PublishedErrorRate(_PLAIN, "resnet18", "10 crops", "27.88", "", "A"),
    PublishedErrorRate(_CROPS, "plain34", "10 crops", "28.54", "10.02"),
    PublishedErrorRate(_CROPS, "resnet34", "10 crops", "25.03", "7.76", "A"),
    PublishedErrorRate(_CROPS, "resnet34", "10 crops", "24.52", "7.46", "B"),
    PublishedErrorRate(_CROPS, "resnet34", "10 crops", "24.19", "7.40", "C"),
    PublishedErrorRate(_CROPS, "resnet50", "10 crops", "22.85", "6.71", "B"),
    PublishedErrorRate(_CROPS, "resnet101", "10 crops", "21.75", "6.05", "B"),
    PublishedErrorRate(_CROPS, "resnet152", "10 crops", "21.43", "5.71", "B"),
    PublishedErrorRate(_CROPS, "vgg16", "10 crops", "28.07", "9.33"),
    PublishedErrorRate(_SCALES, "resnet34", "several scales", "21.84", "5.71", "B"),
    PublishedErrorRate(_SCALES, "resnet34", "several scales", "21.53", "5.60", "C"),
    PublishedErrorRate(_SCALES, "resnet50", "several scales", "20.74", "5.25", "B"),
    PublishedErrorRate(_SCALES, "resnet101", "several scales", "19.87", "4.60", "B"),
    PublishedErrorRate(_SCALES, "resnet152", "several scales", "19.38", "4.49", "B"),
    PublishedErrorRate(_GOOGLENET, "googlenet", "1 crop", "", "10.07"),
    PublishedErrorRate(_GOOGLENET, "googlenet", "10 crops", "", "9.15"),
    PublishedErrorRate(_GOOGLENET, "googlenet", "144 crops", "", "7.89"),
    PublishedErrorRate(_GOOGLENET, "googlenet", "7 networks, 144 crops", "", "6.67"),
)


def conditions_of(error: PublishedErrorRate) -> str:
    """Returns a description of the test method."""
    words = {
        "256": _("whole images, shorter side 256"),
        "384": _("whole images, shorter side 384"),
        "scales": _("whole images, shorter side 384, trained at 256 to 512"),
        "1 crop": _("one crop"),
        "10 crops": _("10 crops"),
        "144 crops": _("144 crops"),
        "several scales": _("several scales"),
        "7 networks, 144 crops": _("7 networks, 144 crops"),
    }[error.test_method]
    if error.shortcut:
        return _("ImageNet, {tested}, shortcuts {option}").format(tested=words, option=error.shortcut)
    return _("ImageNet, {tested}").format(tested=words)


class PublishedTraining(NamedTuple):
    """A published training of a preset on a data set.

    Attributes:
        key: Key of its conditions.
        curves: Curves of metrics by our names: (epoch, share) in the order of epochs.
        final: Final accuracies "top1" and "top3" as shares.
        per_class: Top-1 accuracy of each class.
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
        """Description of data and recipe."""
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
    PublishedTraining(
        "vgg-notes", "VGG notes", "vgg16-cifar10", CIFAR10,
        {
            "validation/top1": ((1, 0.26), (10, 0.535), (20, 0.645), (30, 0.699), (40, 0.723), (50, 0.755)),
            "validation/top3": ((1, 0.644), (10, 0.84), (20, 0.893), (30, 0.911), (40, 0.92), (50, 0.932)),
        },
        {"top1": 0.755, "top3": 0.932},
    ),
    PublishedTraining(
        "resnet-notes", "ResNet notes", "cifar-resnet18", CIFAR10,
        {"train/top1": ((1, 0.57), (20, 0.902), (33, 0.9999))},
        {"top1": 0.9},
        dict(zip(CIFAR10_CLASSES, (0.9, 1.0, 0.81, 0.72, 0.89, 0.87, 0.94, 0.93, 0.95, 0.96), strict=True)),
    ),
    PublishedTraining("pytorch-cifar", "kuangliu/pytorch-cifar", "cifar-resnet18", CIFAR10, {}, {"top1": 0.9302}),
    PublishedTraining("pytorch-cifar", "kuangliu/pytorch-cifar", "cifar-resnet50", CIFAR10, {}, {"top1": 0.9362}),
)  # fmt: skip


def of_network(preset: str, dataset: str) -> Iterator[PublishedTraining]:
    """Yields the published trainings of a preset on a data set or a copy of it.

    Args:
        preset: Name of the preset.
        dataset: Name of the data set, or path of a file or folder: ``cifar10``, ``CIFAR-10-jpeg.zip``.
    """
    for training in TRAININGS:
        if training.network == preset and DATASET_PATTERNS[training.data].match(Path(dataset).name):
            yield training
