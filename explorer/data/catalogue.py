"""The data sets that have a name, described without loading any."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A data set that comes with the product or is downloaded when first used.

    Attributes:
        title: as its makers call it.
        source: class in ``torchvision.datasets`` that knows addresses, checksums and format; empty where the set is
            bundled.
        images: in training and test set.
        size: side of an image in pixels.
        channels: 1 for grey, 3 for colour.
        classes: how many.
        mirrored: whether a mirror image belongs to the same class.
        download: bytes that are fetched when it is first used.
    """

    title: str
    source: str
    images: tuple[int, int]
    size: int
    channels: int
    classes: int
    mirrored: bool
    download: int = 0


NAMES = {
    "digits": Entry("Handwritten digits (UCI, 8x8)", "", (1438, 359), 8, 1, 10, mirrored=False),
    "mnist": Entry("MNIST", "MNIST", (60_000, 10_000), 28, 1, 10, mirrored=False, download=11_594_722),
    "fashion-mnist": Entry(
        "Fashion-MNIST", "FashionMNIST", (60_000, 10_000), 28, 1, 10, mirrored=True, download=30_878_645
    ),
    "cifar10": Entry("CIFAR-10", "CIFAR10", (50_000, 10_000), 32, 3, 10, mirrored=True, download=170_498_071),
    "cifar100": Entry("CIFAR-100", "CIFAR100", (50_000, 10_000), 32, 3, 100, mirrored=True, download=169_001_437),
}
