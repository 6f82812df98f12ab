"""Augmentation in batches: the random numbers of an epoch, and their effect on the images.

The random numbers of an epoch depend only on its seed and number. A batch uses a slice of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from explorer.data.preprocessing import rearranged, resample, weights

TRIES = 10  # of a random resized crop, before it takes the middle
AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
# Random numbers per image. New entries go to the end, so that the numbers of the others stay the same.
NUMBERS = {"flip": 1, "crop": 2, "random_resized_crop": 2 * TRIES + 2, "cutout": 2, "rotation": 1, "noise": 1}
ROW = 2**20  # normal numbers of an epoch; each image takes consecutive ones
_SCALE = 2**16  # fixed-point scale of sine and cosine: integers give the same pixels on every device


class Strength(NamedTuple):
    """Limits of random changes.

    Attributes:
        degrees: Largest rotation to either side, in degrees.
        noise: Standard deviation of added noise, for pixels from 0 to 1.
    """

    degrees: float = 15.0
    noise: float = 0.1


USUAL = Strength()


class Draws(NamedTuple):
    """All random numbers of one epoch.

    Attributes:
        order: Image at each position of the epoch, int64, (N,).
        numbers: Uniform numbers in [0, 1) for each augmentation, (N, numbers per image), by position in the epoch.
        row: Standard normal numbers, (ROW,), for noise only. An image's ``noise`` number says where its part begins.
    """

    order: Tensor
    numbers: dict[str, Tensor]
    row: Tensor | None = None

    def part(self, share: slice, device: torch.device) -> "Draws":
        """Returns the numbers of some of the images, on a device."""
        numbers = {name: values[share].to(device) for name, values in self.numbers.items()}
        return Draws(self.order[share], numbers, self.row)

    def on(self, device: torch.device) -> "Draws":
        """Returns a copy with the row on a device, where every batch needs it."""
        return self._replace(row=None if self.row is None else self.row.to(device))


def draw(augment: Sequence[str], count: int, seed: int, epoch: int) -> Draws:
    """Draws the random numbers of an epoch with ``count`` images, on the CPU. Equal arguments give equal numbers."""
    random = np.random.default_rng((seed, epoch))
    order = torch.from_numpy(random.permutation(count))
    # In a fixed order, so that the order of a recipe's list makes no difference.
    names = [name for name in NUMBERS if name in augment]
    numbers = {name: torch.from_numpy(random.random((count, NUMBERS[name]), np.float32)) for name in names}
    row = torch.from_numpy(random.standard_normal(ROW, np.float32)) if "noise" in names else None
    return Draws(order, numbers, row)


class Windows(NamedTuple):
    """The part of its source that each image of a batch shows. None for an operation that is not used.

    Attributes:
        box: Part that is resized, int64, (B, 4): top, left, height and width in pixels of the source.
        shift: Shift up and left after the resize, in pixels, int64, (B, 2). The free edge is black.
        mirrored: Whether the image is mirrored after the shift, bool, (B,).
    """

    box: Tensor | None = None
    shift: Tensor | None = None
    mirrored: Tensor | None = None

    def part(self, share: slice) -> "Windows":
        """Returns the windows of some of the images."""
        return Windows(*(None if values is None else values[share] for values in self))

    def on(self, device: torch.device) -> "Windows":
        """Returns a copy on a device."""
        return Windows(*(None if values is None else values.to(device) for values in self))


def windows(numbers: dict[str, Tensor], height: int, width: int, size: int) -> Windows:
    """Computes the windows for images of ``height`` by ``width``, shown at ``size`` by ``size``."""
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
    """Computes boxes of random area and ratio, (B, 4): the first of ten tries that fits, else the middle.

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
    """Resamples the window of each image. Returns 8-bit values, (B, C, size, size), as ``resample`` does.

    Args:
        images: Images, uint8, (B, C, H, W).
        seen: Windows, on the images' device.
        size: Side of the result in pixels.
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
    """Rotates images and adds noise, if the draws have numbers for that.

    Args:
        pixels: 8-bit values of any type, (B, C, size, size).
        draws: Random numbers of these images, on their device.
        strength: Limits of the changes.

    Returns:
        Values from 0 to 255, (B, C, size, size). With noise, float32 with fractions.
    """
    if "rotation" in draws.numbers:
        pixels = turned(pixels, strength.degrees * (2 * draws.numbers["rotation"][:, 0].double() - 1))
    if draws.row is not None and "noise" in draws.numbers:
        pixels = noisy(pixels, draws.row, (draws.numbers["noise"][:, 0] * ROW).long(), strength.noise)
    return pixels


def turned(pixels: Tensor, degrees: Tensor) -> Tensor:
    """Rotates images around their centre with bilinear interpolation, in integers throughout. Free corners are black.

    Args:
        pixels: 8-bit values of any type, (B, C, size, size).
        degrees: Angles, float64, (B,), counterclockwise.

    Returns:
        8-bit values, int32, (B, C, size, size).
    """
    size, device = pixels.shape[-1], pixels.device
    angles = torch.deg2rad(degrees.cpu())  # on the CPU for all devices
    cosine, sine = ((part * _SCALE).round().long().to(device).view(-1, 1, 1) for part in (angles.cos(), angles.sin()))
    middle = 2 * torch.arange(size, device=device) - (size - 1)  # half pixels from the middle
    down, across = middle[:, None], middle[None]
    # Each pixel's position in the source, (B, size, size), from the edge, in units of 1 / (2 * _SCALE) pixels.
    places = [place + (size - 1) * _SCALE for place in (cosine * down + sine * across, cosine * across - sine * down)]
    (row, column), (low, right) = zip(*((place >> 17, (place >> 9) & 255) for place in places), strict=True)
    framed = pad(pixels.int(), (1, 1, 1, 1)).flatten(2)  # positions outside the image read from a black frame
    total = torch.zeros_like(pixels, dtype=torch.int32)
    for step_down, step_right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at = [(edge + step + 1).clamp(0, size + 1) for edge, step in ((row, step_down), (column, step_right))]
        index = (at[0] * (size + 2) + at[1]).flatten(1)[:, None].expand(-1, pixels.shape[1], -1)
        weight = (low if step_down else 256 - low) * (right if step_right else 256 - right)
        total += framed.gather(2, index).view(pixels.shape) * weight[:, None].int()
    return (total + 2**15) >> 16


def noisy(pixels: Tensor, row: Tensor, starts: Tensor, std: float) -> Tensor:
    """Adds normal noise to images, clamped at black and white.

    Args:
        pixels: Values from 0 to 255 of any type, (B, C, size, size).
        row: Standard normal numbers, (N,). After its end it continues from its beginning.
        starts: Position in the row where each image's numbers begin, int64, (B,).
        std: Standard deviation, for pixels from 0 to 1.
    """
    count = pixels[0].numel()
    longer = torch.cat((row, row[:count])) if count <= len(row) else row.repeat(2 + count // len(row))
    noise = longer.unfold(0, count, 1)[starts].view(pixels.shape)
    return (pixels + noise * (255 * std)).clamp_(0, 255)


def hidden(numbers: Tensor, size: int) -> Tensor:
    """Returns which pixels cutout hides, bool, (B, 1, size, size): a square of half the side around any pixel.

    DeVries and Taylor 2017, section 3.2: the square may reach beyond the image.

    Args:
        numbers: Random numbers for cutout, (B, 2).
        size: Side of the images in pixels.
    """
    side = size // 2
    start = (numbers * size).long() - side // 2
    grid = torch.arange(size, device=numbers.device)
    inside = (grid >= start[..., None]) & (grid < start[..., None] + side)  # (B, 2, size)
    return (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]
