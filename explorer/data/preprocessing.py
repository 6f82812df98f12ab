"""Preprocessing of pixels: resize, scale and normalise, the same for training, test and prediction.

Resize, crop, pad and flip are linear maps of rows and of columns: ``rows @ image @ columns.T``. So a whole batch, each
image with its own window, takes two matrix products. Weights are multiples of 2**-16 and pixels are whole numbers up to
255: float32 adds such products without rounding, in any order. Therefore the resulting pixels are the same on every
device, for every division into batches, and in every process. Narrower types would round, so autocast is off here; TF32
(``torch.set_float32_matmul_precision``) must be off wherever these functions run.
"""

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
import torch
from cachetools import LRUCache, cached
from pydantic import Field, TypeAdapter, ValidationError
from torch import Tensor
from torch.nn.functional import pad

from explorer.data.dataset import Split
from explorer.data.framing import Framing
from explorer.errors import InputError
from explorer.i18n import _, ngettext
from explorer.recipes.recipe import MAX_SEED, MIN_STD, Mean, Std
from explorer.specs.base import StrictInt, explain_all, unknown_key
from explorer.specs.size import MAX_IMAGE, ImageSize, Size, height_width

_UNIT = 2**16  # 255 * _UNIT < 2**24, so that float32 holds sums of products exactly
_BAND = 16  # most pixels of the result that are computed at a time
_FLOATS = 2**20  # pixels of the source that are in float32 at a time
_CACHED_BYTES = 8_000_000  # bytes of weights in the cache; photographs of one camera have one size
_SAMPLE = 500  # files that are decoded for the statistics

# Parts of a result in order: the band of the source that each part reads, and the weight of every pixel in the band.
_Bands: TypeAlias = list[tuple[slice, Tensor]]


