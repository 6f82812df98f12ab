"""Which kinds of image files are opened, and what is looked at before their pixels are decoded.

Pillow reads the structure of every file in Python, and the pixels of a few rare kinds as well. Python decodes a million
pixels in seconds and holds the interpreter meanwhile, so that everybody on the server would wait. Hence such kinds are
refused by name, and files of far more parts than any camera or program writes are refused before the parts are walked.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image
from pillow_heif import register_heif_opener

from explorer.errors import InputError
from explorer.i18n import _

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "AVIF", "HEIF")
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
    | {".pbm", ".pgm", ".ppm", ".pnm", ".avif", ".heic", ".heif", ".hif"}
)
IN_WORDS = "JPEG, PNG, WebP, GIF, TIFF, BMP, PPM, HEIC, AVIF"
MAX_READS = 2**14  # calls by which Pillow may take a file: photographs need some dozens
LEAST_READ = 2**10  # bytes of a call, beyond these: a large PNG is in pieces of 8 kB, with two small ones each
MAX_PARTS = 2**16  # strips or tiles of a TIFF: each costs 30 microseconds

_STRIPS_AND_TILES = (273, 324)  # tags that hold the places of all strips, or of all tiles

register_heif_opener(thumbnails=False)


class _TooManyPartsError(Exception):
    """The file has more parts than we walk through."""


class _Counted(BytesIO):
    """A file in memory that is not read in ever smaller pieces."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = MAX_READS + len(data) // LEAST_READ

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise _TooManyPartsError
        return super().read(size)


@contextmanager
def opened(data: bytes, place: str, formats: Iterable[str] = FORMATS) -> Iterator[Image.Image]:
    """An image whose size is known and whose pixels are not decoded yet.

    Args:
        data: a whole file.
        place: what messages call it.
        formats: Pillow's names of those that are tried.

    Raises:
        InputError: naming the place, where decoding it would take Python's time and not that of a decoder.
        Exception: whatever Pillow raises where the file is broken, while it is opened and in the block.
    """
    try:
        if data[:2] in (b"II", b"MM"):
            _check_tiff(data)
        with Image.open(_Counted(data), formats=list(formats)) as image:
            for part in image.tile:
                if part.codec_name in Image.DECODERS:  # Pillow keeps its decoders in Python there
                    raise InputError(_slow(place, image, part.codec_name, part.args))
            yield image
    except _TooManyPartsError:
        raise InputError(
            _("{place} has far more parts than its pixels need and would take too long to read").format(place=place)
        ) from None


def _slow(place: str, image: Image.Image, codec: str, args: object) -> str:
    if codec == "ppm_plain":
        return _("{place} has its pixels as text, which takes too long to read; save it as PNG").format(place=place)
    if codec == "ppm" and isinstance(args, tuple):
        return _("{place} is a PPM whose white is {white}, which takes too long to read; save it as PNG").format(
            place=place, white=args[-1]
        )
    if codec == "bmp_rle":
        return _("{place} is a BMP with run lengths, which takes too long to read; save it as PNG").format(place=place)
    return _("{place} is {format} of a kind that takes too long to read; save it as PNG").format(
        place=place, format=image.format
    )


def _check_tiff(data: bytes) -> None:
    """Look at the first directory of a TIFF as Pillow would: it would read everything that the entries declare."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:3] == b"\x2b"  # as Pillow looks for it
    start, count, entry = ("Q", "Q", "HHQ8x") if big else ("I", "H", "HHI4x")
    try:
        (place,) = struct.unpack_from(order + start, data, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count, data, place)
    except (struct.error, OverflowError):
        return  # it is broken, which Pillow says
    first = place + struct.calcsize(order + count)
    table = data[first : first + min(entries, MAX_PARTS) * struct.calcsize(order + entry)]
    whole = len(table) // struct.calcsize(order + entry) * struct.calcsize(order + entry)
    values = list(struct.iter_unpack(order + entry, table[:whole]))
    parts = max((number for tag, _kind, number in values if tag in _STRIPS_AND_TILES), default=0)
    if parts > MAX_PARTS or sum(number for _tag, _kind, number in values) > len(data) + MAX_PARTS:
        raise _TooManyPartsError
