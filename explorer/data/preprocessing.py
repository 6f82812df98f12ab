"""From pixels to what a network reads: resize, scale, normalise. The same for training, test and prediction.

Resize, crop, pad and flip are linear maps that work on rows and columns apart: ``rows @ image @ columns.T``. So a whole
batch, each image with its own window, takes two matrix products. Weights are multiples of 2**-16 and pixels are whole
numbers up to 255: float32 adds such products without rounding, in any order. Hence the same pixels come out on every
device, for every cut into batches, in a worker and outside. Narrower products would end that, so autocast is kept off;
TF32 (``torch.set_float32_matmul_precision``) has to stay off where these functions run.
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
from explorer.specs.base import MAX_IMAGE, StrictInt, explain_all, unknown_key

_UNIT = 2**16  # 255 * _UNIT < 2**24: sums of products stay whole numbers that float32 holds
_BAND = 16  # pixels of the result that are computed at a time, at most
_FLOATS = 2**20  # pixels of the source that are in float32 at a time
_KEPT = 8_000_000  # bytes of weights that are kept: photographs of one camera have one size
_SAMPLE = 500  # files that are decoded for the statistics

# Parts of a result, in order: the band of the source that each reads, and how much every pixel of it gives.
_Bands: TypeAlias = list[tuple[slice, Tensor]]


class Preprocessing(NamedTuple):
    """How the images of a network are prepared.

    Attributes:
        size: side of the square that a network sees.
        mean: of pixels that go from 0 to 1, one for all channels or one for each.
        std: likewise.
        permutation_seed: of the order in which the pixels of every image are shuffled; None leaves them in place.
        resize: length of the shorter side of an image that keeps its shape, whose middle is cut out then (torchvision's
            ``ImageClassification``); None resizes it straight to the square.
        framing: how the strokes of its own images stand in them; None where they are no strokes, or nobody knows.
    """

    size: Annotated[StrictInt, Field(ge=1, le=MAX_IMAGE)]
    mean: Annotated[tuple[Mean, ...], Field(min_length=1, fail_fast=True)]
    std: Annotated[tuple[Std, ...], Field(min_length=1, fail_fast=True)]
    permutation_seed: Annotated[StrictInt, Field(ge=0, le=MAX_SEED)] | None = None
    resize: Annotated[StrictInt, Field(ge=1, le=MAX_IMAGE)] | None = None
    framing: Framing | None = None

    def to_dict(self) -> dict[str, Any]:
        """The form that a card holds: JSON-ready, with permutation, resize and framing only where there are any."""
        card = {key: value for key, value in self._asdict().items() if value is not None}
        return {**card, "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, card: Mapping[str, Any]) -> "Preprocessing":
        """The same from a card.

        Raises:
            InputError: naming key and value that break a rule.
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
        if preprocessing.resize is not None and preprocessing.resize < preprocessing.size:
            raise InputError(
                _("resize: {value} is less than the {size} that are cut out of it").format(
                    value=preprocessing.resize, size=preprocessing.size
                )
            )
        return preprocessing


@cache
def _adapter() -> TypeAdapter[Preprocessing]:
    return TypeAdapter(Preprocessing)  # which takes ten times as long to build as to use


def weights(size: int, side: int, windows: Tensor, part: range | None = None) -> Tensor:
    """How much every source pixel gives to every pixel of the result, along one axis.

    A triangle filter as wide as a source pixel or as the step between the pixels of the result, whichever is wider
    (Pillow's and torchvision's antialiased bilinear), that sees nothing outside its window.

    Args:
        size: of the result, in pixels.
        side: of the source, in pixels.
        windows: (B, 2), start and length of what is resized, in pixels of the source.
        part: pixels of the result that are wanted; None is all.

    Returns:
        Multiples of 2**-16, (B, size or len(part), side).
    """
    wanted = part or range(size)
    start, length = windows.float()[..., None, None].unbind(1)  # (B, 1, 1)
    # In units of 1 / (2 * size) of a source pixel all numbers are whole, and exact while side * size < 2**23.
    pixel = (2 * torch.arange(side, device=windows.device) + 1 - 2 * start) * size  # (B, 1, side)
    centre = (2 * torch.arange(wanted.start, wanted.stop, device=windows.device)[:, None] + 1) * length
    shares = (2 * length.clamp(min=size) - (pixel - centre).abs_()).clamp_(min=0)
    shares *= (pixel > 0) & (pixel < 2 * size * length)
    shares /= shares.sum(-1, keepdim=True)
    return shares.mul_(_UNIT).round_().div_(_UNIT)


def rearranged(weights: Tensor, places: Tensor) -> Tensor:
    """The weights of a result whose pixels are shifted or mirrored after the resize, (B, size, side).

    Args:
        weights: (B, size, side), or (1, size, side) for all.
        places: int64, (B, size), which pixel of the resized window comes where; outside 0 … size - 1 is black.
    """
    size = weights.shape[1]
    framed = pad(weights, (0, 0, 0, 1))  # the last row is black
    each = torch.arange(len(weights), device=weights.device)[:, None]
    return framed[each, torch.where((places >= 0) & (places < size), places, size)]


