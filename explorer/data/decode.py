"""Decoding of image files to pixels, the same for training, test and prediction."""

import warnings
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from explorer.data.formats import opened
from explorer.errors import InputError
from explorer.i18n import _

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]

MAX_PIXELS = 2**26  # below Pillow's own limit, at which Pillow only warns
MAX_SIDE = 2**16  # because the weights of a resize take memory for each pixel of a side

_FRAMED = ("PNG", "GIF", "TIFF", "WEBP")  # not JPEG: phones store previews as further frames

_GREY = {"1", "L", "LA"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_DEEPEST = 2**16 - 1
_INVISIBLE = 8  # difference of pixels, of 256 levels, that nobody can see

# Our own messages name the image; Pillow's warnings do not.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(data: bytes, place: str, channels: int | None = None, *, spread: bool = False) -> Tensor:
    """Pixels of one image, or of the first of several frames, rotated upright by its EXIF data.

    Transparent parts are composed over white, or over black if nothing would be visible on white. CMYK becomes RGB, and
    16 bits a pixel become 8.

    Args:
        data: Content of the file.
        place: Name of the file in messages.
        channels: 1 for grey, 3 for colour; None is those of the file.
        spread: Whether the lightest pixel of a 16-bit image becomes white, because a camera may use only 12 bits.

    Returns:
        uint8, (1 or 3, H, W).

    Raises:
        InputError: If the image can't be decoded; names the place and the fault.
    """
    try:
        with opened(data, place) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    _("{place} has {width} x {height} pixels; at most {limit} are allowed").format(
                        place=place, width=image.width, height=image.height, limit=MAX_PIXELS
                    )
                )
            check_sides(place, image.width, image.height)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            flat = _flat(image, place, spread=spread)
            return _planes(flat if channels is None else _converted(flat, "L" if channels == 1 else "RGB"))
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(_("{place} is not an image that can be read").format(place=place)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(_("{place} has far more than {limit} pixels").format(place=place, limit=MAX_PIXELS)) from None
    except Exception as error:  # noqa: BLE001  Pillow's readers raise errors of any type on broken files
        reason = str(error) or type(error).__name__
        raise InputError(_("{place} is broken: {reason}").format(place=place, reason=reason)) from None


def has_more_frames(data: bytes) -> bool:
    """Whether a file is an animation or has several pages; :func:`decode` decodes only the first."""
    try:
        with opened(data, "", _FRAMED) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001  decode() reports the fault
        return False


def _flat(image: Image.Image, place: str, *, spread: bool) -> Image.Image:
    """The image without transparency, in mode ``L`` or ``RGB``.

    Raises:
        InputError: If its values are floats, or beyond 16 bits.
    """
    if image.mode == "F":
        raise InputError(_("{place} holds floats; only 8 or 16 bits per pixel can be read").format(place=place))
    if image.mode in _DEEP:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > _DEEPEST:
            raise InputError(
                _("{place} has grey values from {low} to {high}; only 8 or 16 bits per pixel can be read").format(
                    place=place, low=values.min(), high=values.max()
                )
            )
        return Image.fromarray(to_bytes(values, max(int(values.max()), 1) if spread else _DEEPEST))
    if image.has_transparency_data:
        flat = _over("white", image)
        if np.ptp(np.asarray(flat), axis=(0, 1)).max() <= _INVISIBLE:  # for example white strokes of a drawing program
            flat = _over("black", image)
    else:
        flat = image
    return _converted(flat, "L" if image.mode in _GREY else "RGB")


def _over(ground: str, image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image.convert("RGBA")).convert("RGB")


def _planes(image: Image.Image) -> Tensor:
    """Pixels of an image in mode ``L`` or ``RGB``: uint8, (1 or 3, H, W)."""
    bands = [image] if image.mode == "L" else list(image.split())
    pixels = np.empty((len(bands), image.height, image.width), np.uint8)
    for plane in pixels:
        plane[:] = np.asarray(bands.pop(0))  # free each band at once: a large one takes 67 MB, twice while it is copied
    return torch.from_numpy(pixels)


def _converted(image: Image.Image, mode: str) -> Image.Image:
    # convert() copies even an image that already has the mode, which takes 270 MB for a large one.
    return image if image.mode == mode else image.convert(mode)


def to_bytes(values: Array, white: float) -> Array:
    """Brightness from 0 to ``white`` as uint8, rounded to the nearest."""
    # One float32 copy saves memory for large images, and is more precise than 16 bits need.
    scaled = np.multiply(values, 255 / white, dtype=np.float32, casting="same_kind")
    return np.rint(scaled, out=scaled).astype(np.uint8)


def check_sides(place: object, width: int, height: int) -> None:
    """Check that no side of an image is too long for a resize.

    Raises:
        InputError: If a side is longer than ``MAX_SIDE``; names the place.
    """
    if max(width, height) > MAX_SIDE:
        raise InputError(
            _("{place}: {width} x {height} pixels are too many; at most {limit} per side are allowed").format(
                place=place, width=width, height=height, limit=MAX_SIDE
            )
        )
