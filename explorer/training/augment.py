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
from explorer.specs.size import Size, height_width

ATTEMPTS = 10  # of a random resized crop before it takes the middle
AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
# Random numbers per image. Add new keys at the end, so that the numbers of the others stay the same.
NUMBERS_PER_IMAGE = {
    "flip": 1,
    "crop": 2,
    "random_resized_crop": 2 * ATTEMPTS + 2,
    "cutout": 2,
    "rotation": 1,
    "noise": 1,
}
NORMAL_COUNT = 2**20  # normal numbers of an epoch; each image takes consecutive ones
_SCALE = 2**16  # fixed-point scale of sine and cosine: integers give the same pixels on every device


class Strength(NamedTuple):
    """Limits of random changes.

    Attributes:
        degrees: Largest rotation to either side, in degrees.
        noise: Standard deviation of added noise, for pixels from 0 to 1.
    """

    degrees: float = 15.0
    noise: float = 0.1


DEFAULT_STRENGTH = Strength()


class AugmentationParameters(NamedTuple):
    """The random numbers of one epoch, from which the changes of its images are computed.

    Attributes:
        order: Image at each position of the epoch, int64, (N,).
        uniform: Uniform numbers in [0, 1) for each augmentation, (N, numbers per image), by position in the epoch.
        normal: Standard normal numbers, (NORMAL_COUNT,), for noise only. The uniform number ``noise`` of an image
            determines where its numbers begin.
    """

    order: Tensor
    uniform: dict[str, Tensor]
    normal: Tensor | None = None

    def select(self, share: slice, device: torch.device) -> "AugmentationParameters":
        """Returns the numbers of some of the images, on a device."""
        numbers = {name: values[share].to(device) for name, values in self.uniform.items()}
        return AugmentationParameters(self.order[share], numbers, self.normal)

    def to(self, device: torch.device) -> "AugmentationParameters":
        """Returns a copy with the normal numbers on a device, where every batch needs them."""
        return self._replace(normal=None if self.normal is None else self.normal.to(device))


def sample_parameters(augment: Sequence[str], count: int, seed: int, epoch: int) -> AugmentationParameters:
    """Samples the random numbers of an epoch with ``count`` images, on the CPU. Equal arguments give equal numbers."""
    random = np.random.default_rng((seed, epoch))
    order = torch.from_numpy(random.permutation(count))
    # In a fixed order, so that the order of a recipe's list makes no difference.
    names = [name for name in NUMBERS_PER_IMAGE if name in augment]
    numbers = {name: torch.from_numpy(random.random((count, NUMBERS_PER_IMAGE[name]), np.float32)) for name in names}
    normal = torch.from_numpy(random.standard_normal(NORMAL_COUNT, np.float32)) if "noise" in names else None
    return AugmentationParameters(order, numbers, normal)


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

    def select(self, share: slice) -> "Windows":
        """Returns the windows of some of the images."""
        return Windows(*(None if values is None else values[share] for values in self))

    def to(self, device: torch.device) -> "Windows":
        """Returns a copy on a device."""
        return Windows(*(None if values is None else values.to(device) for values in self))


def compute_windows(numbers: dict[str, Tensor], height: int, width: int, size: int | Size) -> Windows:
    """Computes the windows for images of ``height`` by ``width``, shown at another size."""
    box = shift = mirrored = None
    if "random_resized_crop" in numbers:
        box = _random_boxes(numbers["random_resized_crop"], height, width)
    if "crop" in numbers:
        reach = torch.tensor(height_width(size), device=numbers["crop"].device) // 8
        shift = (numbers["crop"] * (2 * reach + 1)).long() - reach
    if "flip" in numbers:
        mirrored = numbers["flip"][:, 0] < 0.5
    return Windows(box, shift, mirrored)