def resample(images: Tensor, rows: Tensor | None, columns: Tensor | None) -> Tensor:
    """Apply the weights of both axes, columns first, rounding to 8-bit values after each as Pillow does.

    Args:
        images: uint8, (B, C, H, W).
        rows: (B, size, H), or (1, size, H) for all; None leaves the axis as it is.
        columns: (B, size, W), or (1, size, W) for all, likewise.

    Returns:
        8-bit values, (B, C, size, size): float32, or uint8 where nothing had to be done.
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
    """The lines of images, (B, C, H, W), under the weights: (B, C, H, size)."""
    if len(images) > 1:
        lines = images.flatten(1, 2)  # (B, C * H, W)
        parts = [lines[..., band].float() @ part.mT for band, part in columns]
        return torch.cat(parts, -1).view(*images.shape[:3], -1)
    # Of one photograph, lines side by side: a few long rows take less time than many short ones.
    parts = []
    for lines in torch.split(images.flatten(0, 2), max(_FLOATS // images.shape[3], 1)):
        values = lines.float()
        parts.append(torch.cat([part[0] @ values[:, band].T for band, part in columns]))
    return torch.cat(parts, 1).view(-1, *images.shape[:3]).permute(1, 2, 3, 0)


def _bands(weights: Tensor) -> _Bands:
    """The weights without those that are zero, as far as a product of whole matrices can leave them out.

    In one piece where bands would differ between images, or where finding them would make the device wait.
    """
    if len(weights) > 1 or weights.device.type != "cpu":
        return [(slice(None), weights)]
    used = weights[0].numpy() != 0
    size, side = used.shape
    none = ~used.any(1)  # black
    first, last = np.where(none, side, used.argmax(1)), np.where(none, 0, side - used[:, ::-1].argmax(1))
    step = max(min(_BAND, size // 8), 1)  # large images are never as a whole in float32
    parts = [slice(start, start + step) for start in range(0, size, step)]
    bands = [slice(int(first[part].min()), int(last[part].max())) for part in parts]
    return [(band, weights[:, part, band].clone()) for part, band in zip(parts, bands, strict=True)]


def _rounded(values: Tensor) -> Tensor:
    return values.add_(0.5).floor_()


def resize(images: Tensor, size: int) -> Tensor:
    """Straight resize of uint8 images, (B, C, H, W), to 8-bit values, (B, C, size, size)."""
    return stretched(images, size, size)


def stretched(images: Tensor, height: int, width: int) -> Tensor:
    """Straight resize of uint8 images, (B, C, H, W), to 8-bit values, (B, C, height, width)."""
    rows, columns = (
        None if side == size else _whole(size, side, images.device)
        for side, size in zip(images.shape[-2:], (height, width), strict=True)
    )
    return _resample(images, rows, columns)


def fitted(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Images as a network sees them before they are normalised: uint8, (B, C, H, W), to 8-bit values.

    Returns:
        (B, C, size, size), float32 or uint8.
    """
    size, length = preprocessing.size, preprocessing.resize
    if length is None:
        return resize(images, size)
    shorter = min(images.shape[-2:])
    rows, columns = (_middle(side, int(length * side / shorter), size, images) for side in images.shape[-2:])
    return _resample(images, rows, columns)


def _middle(side: int, resized: int, size: int, images: Tensor) -> _Bands:
    """Weights of the middle ``size`` pixels of an axis that is resized from ``side`` to ``resized``."""
    first = round((resized - size) / 2)  # halves to the even neighbour, as torchvision's center_crop does
    return _whole(resized, side, images.device, range(first, first + size))


def _nbytes(bands: _Bands) -> int:
    return sum(part.nbytes for _band, part in bands)


@cached(LRUCache(_KEPT, getsizeof=_nbytes), lock=Lock())
def _whole(size: int, side: int, device: torch.device, part: range | None = None) -> _Bands:
    """Weights of a whole axis that is resized from ``side`` to ``size``, or of a part of the result."""
    return _bands(weights(size, side, torch.tensor([[0, side]], device=device), part))


class Normalise:
    """Scales pixels to [0, 1], takes mean and standard deviation out, and permutes them where that is asked."""

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        levels = torch.tensor([preprocessing.mean, preprocessing.std], dtype=torch.float64) * 255
        self._mean, self._rate = (
            values.float().view(-1, 1, 1).to(device) for values in (levels[0], levels[1].reciprocal())
        )
        self._order: Tensor | None = None
        if preprocessing.permutation_seed is not None:
            generator = torch.Generator().manual_seed(preprocessing.permutation_seed)
            self._order = torch.randperm(preprocessing.size**2, generator=generator).to(device)

    def __call__(self, pixels: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Normalised images, float32, (B, C, size, size).

        Args:
            pixels: 8-bit values of any type, (B, C, size, size).
            hidden: bool, (B, 1, size, size), which pixels are set to the mean, before any permutation.
        """
        # One rounding for each step, where a fused multiply-add would depend on where in a vector a pixel falls.
        images = (pixels - self._mean).mul_(self._rate)
        if hidden is not None:
            images.masked_fill_(hidden, 0)
        if self._order is not None:
            images = images.flatten(2)[..., self._order].view(pixels.shape)
        return images


def channel_statistics(split: Split) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, as fractions rounded to four digits; every image counts alike.

    Of files, 500 drawn by a fixed seed stand for all. A channel of one value alone has the standard deviation 1.

    Raises:
        InputError: naming a file that can't be read.
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
    """Share of each of the 256 levels in every channel, (C, 256), exact in any number of pixels."""
    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(1)])
    return counts / counts.sum(1, dtype=torch.float64)[:, None]
