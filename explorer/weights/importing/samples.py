"""Images to run a network with: parts of photographs, and handwritten digits for a network with one channel.

The files are in the wheels of scikit-image and scikit-learn, so nothing is downloaded. Unlike random noise,
photographs have edges, flat areas, and strong contrast between neighbours. So the inputs of a batch norm come close to
its running statistics from training.
"""

from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from explorer.data import load
from explorer.data.decode import decode
from explorer.specs.size import Size

_SKIMAGE, _SKLEARN = ("scikit-image", "skimage/data"), ("scikit-learn", "sklearn/datasets/images")
_FILES = (
    (*_SKIMAGE, "astronaut.png"),
    (*_SKIMAGE, "coffee.png"),
    (*_SKIMAGE, "chelsea.png"),
    (*_SKIMAGE, "rocket.jpg"),
    (*_SKIMAGE, "motorcycle_left.png"),
    (*_SKLEARN, "china.jpg"),
    (*_SKLEARN, "flower.jpg"),
)
SMALLEST_PART = 0.25  # smallest side of a part, as a share of a photograph's shorter side
FRAMED = 20  # image size from which on a digit has a frame, as in MNIST
LONGEST = 640  # pixels to which the longer side of a photograph is reduced


def samples(size: Size, channels: int, count: int) -> list[Tensor]:
    """Returns images of each kind that is likely in the training data, the likeliest kind first.

    Args:
        size: Size of the images in pixels.
        channels: Number of channels. For any number except 1, the colours of photographs are repeated.
        count: Number of images.

    Returns:
        Images for each kind, (count, channels, height, width), from 0 to 1.
    """
    parts = _photographs(size, count)
    if channels == 1:
        return [_digits(size, count), parts.mean(1, keepdim=True)]
    return [parts[:, [channel % 3 for channel in range(channels)]]]


@lru_cache(maxsize=2)
def _photographs(size: Size, count: int) -> Tensor:
    """Returns square parts at random positions, every second one mirrored, (count, 3, height, width)."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for number in range(count):
        image = _photograph(number % len(_FILES))
        height, width = image.shape[-2:]
        share, *place = torch.rand(3, generator=generator).tolist()
        side = max(int(min(height, width) * (SMALLEST_PART + (1 - SMALLEST_PART) * share)), 1)
        row, column = (int(at * (length - side)) for at, length in zip(place, (height, width), strict=True))
        part = image[:, :, row : row + side, column : column + side]
        part = interpolate(part, size=size, mode="bilinear", antialias=True)
        parts.append(part.flip(-1) if number % 2 else part)
    return torch.cat(parts)


@lru_cache(maxsize=len(_FILES))
def _photograph(number: int) -> Tensor:
    package, folder, file = _FILES[number]
    path = Path(str(distribution(package).locate_file(f"{folder}/{file}")))
    image = decode(path.read_bytes(), file, 3)[None].float() / 255
    scale = LONGEST / max(image.shape[-2:])
    return interpolate(image, scale_factor=scale, mode="bilinear", antialias=True) if scale < 1 else image


@lru_cache(maxsize=4)
def _digits(size: Size, count: int) -> Tensor:
    """Returns white digits on black, (count, 1, height, width)."""
    images = cast(Tensor, load("digits").train.images)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:count].tolist()
    digits = images[order].float() / 255
    if min(size) < FRAMED:
        return digits if tuple(size) == tuple(digits.shape[-2:]) else interpolate(digits, size=size, mode="bilinear")
    side = round(min(size) * 24 / 28)  # the ink then fills about 20 of 28 pixels, as in MNIST
    inner = interpolate(digits, size=(side, side), mode="bicubic").clamp(0, 1)
    top, left = (size.height - side) // 2, (size.width - side) // 2
    return pad(inner, (left, size.width - side - left, top, size.height - side - top))
