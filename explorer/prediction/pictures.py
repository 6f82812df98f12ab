"""Pictures to ask networks about: light handles, whose pixels are in a cache with a limit in bytes.

Pictures are decoded one at a time. The cache keeps a small copy for display and the pixels that a network reads. It
never keeps the original pixels, which may take 200 MB.
"""

import ctypes
import sys
from collections.abc import Callable, Hashable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

import torch
from torch import Tensor

from explorer.data.dataset import Split
from explorer.data.decode import decode, has_more_frames
from explorer.data.preprocessing import fitted, resize
from explorer.errors import InputError
from explorer.i18n import language
from explorer.prediction.caches import BoundedCache
from explorer.prediction.classify import channels_of
from explorer.specs.size import Size
from explorer.weights.files import Card

SIDE = 512  # pixels of the longer side of a display copy
LARGE_PICTURE = 2**20  # pixels of a picture after which free memory is returned to the system
CACHE_BYTES = 256_000_000  # for all sessions: display copies of 300 photographs


@dataclass(frozen=True)
class _DisplayCopy:
    """The display copy of a picture, and the size of the original."""

    pixels: Tensor
    height: int
    width: int
    nbytes: int


@dataclass(frozen=True)
class _ReadFailure:
    """The reason why a picture can't be read."""

    reason: str
    nbytes: int = 1000


T = TypeVar("T", Tensor, _DisplayCopy, _ReadFailure)
_CachedValue = Tensor | _DisplayCopy | _ReadFailure
_cache = BoundedCache[_CachedValue](CACHE_BYTES, lambda value: value.nbytes)
_decoding = Lock()  # one at a time: each can take a gigabyte


