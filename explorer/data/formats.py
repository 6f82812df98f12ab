"""The allowed formats of image files, and checks before their pixels are decoded.

Pillow reads the structure of every file in Python, and also the pixels of a few rare formats. Python takes seconds for
a million pixels and holds the interpreter lock meanwhile, so that all users of the server would wait. Therefore such
formats are refused by name, and files with far more parts than any camera or program writes are refused before their
parts are read.
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
MAX_READS = 2**14  # calls in which Pillow may read any file; photographs need some dozens
LEAST_READ = 2**10  # bytes of the file that allow one more call; a large PNG takes three calls for every 8 kB
MAX_PARTS = 2**16  # strips or tiles of a TIFF; each costs 30 microseconds

_STRIPS_AND_TILES = (273, 324)  # tags of the offsets of all strips, or of all tiles

register_heif_opener(thumbnails=False)


class _TooManyPartsError(Exception):
    """The file has more parts than we read."""


class _Counted(BytesIO):
    """A file in memory that limits the number of reads.

    Raises:
        _TooManyPartsError: At the first read beyond the limit.
    """

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
    """An open image with known size and pixels that are not decoded yet.

    Args:
        data: Content of the file.
        place: Name of the file in messages.
        formats: Pillow's names of the formats to try.

    Raises:
        InputError: If Python code would decode the pixels, or the file has too many parts; names the place.
        Exception: Any error of Pillow if the file is broken, on opening and in the block.
    """
    try:
        if data[:2] in (b"II", b"MM"):
            _check_tiff(data)
        with Image.open(_Counted(data), formats=list(formats)) as image:
            for part in image.tile:
                if part.codec_name in Image.DECODERS:  # those of Pillow's decoders that are written in Python
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
    """Check the first directory of a TIFF, because Pillow reads everything that its entries declare.

    Raises:
        _TooManyPartsError: If the entries declare too many parts, or more values than the file has bytes.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:3] == b"\x2b"  # the same test as in Pillow
    start, count, entry = ("Q", "Q", "HHQ8x") if big else ("I", "H", "HHI4x")
    try:
        (place,) = struct.unpack_from(order + start, data, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count, data, place)
    except (struct.error, OverflowError):
        return  # the file is broken; Pillow reports it
    first = place + struct.calcsize(order + count)
    table = data[first : first + min(entries, MAX_PARTS) * struct.calcsize(order + entry)]
    end = len(table) // struct.calcsize(order + entry) * struct.calcsize(order + entry)
    values = list(struct.iter_unpack(order + entry, table[:end]))
    parts = max((number for tag, _kind, number in values if tag in _STRIPS_AND_TILES), default=0)
    if parts > MAX_PARTS or sum(number for _tag, _kind, number in values) > len(data) + MAX_PARTS:
        raise _TooManyPartsError
