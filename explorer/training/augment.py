"""Augmentation in batches: what an epoch draws, and what its draws do to the images.

The draws of an epoch follow from its seed and number alone; a batch is a slice of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from explorer.data.preprocessing import rearranged, resample, weights

TRIES = 10  # of a random resized crop, before it settles for the middle
AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
# How many numbers one image needs of each. New ones come last: what the others draw stays as it is.
NUMBERS = {"flip": 1, "crop": 2, "random_resized_crop": 2 * TRIES + 2, "cutout": 2, "rotation": 1, "noise": 1}
ROW = 2**20  # normal numbers of an epoch, of which each image takes some that follow one another
_TURN = 2**16  # of sine and cosine: with whole numbers the same pixels come out on every device


class Strength(NamedTuple):
    """How far chance goes.

    Attributes:
        degrees: that an image is turned to either side at most.
        noise: standard deviation of what is added to pixels that go from 0 to 1.
    """

    degrees: float = 15.0
    noise: float = 0.1


USUAL = Strength()


class Draws(NamedTuple):
    """Everything random of one epoch.

    Attributes:
        order: int64, (N,), which image comes when.
        numbers: for each augmentation, uniform in [0, 1), (N, as many as it needs), in the order of the images' turns.
        row: standard normal numbers, (ROW,), for noise alone: where an image's begin in it is among its numbers.
    """

    order: Tensor
    numbers: dict[str, Tensor]
    row: Tensor | None = None

    def part(self, share: slice, device: torch.device) -> "Draws":
        """The numbers of some of the images, on a device."""
        numbers = {name: values[share].to(device) for name, values in self.numbers.items()}
        return Draws(self.order[share], numbers, self.row)

    def on(self, device: torch.device) -> "Draws":
        """The same with the row on a device, where every batch needs it."""
        return self._replace(row=None if self.row is None else self.row.to(device))


def draw(augment: Sequence[str], count: int, seed: int, epoch: int) -> Draws:
    """The draws of an epoch over ``count`` images: a function of these arguments alone, on the CPU."""
    random = np.random.default_rng((seed, epoch))
    order = torch.from_numpy(random.permutation(count))
    # In an order of our own, so that a recipe's list means the same whichever way it is sorted.
    names = [name for name in NUMBERS if name in augment]
    numbers = {name: torch.from_numpy(random.random((count, NUMBERS[name]), np.float32)) for name in names}
    row = torch.from_numpy(random.standard_normal(ROW, np.float32)) if "noise" in names else None
    return Draws(order, numbers, row)


class Windows(NamedTuple):
    """What each image of a batch shows of its source; None where nothing of the kind is asked.

    Attributes:
        box: int64, (B, 4): top, left, height and width of the part that is resized, in pixels of the source.
        shift: int64, (B, 2): by how many pixels the result moves up and left, after the resize; black comes in.
        mirrored: bool, (B,), after the shift.
    """

    box: Tensor | None = None
    shift: Tensor | None = None
    mirrored: Tensor | None = None

    def part(self, share: slice) -> "Windows":
        """Those of some of the images."""
        return Windows(*(None if values is None else values[share] for values in self))

    def on(self, device: torch.device) -> "Windows":
        """The same on a device."""
        return Windows(*(None if values is None else values.to(device) for values in self))


def windows(numbers: dict[str, Tensor], height: int, width: int, size: int) -> Windows:
    """The windows that the draws choose in images of ``height`` by ``width``, shown at ``size`` by ``size``."""
    box = shift = mirrored = None
    if "random_resized_crop" in numbers:
        box = _random_boxes(numbers["random_resized_crop"], height, width)
    if "crop" in numbers:
        reach = size // 8
        shift = (numbers["crop"] * (2 * reach + 1)).long() - reach
    if "flip" in numbers:
        mirrored = numbers["flip"][:, 0] < 0.5
    return Windows(box, shift, mirrored)


def _random_boxes(numbers: Tensor, height: int, width: int) -> Tensor:
    """Boxes of random area and ratio, (B, 4): the first of ten tries that fits, else the middle.

    Szegedy et al. 2015, section 6, in the form of torchvision's ``RandomResizedCrop``.
    """
    areas, ratios, corner = numbers[:, :TRIES], numbers[:, TRIES:-2], numbers[:, -2:]
    area = height * width * (AREA[0] + areas * (AREA[1] - AREA[0]))
    ratio = (math.log(RATIO[0]) + ratios * math.log(RATIO[1] / RATIO[0])).exp_()
    sides = torch.stack(((area / ratio).sqrt_(), (area * ratio).sqrt_()), dim=2).round_().long()  # (B, TRIES, 2)
    source = torch.tensor((height, width))
    fits = ((sides > 0) & (sides <= source)).all(2)
    first = sides[torch.arange(len(sides)), fits.int().argmax(1)]
    middle = source.minimum((source.flip(0) * RATIO[1]).round().long())
    found = fits.any(1, keepdim=True)
    chosen = torch.where(found, first, middle)
    room = source - chosen
    return torch.cat((torch.where(found, (corner * (room + 1)).long(), room // 2), chosen), dim=1)


def show(images: Tensor, seen: Windows, size: int) -> Tensor:
    """The part of each image that its window shows: 8-bit values, (B, C, size, size), as ``resample`` returns them.

    Args:
        images: uint8, (B, C, H, W).
        seen: on the images' device.
        size: side of the result.
    """
    height, width = images.shape[-2:]
    box = torch.tensor([[0, 0, height, width]], device=images.device) if seen.box is None else seen.box
    down = across = torch.arange(size, device=images.device)[None]  # (1, size)
    if seen.mirrored is not None:
        across = torch.where(seen.mirrored[:, None], size - 1 - across, across)
    if seen.shift is not None:
        down, across = down + seen.shift[:, :1], across + seen.shift[:, 1:]
    rows = columns = None
    if height != size or seen.box is not None or seen.shift is not None:
        rows = rearranged(weights(size, height, box[:, 0::2]), down)
    if width != size or any(part is not None for part in seen):
        columns = rearranged(weights(size, width, box[:, 1::2]), across)
    return resample(images, rows, columns)


def disturbed(pixels: Tensor, draws: Draws, strength: Strength) -> Tensor:
    """Images that are shown already, turned and with noise, where the draws have numbers for that.

    Args:
        pixels: 8-bit values of any type, (B, C, size, size).
        draws: of these images, on their device.
        strength: how far chance goes.

    Returns:
        Values from 0 to 255, (B, C, size, size): with noise fractions too, in float32.
    """
    if "rotation" in draws.numbers:
        pixels = turned(pixels, strength.degrees * (2 * draws.numbers["rotation"][:, 0].double() - 1))
    if draws.row is not None and "noise" in draws.numbers:
        pixels = noisy(pixels, draws.row, (draws.numbers["noise"][:, 0] * ROW).long(), strength.noise)
    return pixels


def turned(pixels: Tensor, degrees: Tensor) -> Tensor:
    """Images turned around their middle, black where nothing is: bilinear, in whole numbers throughout.

    Args:
        pixels: 8-bit values of any type, (B, C, size, size).
        degrees: float64, (B,), counterclockwise.

    Returns:
        8-bit values, int32, (B, C, size, size).
    """
    size, device = pixels.shape[-1], pixels.device
    angles = torch.deg2rad(degrees.cpu())  # in one place for all devices
    cosine, sine = ((part * _TURN).round().long().to(device).view(-1, 1, 1) for part in (angles.cos(), angles.sin()))
    middle = 2 * torch.arange(size, device=device) - (size - 1)  # half pixels from the middle
    down, across = middle[:, None], middle[None]
    # Of each pixel's place in the source, (B, size, size), in 1 / (2 * _TURN) of a pixel from the edge.
    places = [place + (size - 1) * _TURN for place in (cosine * down + sine * across, cosine * across - sine * down)]
    (row, column), (low, right) = zip(*((place >> 17, (place >> 9) & 255) for place in places), strict=True)
    framed = pad(pixels.int(), (1, 1, 1, 1)).flatten(2)  # a black frame: what lies further out is looked up there
    total = torch.zeros_like(pixels, dtype=torch.int32)
    for step_down, step_right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at = [(edge + step + 1).clamp(0, size + 1) for edge, step in ((row, step_down), (column, step_right))]
        index = (at[0] * (size + 2) + at[1]).flatten(1)[:, None].expand(-1, pixels.shape[1], -1)
        weight = (low if step_down else 256 - low) * (right if step_right else 256 - right)
        total += framed.gather(2, index).view(pixels.shape) * weight[:, None].int()
    return (total + 2**15) >> 16


def noisy(pixels: Tensor, row: Tensor, starts: Tensor, std: float) -> Tensor:
    """Images with normal noise, cut off at black and white.

    Args:
        pixels: values from 0 to 255 of any type, (B, C, size, size).
        row: standard normal numbers, (N,), taken from its beginning again where it ends.
        starts: int64, (B,), where in the row each image's numbers begin.
        std: standard deviation, of pixels from 0 to 1.
    """
    count = pixels[0].numel()
    longer = torch.cat((row, row[:count])) if count <= len(row) else row.repeat(2 + count // len(row))
    noise = longer.unfold(0, count, 1)[starts].view(pixels.shape)
    return (pixels + noise * (255 * std)).clamp_(0, 255)


def hidden(numbers: Tensor, size: int) -> Tensor:
    """Which pixels cutout hides, bool, (B, 1, size, size): a square of half the side around any pixel.

    DeVries and Taylor 2017, section 3.2: what lies outside the image is cut off.

    Args:
        numbers: the draws for cutout, (B, 2).
        size: side of the images.
    """
    side = size // 2
    start = (numbers * size).long() - side // 2
    grid = torch.arange(size, device=numbers.device)
    inside = (grid >= start[..., None]) & (grid < start[..., None] + side)  # (B, 2, size)
    return (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]
