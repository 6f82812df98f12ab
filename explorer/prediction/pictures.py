"""Pictures that networks are asked about: light handles, whose pixels live in a cache bounded by bytes.

A picture is decoded one at a time. Of what comes out, a small copy for display and what a network reads of it are
kept; the original pixels, up to 200 MB of them, never are.
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
from explorer.data.preprocessing import fitted, stretched
from explorer.errors import InputError
from explorer.i18n import language
from explorer.prediction.caches import Kept
from explorer.prediction.classify import channels_of
from explorer.weights.files import Card

SIDE = 512  # pixels of the longer side of a display copy
LARGE = 2**20  # pixels of a picture after which the memory is tidied
MEMORY = 256_000_000  # bytes of pixels that are kept, for all sessions: the display copies of 300 photographs


@dataclass(frozen=True)
class _Look:
    """The display copy of a picture, and the size of the original."""

    pixels: Tensor
    height: int
    width: int
    nbytes: int


@dataclass(frozen=True)
class _Fault:
    """Why a picture can't be read."""

    reason: str
    nbytes: int = 1000


T = TypeVar("T", Tensor, _Look, _Fault)
_Kept = Tensor | _Look | _Fault
_kept: Kept[_Kept] = Kept(MEMORY, getsizeof=lambda held: held.nbytes)
_decoding = Lock()  # one at a time: each can take a gigabyte


@dataclass(frozen=True)
class Picture:
    """A picture that can be shown and asked about.

    Attributes:
        name: of its file, or that of the gallery or the data set.
        key: tells its pixels from those of every other picture.
        read: gives the original pixels, uint8, (C, H, W), in 1 channel, in 3, or in its own for None.
        label: position of its class, where it comes from a data set.
        classes: of the data set.
        inverted: whether light and dark change places.
        is_first: whether its file has further frames, of which no network is asked.
        spread: gives the original pixels in its own channels, those of 16 bits stretched to the levels that they use;
            none where ``read`` does.
        source: the picture whose strokes it shows, framed for a network.
    """

    name: str
    key: Hashable
    read: Callable[[int | None], Tensor] = field(compare=False, repr=False)
    label: int | None = None
    classes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    inverted: bool = False
    is_first: bool = field(default=False, compare=False)
    spread: Callable[[], Tensor] | None = field(default=None, compare=False, repr=False)
    source: "Picture | None" = field(default=None, compare=False, repr=False)

    @classmethod
    def of_file(cls, name: str, key: Hashable, data: bytes) -> "Picture":
        """A picture of an encoded file."""
        return cls(
            name, key, lambda channels: decode(data, name, channels), is_first=has_more_frames(data),
            spread=lambda: decode(data, name, spread=True),
        )  # fmt: skip

    @classmethod
    def of_split(cls, name: str, split: Split, index: int, classes: tuple[str, ...], data: str = "") -> "Picture":
        """An image of a data set with these classes; ``name`` is what it is called, ``data`` what its set is."""

        def read(channels: int | None) -> Tensor:
            one = split.take(torch.tensor([index]))
            return (one if channels is None else one.recoloured(channels)).images[0]

        return cls(name, ("split", data or name, index), read, int(split.labels[index]), classes)

    @property
    def origin(self) -> "Picture":
        """The picture that people know: itself, or that whose strokes it shows."""
        return self.source or self

    @property
    def truth(self) -> str | None:
        """Name of its class, where it comes from a data set."""
        return None if self.label is None else self.classes[self.label]

    @property
    def identity(self) -> Hashable:
        """Stands for what networks see of it in caches, which must not keep its file alive."""
        return self.key, self.inverted

    @property
    def pixels(self) -> Tensor:
        """What is displayed: uint8, (1 or 3, H, W), large ones shrunk.

        Raises:
            InputError: where the picture can't be read.
        """
        return self._look.pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the original.

        Raises:
            InputError: where the picture can't be read.
        """
        return self._look.height, self._look.width

    @property
    def is_grey(self) -> bool:
        """Whether it has no colours.

        Raises:
            InputError: where the picture can't be read.
        """
        pixels = self.pixels
        return len(pixels) == 1 or bool((pixels == pixels[:1]).all())

    def seen(self, card: Card) -> Tensor:
        """What a network sees of it before it is normalised: 8-bit values of the original, (C, size, size).

        Raises:
            InputError: where the picture can't be read, or the network reads no pictures.
        """
        channels = channels_of(card)
        key = self._key(card.inputs, channels)
        held = _get(key, Tensor)
        if held is None:
            image = self.original(channels)
            _put(key, held := fitted(image[None], card.inputs)[0].byte())
            if channels == 3 and _get(self._key("look"), _Look) is None:  # it shows all that there is: decode it once
                _put(self._key("look"), _look(image))
        return held

    def turned(self, *, inverted: bool) -> "Picture":
        """The same picture, its light and dark changed or as they are."""
        return replace(self, inverted=inverted)

    @property
    def _look(self) -> _Look:
        held = _get(self._key("look"), _Look)
        if held is None:
            _put(self._key("look"), held := _look(self.original(None)))
        return held

    @property
    def levels(self) -> Tensor:
        """The original pixels in its own channels, at their best: uint8, (1 or 3, H, W), never inverted.

        Raises:
            InputError: where the picture can't be read.
        """
        return replace(self, read=self._spread, inverted=False).original(None)

    def _spread(self, channels: int | None) -> Tensor:
        return self.read(channels) if self.spread is None else self.spread()

    def original(self, channels: int | None) -> Tensor:
        """The original pixels: uint8, (C, H, W), in 1 channel, in 3, or in its own for None.

        Raises:
            InputError: where the picture can't be read.
        """
        key = (self.key, "fault", language())
        fault = _get(key, _Fault)
        if fault is not None:  # a hundred megapixels are not decoded again for the same error
            raise InputError(fault.reason)
        try:
            with _decoding if self.source is None else nullcontext():  # its source decodes, and takes its turn then
                image = self.read(channels)
                if image[0].numel() > LARGE:
                    _give_back()
        except InputError as error:
            if not _passes(error):
                _put(key, _Fault(str(error)))
            raise
        return 255 - image if self.inverted else image

    def _key(self, *what: Hashable) -> Hashable:
        return (self.identity, *what)


def shrunk(image: Tensor, side: int) -> Tensor:
    """An image whose longer side is at most so long: uint8, (C, H, W)."""
    longest = max(image.shape[1:])
    if longest <= side:
        return image
    height, width = (max(round(length * side / longest), 1) for length in image.shape[1:])
    return stretched(image[None], height, width)[0].byte()


def _give_back() -> None:
    """Return free memory to the system; glibc keeps that of large pictures, and a server would only ever grow."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _passes(error: InputError) -> bool:
    """Whether it lies in a disk, and not in the picture."""
    cause = error.__context__
    return isinstance(cause, FileNotFoundError) or (
        isinstance(cause, OSError) and cause.errno is not None  # Pillow's own have no number
    )


def _look(image: Tensor) -> _Look:
    pixels = shrunk(image, SIDE).clone()  # and nothing of what it may be a view of
    return _Look(pixels, image.shape[1], image.shape[2], pixels.nbytes)


def _get(key: Hashable, kind: type[T]) -> T | None:
    with _kept.lock:
        held = _kept.get(key)
    return held if isinstance(held, kind) else None


def _put(key: Hashable, value: _Kept) -> None:
    with _kept.lock:
        if value.nbytes <= _kept.maxsize:
            _kept[key] = value