@dataclass(frozen=True)
class Picture:
    """A picture to show and to ask networks about.

    Attributes:
        name: Name of its file, or its name in the gallery or the data set.
        key: Key that differs for all pictures with different pixels.
        read: Function that returns the original pixels, uint8, (C, H, W). Its argument is the number of channels: 1, 3,
            or None for the picture's own.
        label: Position of its class, if it comes from a data set.
        classes: Classes of the data set.
        inverted: Whether light and dark are inverted.
        is_first_frame: Whether its file has more frames. Networks see only the first.
        spread: Function that returns the original pixels in the picture's own channels, with 16-bit values stretched to
            the levels that they use. None if ``read`` does that.
        source: Picture whose strokes it shows, framed for a network.
        is_drawing: Whether it was drawn on the page: bright strokes on black, without paper.
    """

    name: str
    key: Hashable
    read: Callable[[int | None], Tensor] = field(compare=False, repr=False)
    label: int | None = None
    classes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    inverted: bool = False
    is_first_frame: bool = field(default=False, compare=False)
    spread: Callable[[], Tensor] | None = field(default=None, compare=False, repr=False)
    source: "Picture | None" = field(default=None, compare=False, repr=False)
    is_drawing: bool = field(default=False, compare=False)

    @classmethod
    def of_file(cls, name: str, key: Hashable, data: bytes) -> "Picture":
        """Returns the picture of an encoded file."""
        return cls(
            name, key, lambda channels: decode(data, name, channels), is_first_frame=has_more_frames(data),
            spread=lambda: decode(data, name, spread=True),
        )  # fmt: skip

    @classmethod
    def of_split(cls, name: str, split: Split, index: int, classes: tuple[str, ...], data: str = "") -> "Picture":
        """Returns the picture of an image in a data set.

        Args:
            name: Name of the picture.
            split: Split that holds the image.
            index: Position of the image in the split.
            classes: Classes of the data set.
            data: Name of the split in the key. Empty for ``name``.
        """

        def read(channels: int | None) -> Tensor:
            one = split.take(torch.tensor([index]))
            return (one if channels is None else one.recoloured(channels)).images[0]

        return cls(name, ("split", data or name, index), read, int(split.labels[index]), classes)

    @property
    def origin(self) -> "Picture":
        """The picture that users know: itself, or the picture whose strokes it shows."""
        return self.source or self

    @property
    def truth(self) -> str | None:
        """Name of its class, if it comes from a data set."""
        return None if self.label is None else self.classes[self.label]

    @property
    def identity(self) -> Hashable:
        """Cache key for what networks see of it. It holds no reference to the file's bytes."""
        return self.key, self.inverted

    @property
    def pixels(self) -> Tensor:
        """The display copy, uint8, (1 or 3, H, W). Large pictures are shrunk.

        Raises:
            InputError: If the picture can't be read.
        """
        return self._display_copy.pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the original in pixels.

        Raises:
            InputError: If the picture can't be read.
        """
        return self._display_copy.height, self._display_copy.width

    @property
    def is_grey(self) -> bool:
        """Whether it has no colours.

        Raises:
            InputError: If the picture can't be read.
        """
        pixels = self.pixels
        return len(pixels) == 1 or bool((pixels == pixels[:1]).all())

    def network_input(self, card: Card) -> Tensor:
        """Returns the pixels for a network before normalisation: 8-bit values, (C, height, width).

        Raises:
            InputError: If the picture can't be read, or the network does not take pictures.
        """
        channels = channels_of(card)
        key = self._key(card.inputs, channels)
        values = _get(key, Tensor)
        if values is None:
            image = self.original(channels)
            _put(key, values := fitted(image[None], card.inputs)[0].byte())
            if channels == 3 and _get(self._key("display"), _DisplayCopy) is None:  # decode it only once
                _put(self._key("display"), _display_copy(image))
        return values

    @property
    def _display_copy(self) -> _DisplayCopy:
        copy = _get(self._key("display"), _DisplayCopy)
        if copy is None:
            _put(self._key("display"), copy := _display_copy(self.original(None)))
        return copy

    @property
    def levels(self) -> Tensor:
        """The original pixels in the picture's own channels, with full contrast: uint8, (1 or 3, H, W). Never inverted.

        Raises:
            InputError: If the picture can't be read.
        """
        return replace(self, read=self._spread, inverted=False).original(None)

    def _spread(self, channels: int | None) -> Tensor:
        return self.read(channels) if self.spread is None else self.spread()

    def original(self, channels: int | None) -> Tensor:
        """Returns the original pixels, uint8, (C, H, W).

        Args:
            channels: Number of channels: 1, 3, or None for the picture's own.

        Raises:
            InputError: If the picture can't be read.
        """
        key = (self.key, "failure", language())
        failure = _get(key, _ReadFailure)
        if failure is not None:  # do not decode a hundred megapixels again for the same error
            raise InputError(failure.reason)
        try:
            with _decoding if self.source is None else nullcontext():  # the source takes the lock when it decodes
                image = self.read(channels)
                if image[0].numel() > LARGE_PICTURE:
                    _release_memory()
        except InputError as error:
            if not _is_temporary(error):
                _put(key, _ReadFailure(str(error)))
            raise
        return 255 - image if self.inverted else image

    def _key(self, *what: Hashable) -> Hashable:
        return (self.identity, *what)


def shrunk(image: Tensor, side: int) -> Tensor:
    """Shrinks an image, uint8, (C, H, W), so that its longer side has at most ``side`` pixels."""
    longest = max(image.shape[1:])
    if longest <= side:
        return image
    size = Size(*(max(round(length * side / longest), 1) for length in image.shape[1:]))
    return resize(image[None], size)[0].byte()


def _release_memory() -> None:
    """Returns free memory to the system. glibc would keep the memory of large pictures."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _is_temporary(error: InputError) -> bool:
    """Returns whether the cause is the disk and not the picture, so that another attempt may succeed."""
    cause = error.__context__
    return isinstance(cause, FileNotFoundError) or (
        isinstance(cause, OSError) and cause.errno is not None  # Pillow's own errors have no errno
    )


def _display_copy(image: Tensor) -> _DisplayCopy:
    pixels = shrunk(image, SIDE).clone()  # a view would keep the whole image alive
    return _DisplayCopy(pixels, image.shape[1], image.shape[2], pixels.nbytes)


def _get(key: Hashable, kind: type[T]) -> T | None:
    with _cache.lock:
        value = _cache.get(key)
    return value if isinstance(value, kind) else None


def _put(key: Hashable, value: _CachedValue) -> None:
    with _cache.lock:
        if value.nbytes <= _cache.maxsize:
            _cache[key] = value