def _random_boxes(numbers: Tensor, height: int, width: int) -> Tensor:
    """Computes boxes of random area and ratio, (B, 4): the first of ten tries that fits, else the middle.

    Szegedy et al. 2015, section 6, in the form of torchvision's ``RandomResizedCrop``.
    """
    areas, ratios, corner = numbers[:, :ATTEMPTS], numbers[:, ATTEMPTS:-2], numbers[:, -2:]
    area = height * width * (AREA[0] + areas * (AREA[1] - AREA[0]))
    ratio = (math.log(RATIO[0]) + ratios * math.log(RATIO[1] / RATIO[0])).exp_()
    sides = torch.stack(((area / ratio).sqrt_(), (area * ratio).sqrt_()), dim=2).round_().long()  # (B, TRIES, 2)
    source = torch.tensor((height, width))
    fits = ((sides > 0) & (sides <= source)).all(2)
    first = sides[torch.arange(len(sides)), fits.int().argmax(1)]
    middle = source.minimum((source.flip(0) * RATIO[1]).round().long())
    any_fits = fits.any(1, keepdim=True)
    chosen = torch.where(any_fits, first, middle)
    margin = source - chosen
    return torch.cat((torch.where(any_fits, (corner * (margin + 1)).long(), margin // 2), chosen), dim=1)


def resample_windows(images: Tensor, windows: Windows, size: int | Size) -> Tensor:
    """Resamples the window of each image. Returns 8-bit values, (B, C, *size), as ``resample`` does.

    Args:
        images: Images, uint8, (B, C, H, W).
        windows: Windows, on the images' device.
        size: Size of the result in pixels.
    """
    size, (height, width) = height_width(size), images.shape[-2:]
    box = torch.tensor([[0, 0, height, width]], device=images.device) if windows.box is None else windows.box
    down, across = (torch.arange(side, device=images.device)[None] for side in size)  # (1, side)
    if windows.mirrored is not None:
        across = torch.where(windows.mirrored[:, None], size.width - 1 - across, across)
    if windows.shift is not None:
        down, across = down + windows.shift[:, :1], across + windows.shift[:, 1:]
    rows = columns = None
    if height != size.height or windows.box is not None or windows.shift is not None:
        rows = rearranged(weights(size.height, height, box[:, 0::2]), down)
    if width != size.width or any(part is not None for part in windows):
        columns = rearranged(weights(size.width, width, box[:, 1::2]), across)
    return resample(images, rows, columns)


def rotate_and_add_noise(pixels: Tensor, parameters: AugmentationParameters, strength: Strength) -> Tensor:
    """Rotates images and adds noise, if there are random numbers for that.

    Args:
        pixels: 8-bit values of any type, (B, C, height, width).
        parameters: Random numbers of these images, on their device.
        strength: Limits of the changes.

    Returns:
        Values from 0 to 255, (B, C, height, width). With noise, float32 with fractions.
    """
    if "rotation" in parameters.uniform:
        pixels = rotate(pixels, strength.degrees * (2 * parameters.uniform["rotation"][:, 0].double() - 1))
    if parameters.normal is not None and "noise" in parameters.uniform:
        starts = (parameters.uniform["noise"][:, 0] * NORMAL_COUNT).long()
        pixels = add_noise(pixels, parameters.normal, starts, strength.noise)
    return pixels


def rotate(pixels: Tensor, degrees: Tensor) -> Tensor:
    """Rotates images around their centre with bilinear interpolation, in integers throughout. Free corners are black.

    Args:
        pixels: 8-bit values of any type, (B, C, height, width).
        degrees: Angles, float64, (B,), counterclockwise.

    Returns:
        8-bit values, int32, (B, C, height, width).
    """
    (height, width), device = pixels.shape[-2:], pixels.device
    angles = torch.deg2rad(degrees.cpu())  # on the CPU for all devices
    cosine, sine = ((part * _SCALE).round().long().to(device).view(-1, 1, 1) for part in (angles.cos(), angles.sin()))
    middles = (2 * torch.arange(side, device=device) - (side - 1) for side in (height, width))  # in half pixels
    down, across = next(middles)[:, None], next(middles)[None]
    # Each pixel's position in the source, (B, height, width), from the edge, in units of 1 / (2 * _SCALE) pixels.
    rotated = (cosine * down + sine * across, cosine * across - sine * down)
    positions = [part + (side - 1) * _SCALE for part, side in zip(rotated, (height, width), strict=True)]
    (row, column), (low, right) = zip(*((place >> 17, (place >> 9) & 255) for place in positions), strict=True)
    padded = pad(pixels.int(), (1, 1, 1, 1)).flatten(2)  # positions outside the image read from a black frame
    total = torch.zeros_like(pixels, dtype=torch.int32)
    for step_down, step_right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        down, across = (row + step_down + 1).clamp(0, height + 1), (column + step_right + 1).clamp(0, width + 1)
        index = (down * (width + 2) + across).flatten(1)[:, None].expand(-1, pixels.shape[1], -1)
        weight = (low if step_down else 256 - low) * (right if step_right else 256 - right)
        total += padded.gather(2, index).view(pixels.shape) * weight[:, None].int()
    return (total + 2**15) >> 16


def add_noise(pixels: Tensor, normal: Tensor, starts: Tensor, std: float) -> Tensor:
    """Adds normal noise to images, clamped at black and white.

    Args:
        pixels: Values from 0 to 255 of any type, (B, C, height, width).
        normal: Standard normal numbers, (N,). After the last one, the first one follows.
        starts: Index of the first normal number of each image, int64, (B,).
        std: Standard deviation, for pixels from 0 to 1.
    """
    count = pixels[0].numel()
    longer = torch.cat((normal, normal[:count])) if count <= len(normal) else normal.repeat(2 + count // len(normal))
    noise = longer.unfold(0, count, 1)[starts].view(pixels.shape)
    return (pixels + noise * (255 * std)).clamp_(0, 255)


def cutout_mask(numbers: Tensor, size: int | Size) -> Tensor:
    """Returns which pixels cutout hides, bool, (B, 1, *size): a square of half the shorter side around any pixel.

    DeVries and Taylor 2017, section 3.2: the square may reach beyond the image.

    Args:
        numbers: Random numbers for cutout, (B, 2).
        size: Size of the images in pixels.
    """
    size = height_width(size)
    side = min(size) // 2
    starts = ((numbers[:, axis] * length).long() - side // 2 for axis, length in enumerate(size))
    grids = (torch.arange(length, device=numbers.device) for length in size)
    rows, columns = (
        (grid >= start[:, None]) & (grid < start[:, None] + side) for grid, start in zip(grids, starts, strict=True)
    )  # (B, height), (B, width)
    return (rows[:, :, None] & columns[:, None, :])[:, None]