class Preprocessing(NamedTuple):
    """The preprocessing of a network's images.

    Attributes:
        size: Size of the network's input in pixels: its side, or height and width.
        mean: Mean of pixels from 0 to 1: one for all channels, or one for each.
        std: Standard deviation of pixels from 0 to 1: one for all channels, or one for each.
        permutation_seed: Seed of the permutation of the pixels of every image; None permutes nothing.
        resize: Length of the shorter side after a resize that keeps the aspect ratio, before the middle is cropped
            (torchvision's ``ImageClassification``); None resizes the image directly to the size.
        framing: Framing of the strokes in the network's own images; None if they are no strokes, or it is unknown.
    """

    size: ImageSize
    mean: Annotated[tuple[Mean, ...], Field(min_length=1, fail_fast=True)]
    std: Annotated[tuple[Std, ...], Field(min_length=1, fail_fast=True)]
    permutation_seed: Annotated[StrictInt, Field(ge=0, le=MAX_SEED)] | None = None
    resize: Annotated[StrictInt, Field(ge=1, le=MAX_IMAGE)] | None = None
    framing: Framing | None = None

    @property
    def sides(self) -> Size:
        """Height and width of the network's input in pixels."""
        return height_width(self.size)

    def to_dict(self) -> dict[str, Any]:
        """The JSON-ready form in weight cards; permutation, resize and framing are left out if they are None."""
        card = {key: value for key, value in self._asdict().items() if value is not None}
        size = list(self.size) if isinstance(self.size, Size) else self.size
        return {**card, "size": size, "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, card: Mapping[str, Any]) -> "Preprocessing":
        """The preprocessing of a weight card.

        Raises:
            InputError: If a rule is broken; names key and value.
        """
        if unknown := [key for key in card if key not in cls._fields]:
            raise InputError(unknown_key(unknown[0], cls._fields))
        try:
            preprocessing = _adapter().validate_python(card)
        except ValidationError as error:
            raise InputError(explain_all(error)) from None
        if len(preprocessing.mean) != len(preprocessing.std):
            raise InputError(
                ngettext(
                    "std: has {count} entry while mean has {expected}",
                    "std: has {count} entries while mean has {expected}",
                    len(preprocessing.std),
                ).format(count=len(preprocessing.std), expected=len(preprocessing.mean))
            )
        if preprocessing.resize is not None and preprocessing.resize < max(preprocessing.sides):
            raise InputError(
                _("resize: {value} is less than the crop, {size}").format(
                    value=preprocessing.resize, size=preprocessing.size
                )
            )
        return preprocessing


@cache
def _adapter() -> TypeAdapter[Preprocessing]:
    return TypeAdapter(Preprocessing)  # cached, because building it takes ten times as long as using it


def weights(size: int, side: int, windows: Tensor, part: range | None = None) -> Tensor:
    """The weight of every source pixel in every pixel of the result, along one axis.

    The filter is a triangle as wide as a source pixel or as the step between the pixels of the result, whichever is
    wider (Pillow's and torchvision's antialiased bilinear). It ends at the borders of the window.

    Args:
        size: Pixels of the result.
        side: Pixels of the source.
        windows: Start and length of the part of the source that is resized, in its pixels, (B, 2).
        part: Pixels of the result to compute; None is all.

    Returns:
        Multiples of 2**-16, (B, size or len(part), side).
    """
    wanted = part or range(size)
    start, length = windows.float()[..., None, None].unbind(1)  # (B, 1, 1)
    # In units of 1 / (2 * size) of a source pixel, all numbers are whole, and exact if side * size < 2**23.
    pixel = (2 * torch.arange(side, device=windows.device) + 1 - 2 * start) * size  # (B, 1, side)
    centre = (2 * torch.arange(wanted.start, wanted.stop, device=windows.device)[:, None] + 1) * length
    shares = (2 * length.clamp(min=size) - (pixel - centre).abs_()).clamp_(min=0)
    shares *= (pixel > 0) & (pixel < 2 * size * length)
    shares /= shares.sum(-1, keepdim=True)
    return shares.mul_(_UNIT).round_().div_(_UNIT)


def rearranged(weights: Tensor, places: Tensor) -> Tensor:
    """The weights of a result whose pixels are shifted or mirrored after the resize, (B, size, side).

    Args:
        weights: Weights of the resize, (B, size, side), or (1, size, side) for all images.
        places: Index of the resized pixel for each pixel of the result, int64, (B, size); other indices than
            0 … size - 1 give black.
    """
    size = weights.shape[1]
    framed = pad(weights, (0, 0, 0, 1))  # the last row is black
    each = torch.arange(len(weights), device=weights.device)[:, None]
    return framed[each, torch.where((places >= 0) & (places < size), places, size)]


def resample(images: Tensor, rows: Tensor | None, columns: Tensor | None) -> Tensor:
    """Apply the weights of both axes, columns first; each result is rounded to 8-bit values, as in Pillow.

    Args:
        images: uint8, (B, C, H, W).
        rows: Weights of the rows, (B, size, H), or (1, size, H) for all images; None leaves the axis unchanged.
        columns: Weights of the columns, (B, size, W), or (1, size, W) for all images; None leaves the axis unchanged.

    Returns:
        8-bit values, (B, C, size, size): float32, or uint8 if both axes are unchanged.
    """
    return _resample(images, *(None if axis is None else _bands(axis) for axis in (rows, columns)))


def _resample(images: Tensor, rows: _Bands | None, columns: _Bands | None) -> Tensor:
    with torch.autocast(images.device.type, enabled=False):
        if columns is not None:
            images = _rounded(_across(images, columns))
        if rows is not None:
            parts = [part[:, None] @ images[..., band, :].float() for band, part in rows]
            images = _rounded(torch.cat(parts, -2))
    return images.contiguous()


def _across(images: Tensor, columns: _Bands) -> Tensor:
    """Apply the weights of the columns to images, (B, C, H, W): (B, C, H, size)."""
    if len(images) > 1:
        lines = images.flatten(1, 2)  # (B, C * H, W)
        parts = [lines[..., band].float() @ part.mT for band, part in columns]
        return torch.cat(parts, -1).view(*images.shape[:3], -1)
    # For a single photograph, put its lines side by side: a few long rows take less time than many short ones.
    parts = []
    for lines in torch.split(images.flatten(0, 2), max(_FLOATS // images.shape[3], 1)):
        values = lines.float()
        parts.append(torch.cat([part[0] @ values[:, band].T for band, part in columns]))
    return torch.cat(parts, 1).view(-1, *images.shape[:3]).permute(1, 2, 3, 0)


def _bands(weights: Tensor) -> _Bands:
    """The weights in bands, which leave out most zeros.

    There is a single band if bands would differ between images, or if finding them would make the device wait.
    """
    if len(weights) > 1 or weights.device.type != "cpu":
        return [(slice(None), weights)]
    used = weights[0].numpy() != 0
    size, side = used.shape
    none = ~used.any(1)  # black
    first, last = np.where(none, side, used.argmax(1)), np.where(none, 0, side - used[:, ::-1].argmax(1))
    step = max(min(_BAND, size // 8), 1)  # so that a large image is never completely in float32
    parts = [slice(start, start + step) for start in range(0, size, step)]
    bands = [slice(int(first[part].min()), int(last[part].max())) for part in parts]
    return [(band, weights[:, part, band].clone()) for part, band in zip(parts, bands, strict=True)]


def _rounded(values: Tensor) -> Tensor:
    return values.add_(0.5).floor_()


def resize(images: Tensor, size: int | Size) -> Tensor:
    """Resize images without keeping the aspect ratio.

    Args:
        images: uint8, (B, C, H, W).
        size: Size of the result in pixels.

    Returns:
        8-bit values, (B, C, height, width).
    """
    rows, columns = (
        None if side == wanted else _cached_bands(wanted, side, images.device)
        for side, wanted in zip(images.shape[-2:], height_width(size), strict=True)
    )
    return _resample(images, rows, columns)


def fitted(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Images at the size that the network reads, before normalisation.

    Args:
        images: uint8, (B, C, H, W).
        preprocessing: Preprocessing of the network.

    Returns:
        8-bit values, (B, C, height, width), float32 or uint8.
    """
    length = preprocessing.resize
    if length is None:
        return resize(images, preprocessing.size)
    shorter = min(images.shape[-2:])
    rows, columns = (
        _middle(side, int(length * side / shorter), wanted, images)
        for side, wanted in zip(images.shape[-2:], preprocessing.sides, strict=True)
    )
    return _resample(images, rows, columns)


def _middle(side: int, resized: int, size: int, images: Tensor) -> _Bands:
    """Weights of the middle ``size`` pixels of an axis that is resized from ``side`` to ``resized``."""
    first = round((resized - size) / 2)  # round half to even, as in torchvision's center_crop
    return _cached_bands(resized, side, images.device, range(first, first + size))


def _nbytes(bands: _Bands) -> int:
    return sum(part.nbytes for _band, part in bands)


@cached(LRUCache(_CACHED_BYTES, getsizeof=_nbytes), lock=Lock())
def _cached_bands(size: int, side: int, device: torch.device, part: range | None = None) -> _Bands:
    """Cached weights of an axis that is resized from ``side`` to ``size``, or of a part of the result."""
    return _bands(weights(size, side, torch.tensor([[0, side]], device=device), part))


class Normalise:
    """Scales pixels to [0, 1], subtracts the mean, divides by the standard deviation, and may permute the pixels."""

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        levels = torch.tensor([preprocessing.mean, preprocessing.std], dtype=torch.float64) * 255
        self._mean, self._rate = (
            values.float().view(-1, 1, 1).to(device) for values in (levels[0], levels[1].reciprocal())
        )
        self._order: Tensor | None = None
        if preprocessing.permutation_seed is not None:
            generator = torch.Generator().manual_seed(preprocessing.permutation_seed)
            self._order = torch.randperm(preprocessing.sides.area, generator=generator).to(device)

    def __call__(self, pixels: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Normalised images, float32, (B, C, height, width).

        Args:
            pixels: 8-bit values of any type, (B, C, height, width).
            hidden: Mask of the pixels to set to the mean before the permutation, bool, (B, 1, height, width).
        """
        # Two steps round each result the same way; a fused multiply-add depends on the pixel's place in a vector.
        images = (pixels - self._mean).mul_(self._rate)
        if hidden is not None:
            images.masked_fill_(hidden, 0)
        if self._order is not None:
            images = images.flatten(2)[..., self._order].view(pixels.shape)
        return images


def channel_statistics(split: Split) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, from 0 to 1 and rounded to four digits.

    Every image has the same weight. If the images are files, 500 of them are sampled with a fixed seed. A channel with
    a single value has the standard deviation 1.

    Raises:
        InputError: If a file can't be read; names it.
    """
    images = split.images
    if isinstance(images, Tensor):
        share = _levels(images)
    else:
        chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:_SAMPLE].tolist()
        share = torch.stack([_levels(images[index][None]) for index in chosen]).mean(0)
    level = torch.arange(256, dtype=torch.float64) / 255
    mean = share @ level
    std = (share * (level - mean[:, None]) ** 2).sum(1).sqrt()
    return tuple(round(v, 4) for v in mean.tolist()), tuple(max(round(v, 4) or 1.0, MIN_STD) for v in std.tolist())


def _levels(images: Tensor) -> Tensor:
    """Share of each of the 256 levels in every channel, (C, 256), exact for any number of pixels."""
    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(1)])
    return counts / counts.sum(1, dtype=torch.float64)[:, None]
