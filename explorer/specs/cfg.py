"""The cfg list: tokens of a VGG-like feature extractor, as data and as people type them.

=============  ==================================================================
``64``         3x3 convolution to 64 channels, stride 1, padding 1, then ReLU
``"64:1"``     1x1 convolution; ``"64:7/2"`` 7x7 with stride 2; ``"6:5p0"`` 5x5 without padding
``"M"``        2x2 max-pool with stride 2; ``"M:3/2"``, ``"M:3/2p1"`` others
``"A"``        the same, average
``"L"``        local response normalisation
=============  ==================================================================

The default padding of a convolution keeps the map's size at stride 1.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, assert_never

from explorer.errors import TokenError, shown
from explorer.i18n import _
from explorer.specs.arithmetic import window_output
from explorer.specs.base import MAX_WIDTH

MAX_TOKENS = 256
MAX_KERNEL = 255
MAX_TEXT = 20_000
MAX_WORD = 60
NO_TOKENS = ("[]", "()")  # how the empty list is typed: an empty text is rather an accident

RawToken = int | str

_TOKEN = re.compile(
    r"(?P<head>[MA]|[0-9]{1,9})(?::(?P<kernel>[0-9]{1,9})(?:/(?P<stride>[0-9]{1,9}))?(?:p(?P<padding>[0-9]{1,9}))?)?"
)
_NUMBER = re.compile(r"[+-]?[0-9]+")
# What separates tokens when people type or paste a list: [64, 'M', 128], 64 M 128, ("64:1", "M").
_WORD = re.compile(r"[^\s,;\[\](){}'\"]+")


class Conv(NamedTuple):
    """A convolution with a square kernel."""

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


class Pool(NamedTuple):
    """A max (``M``) or average (``A``) pool with a square window."""

    letter: str
    kernel: int = 2
    stride: int = 2
    padding: int = 0


class Norm(NamedTuple):
    """Local response normalisation across five channels (Krizhevsky et al. 2012, section 3.3)."""


Token = Conv | Pool | Norm


class Word(NamedTuple):
    """A token as it stands in a text: its characters are ``text[start:end]``."""

    raw: str
    start: int
    end: int


def parse_token(raw: object, index: int) -> Token:
    """One entry of a cfg list.

    Args:
        raw: an integer or a string, as in the table above.
        index: its position, for the message.

    Raises:
        TokenError: naming the rule, the value and the position.
    """

    def wrong(rule: str) -> TokenError:
        return TokenError(_("cfg[{index}]: {rule}").format(index=index, rule=rule), index)

    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise wrong(_("{value} is neither 'M' nor a positive integer").format(value=shown(raw)))
    if raw == "L":
        return Norm()
    match = _TOKEN.fullmatch(str(raw)[:MAX_WORD])
    if match is None and _NUMBER.fullmatch(str(raw)[:MAX_WORD]):
        raise wrong(
            _("{value} is neither 'M' nor a positive integer up to {limit:,}").format(value=shown(raw), limit=MAX_WIDTH)
        )
    if match is None:
        raise wrong(_("{value} is neither 'M' nor a positive integer").format(value=shown(raw)))
    head, is_pool = match["head"], match["head"] in "MA"
    kernel = int(match["kernel"] or (2 if is_pool else 3))
    stride = int(match["stride"] or ((kernel if match["kernel"] else 2) if is_pool else 1))
    if not 1 <= kernel <= MAX_KERNEL:
        raise wrong(_("the kernel of {value} is not between 1 and {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    if not 1 <= stride <= MAX_KERNEL:
        raise wrong(_("the stride of {value} is not between 1 and {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    if is_pool:
        padding = int(match["padding"] or 0)
        if padding > kernel // 2:
            raise wrong(
                _("the padding of {value} is more than half of its {kernel}×{kernel} window").format(
                    value=shown(raw), kernel=kernel
                )
            )
        return Pool(head, kernel, stride, padding)
    if not 1 <= int(head) <= MAX_WIDTH:
        raise wrong(
            _("{value} is neither 'M' nor a positive integer up to {limit:,}").format(value=shown(raw), limit=MAX_WIDTH)
        )
    if match["padding"] is None and kernel % 2 == 0:
        raise wrong(
            _("an even kernel can't keep the map's size, so {value} must name its padding: '{example}'").format(
                value=shown(raw), example=f"{head}:{kernel}" + (f"/{stride}" if stride > 1 else "") + f"p{kernel // 2}"
            )
        )
    padding = kernel // 2 if match["padding"] is None else int(match["padding"])
    if padding >= MAX_KERNEL:
        raise wrong(_("the padding of {value} is not below {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    return Conv(int(head), kernel, stride, padding)


def format_token(token: Token) -> RawToken:
    """The shortest entry that parses to the token."""
    match token:
        case Norm():
            return "L"
        case Conv(channels, kernel, stride, padding):
            if (kernel, stride, padding) == (3, 1, 1):
                return channels
            head, default_stride, default_padding = str(channels), 1, kernel // 2 if kernel % 2 else None
        case Pool(letter, kernel, stride, padding):
            if (kernel, stride, padding) == (2, 2, 0):
                return letter
            head, default_stride, default_padding = letter, kernel, 0
        case _:
            assert_never(token)
    return (
        f"{head}:{kernel}"
        + (f"/{stride}" if stride != default_stride else "")
        + (f"p{padding}" if padding != default_padding else "")
    )


def parse_tokens(raw: object) -> tuple[RawToken, ...]:
    """A whole cfg list, each entry in its shortest form.

    Raises:
        TokenError: for the first wrong entry (index -1 where the list itself is wrong).
    """
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise TokenError(_("cfg: {value} is not a list").format(value=shown(raw)), -1)
    if len(raw) > MAX_TOKENS:
        raise TokenError(
            _("cfg: {count:,} tokens are more than the {limit} allowed").format(count=len(raw), limit=MAX_TOKENS), -1
        )
    return tuple(format_token(parse_token(entry, index)) for index, entry in enumerate(raw))


def tokens(cfg: Sequence[RawToken]) -> list[Token]:
    """The parsed form of a valid cfg list."""
    return [parse_token(entry, index) for index, entry in enumerate(cfg)]


def split_text(text: str) -> list[Word]:
    """The words of a typed list: ``[64, 'M', 128]``, ``64 M 128``, with commas, quotes or blanks."""
    return [Word(match[0], match.start(), match.end()) for match in _WORD.finditer(text)]


def parse_text(text: str) -> tuple[RawToken, ...]:
    """A cfg list as people type it.

    Raises:
        TokenError: for the first wrong word.
    """
    if len(text) > MAX_TEXT:
        raise TokenError(
            _("cfg: a text of {count:,} characters is longer than the {limit:,} allowed").format(
                count=len(text), limit=MAX_TEXT
            ),
            -1,
        )
    words = split_text(text)
    if not words and text.strip() not in NO_TOKENS:
        raise TokenError(
            _("cfg: {value} has no token; write [] for a network without convolutions").format(value=shown(text)), -1
        )
    return parse_tokens(
        [int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else raw for raw, _start, _end in words]
    )


def format_text(cfg: Sequence[RawToken]) -> str:
    """The list as the editor shows it: ``64, 64, M``; ``[]`` where it is empty."""
    return ", ".join(map(str, cfg)) or NO_TOKENS[0]


def map_sizes(cfg: Sequence[RawToken], image_size: int) -> list[int]:
    """Side of the map after each token.

    Raises:
        TokenError: where a window no longer fits.
    """
    sizes, size = [], image_size
    for index, token in enumerate(tokens(cfg)):
        if not isinstance(token, Norm):
            out = window_output(size, token.kernel, token.stride, token.padding)
            if out < 1:
                raise TokenError(
                    _(
                        "cfg[{index}]: {token} needs a map of at least {needed}×{needed}, but {size}×{size} arrives "
                        "at image_size {image}"
                    ).format(
                        index=index,
                        token=shown(cfg[index]),
                        needed=token.kernel - 2 * token.padding,
                        size=size,
                        image=image_size,
                    ),
                    index,
                )
            size = out
        sizes.append(size)
    return sizes
