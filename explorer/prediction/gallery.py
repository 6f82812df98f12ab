"""The gallery: photographs from scikit-learn and scikit-image, and handwritten digits.

It uses only files of their wheels, and downloads nothing. scikit-image's photographs are in the public domain or under
licences that allow any use (its ``skimage/data/README.txt``), scikit-learn's are under CC BY (``images/README.txt``).
"""

from functools import cache, partial
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.data import load
from explorer.data.dataset import Dataset, Split
from explorer.data.decode import decode
from explorer.data.framing import Framing
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.prediction.pictures import Picture
from explorer.prediction.stroke_framing import frame_strokes
from explorer.prediction.strokes import Strokes
from explorer.weights.files import Card

DIGITS = "digits"  # the data set, and the prefix of its pictures' names
FIRST_DIGIT = 3  # the digit that the networks of ``pretrained/`` know best
SIDE = 28  # side in pixels of a digit that is framed like MNIST's

_SKIMAGE, _SKLEARN = ("scikit-image", "skimage/data"), ("scikit-learn", "sklearn/datasets/images")
_FILES = {
    "cat": (*_SKIMAGE, "chelsea.png"),
    "horse": (*_SKIMAGE, "horse.png"),
    "flower": (*_SKLEARN, "flower.jpg"),
    "temple": (*_SKLEARN, "china.jpg"),
    "coffee": (*_SKIMAGE, "coffee.png"),
    "rocket": (*_SKIMAGE, "rocket.jpg"),
    "motorcycle": (*_SKIMAGE, "motorcycle_left.png"),
    "astronaut": (*_SKIMAGE, "astronaut.png"),
    "photographer": (*_SKIMAGE, "camera.png"),
    "galaxies": (*_SKIMAGE, "hubble_deep_field.jpg"),
    "moon": (*_SKIMAGE, "moon.png"),
    "retina": (*_SKIMAGE, "retina.jpg"),
    "tissue": (*_SKIMAGE, "ihc.png"),
    "coins": (*_SKIMAGE, "coins.png"),
    "bricks": (*_SKIMAGE, "brick.png"),
    "grass": (*_SKIMAGE, "grass.png"),
}
_GREY = ("photographer", "moon", "coins", "bricks", "grass", "cat")


class Sample(NamedTuple):
    """A picture of the gallery: its name in links, and its title for people."""

    name: str
    title: str


def samples_for(card: Card) -> list[Sample]:
    """Returns the pictures for a network. Suitable ones come first."""
    if card.network_spec.in_channels != 1:
        return [Sample(name, _title(name)) for name in _FILES]
    kind = DIGITS if max(card.inputs.sides) <= 8 else "framed"
    digits = [Sample(f"{kind}-{digit}", str(digit)) for digit in range(10)]
    return [*digits[FIRST_DIGIT:], *digits[:FIRST_DIGIT], *(Sample(name, _title(name)) for name in _GREY)]


def picture(name: str) -> Picture:
    """Returns a picture of the gallery.

    Raises:
        InputError: If there is no picture with this name.
    """
    if name in _FILES:
        return Picture(_title(name), ("gallery", name), partial(_photograph, name))
    kind, dash, digit = name.partition("-")
    if kind in (DIGITS, "framed") and dash and digit in _digits().classes:
        read = partial(_digit if kind == DIGITS else _framed_pixels, int(digit))
        classes = _digits().classes
        return Picture(_("digit {digit}").format(digit=digit), ("gallery", name), read, classes.index(digit), classes)
    raise InputError(_("image: {value} is not in the gallery").format(value=shown(name)))


def _title(name: str) -> str:
    return {
        "cat": _("Cat"),
        "horse": _("Horse, a silhouette"),
        "flower": _("Flower"),
        "temple": _("Temple in Beijing"),
        "coffee": _("Cup of coffee"),
        "rocket": _("Rocket"),
        "motorcycle": _("Motorcycle"),
        "astronaut": _("Astronaut"),
        "photographer": _("Photographer"),
        "galaxies": _("Galaxies"),
        "moon": _("Moon"),
        "retina": _("Retina"),
        "tissue": _("Tissue, stained"),
        "coins": _("Coins"),
        "bricks": _("Bricks"),
        "grass": _("Grass"),
    }[name]


def _photograph(name: str, channels: int | None) -> Tensor:
    package, folder, file = _FILES[name]
    path = Path(str(distribution(package).locate_file(f"{folder}/{file}")))
    try:
        return decode(path.read_bytes(), file, channels)
    except OSError as error:
        raise InputError(_("{place} can't be read: {reason}").format(place=file, reason=error.strerror)) from None


@cache
def _digits() -> Dataset:
    return load(DIGITS)


def _digit(digit: int, channels: int | None) -> Tensor:
    test = _digits().test
    image: Split = test.take(torch.nonzero(test.labels == digit)[:1, 0])
    if channels is not None:
        image = image.recoloured(channels)
    return image.images[0]


def _framed_pixels(digit: int, channels: int | None) -> Tensor:
    return _framed_digit(digit).expand(channels or 1, -1, -1).clone()


@cache
def _framed_digit(digit: int) -> Tensor:
    """Frames a digit like MNIST's. The original fills all 8 rows and has thicker strokes than any digit of MNIST."""
    levels = _digit(digit, 1)[0].numpy() / 255
    return frame_strokes(Strokes(levels / levels.max(), (0, 0, *levels.shape), dark=False), Framing.MASS, SIDE)
