"""The catalogue of named data sets, which are described without loading them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueEntry:
    """A data set that is bundled, or is downloaded at its first use.

    Attributes:
        title: Name on pages.
        source: Class of ``torchvision.datasets`` with addresses, checksums and format; empty if the set is bundled.
        images: Number of images in the training set and in the test set.
        size: Side of an image in pixels.
        channels: 1 for grey, 3 for colour.
        classes: Number of classes.
        mirrored: Whether a mirror image belongs to the same class.
        download: Bytes of the download.
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
    "digits": CatalogueEntry("Handwritten digits (UCI, 8x8)", "", (1438, 359), 8, 1, 10, mirrored=False),
    "mnist": CatalogueEntry("MNIST", "MNIST", (60_000, 10_000), 28, 1, 10, mirrored=False, download=11_594_722),
    "fashion-mnist": CatalogueEntry(
        "Fashion-MNIST", "FashionMNIST", (60_000, 10_000), 28, 1, 10, mirrored=True, download=30_878_645
    ),
    "cifar10": CatalogueEntry("CIFAR-10", "CIFAR10", (50_000, 10_000), 32, 3, 10, mirrored=True, download=170_498_071),
    "cifar100": CatalogueEntry(
        "CIFAR-100", "CIFAR100", (50_000, 10_000), 32, 3, 100, mirrored=True, download=169_001_437
    ),
}
