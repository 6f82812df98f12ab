"""The cfg list: the tokens of a chain of convolutions and pools.

=============  ==================================================================
``64``         3x3 convolution to 64 channels, stride 1, padding 1, then ReLU
``"64:1"``     1x1 convolution; ``"64:7/2"`` 7x7 with stride 2; ``"6:5p0"`` 5x5 without padding
``"64:3d2"``   3x3 with dilation 2; ``"64:3g64"`` 3x3 in 64 groups; both follow the window, in any order
``"M"``        2x2 max-pool with stride 2; other pools are ``"M:3/2"``, ``"M:3/2p1"``
``"A"``        average pool, written as ``M``
``"L"``        local response normalisation
=============  ==================================================================

The default padding of a convolution keeps the map's size at stride 1.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, assert_never

from explorer.errors import TokenError, shown
from explorer.i18n import _
from explorer.specs.base import MAX_WIDTH
from explorer.specs.size import Size, height_width
from explorer.specs.window import window_pattern, window_text

MAX_TOKENS = 256
MAX_KERNEL = 255
MAX_WORD = 60

RawToken = int | str

_TOKEN = re.compile(
    rf"(?P<head>[MA]|[0-9]{{1,9}})(?::{window_pattern()}(?P<options>(?:[dg][0-9]{{1,9}})*))?", re.IGNORECASE
)
_OPTION = re.compile(r"([dg])([0-9]{1,9})", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+")


class Conv(NamedTuple):
    """A convolution with a square kernel."""

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1

    @property
    def reach(self) -> int:
        """Side of the dilated kernel."""
        return self.dilation * (self.kernel - 1) + 1


class Pool(NamedTuple):
    """A max (``M``) or average (``A``) pool with a square window."""

    letter: str
    kernel: int = 2
    stride: int = 2
    padding: int = 0

    @property
    def reach(self) -> int:
        """Side of the window."""
        return self.kernel


class Norm(NamedTuple):
    """Local response normalisation across five channels (Krizhevsky et al. 2012, section 3.3)."""


Token = Conv | Pool | Norm


def place(index: int) -> str:
    """The place of a token in messages, counted from 1."""
    return _("cfg, entry {number}").format(number=index + 1)


def parse_token(raw: object, index: int) -> Token:
    """The parsed form of one token of a cfg list.

    Args:
        raw: Integer or string, as in the table above.
        index: Position of the token from 0, for the message.

    Raises:
        TokenError: If the token breaks a rule; names the rule, the value and the position.
    """

    def wrong(rule: str) -> TokenError:
        return TokenError(_("{place}: {rule}").format(place=place(index), rule=rule), index)

    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise wrong(_("{value} is neither a number of channels nor M, A or L").format(value=shown(raw)))
    if raw in ("L", "l"):
        return Norm()
    match = _TOKEN.fullmatch(str(raw)[:MAX_WORD])
    if match is None and _NUMBER.fullmatch(str(raw)[:MAX_WORD]):
        raise wrong(
            _("{value} is not a number of channels from 1 to {limit:,}").format(value=shown(raw), limit=MAX_WIDTH)
        )
    if match is None and ":" in str(raw):
        raise wrong(
            _(
                "{value} can't be read: after the colon come the kernel, /stride, p padding, g groups and d dilation, "
                "for example 64:3/2p1g2d2"
            ).format(value=shown(raw))
        )
    if match is None:
        raise wrong(_("{value} is neither a number of channels nor M, A or L").format(value=shown(raw)))
    head = match["head"].upper()
    is_pool = head in "MA"
    kernel = int(match["kernel"] or (2 if is_pool else 3))
    stride = int(match["stride"] or ((kernel if match["kernel"] else 2) if is_pool else 1))
    if not 1 <= kernel <= MAX_KERNEL:
        raise wrong(_("the kernel of {value} is not between 1 and {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    if not 1 <= stride <= MAX_KERNEL:
        raise wrong(_("the stride of {value} is not between 1 and {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    options = [(key.lower(), int(number)) for key, number in _OPTION.findall(match["options"] or "")]
    if is_pool and options:
        raise wrong(_("{value} is a pool, which has neither dilation nor groups").format(value=shown(raw)))
    if len(dict(options)) < len(options):
        raise wrong(_("{value} names its dilation or its groups twice").format(value=shown(raw)))
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
            _("{value} is not a number of channels from 1 to {limit:,}").format(value=shown(raw), limit=MAX_WIDTH)
        )
    dilation, groups = (dict(options).get(key, 1) for key in "dg")
    if not 1 <= groups <= MAX_WIDTH:
        raise wrong(
            _("the groups of {value} are not between 1 and {limit:,}").format(value=shown(raw), limit=MAX_WIDTH)
        )
    reach = dilation * (kernel - 1) + 1
    if dilation < 1 or reach > MAX_KERNEL:
        raise wrong(
            _("the dilation of {value} is not at least 1, or spreads its kernel over more than {limit} pixels").format(
                value=shown(raw), limit=MAX_KERNEL
            )
        )
    if match["padding"] is None and reach % 2 == 0:
        raise wrong(
            _("an even kernel can't keep the map's size, so {value} must name its padding: '{example}'").format(
                value=shown(raw), example=f"{head}:{kernel}" + (f"/{stride}" if stride > 1 else "") + f"p{kernel // 2}"
            )
        )
    padding = reach // 2 if match["padding"] is None else int(match["padding"])
    if padding >= MAX_KERNEL:
        raise wrong(_("the padding of {value} is not below {limit}").format(value=shown(raw), limit=MAX_KERNEL))
    return Conv(int(head), kernel, stride, padding, dilation, groups)


def format_token(token: Token) -> RawToken:
    """The shortest form of a token in a cfg list."""
    match token:
        case Norm():
            return "L"
        case Conv(channels, kernel, stride, padding, dilation, groups):
            if token == Conv(channels):
                return channels
            head, default = str(channels), (1, token.reach // 2 if token.reach % 2 else None)
            options = (f"d{dilation}" if dilation > 1 else "") + (f"g{groups}" if groups > 1 else "")
        case Pool(letter, kernel, stride, padding):
            if (kernel, stride, padding) == (2, 2, 0):
                return letter
            head, default, options = letter, (kernel, 0), ""
        case _:
            assert_never(token)
    return f"{head}:{window_text(kernel, stride, padding, default)}{options}"


def parse_tokens(raw: object) -> tuple[RawToken, ...]:
    """A cfg list with each token in its shortest form.

    Raises:
        TokenError: For the first wrong token; its index is -1 if the list itself is wrong.
    """
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise TokenError(_("cfg: {value} is not a list").format(value=shown(raw)), -1)
    if len(raw) > MAX_TOKENS:
        raise TokenError(
            _("cfg: {count:,} tokens are more than the {limit} allowed").format(count=len(raw), limit=MAX_TOKENS), -1
        )
    return tuple(format_token(parse_token(token, index)) for index, token in enumerate(raw))


def tokens(cfg: Sequence[RawToken]) -> list[Token]:
    """The parsed form of a valid cfg list."""
    return [parse_token(token, index) for index, token in enumerate(cfg)]


def check_groups(cfg: Sequence[RawToken], in_channels: int) -> None:
    """Check that the groups of each convolution divide the channels before and after it.

    Raises:
        TokenError: If they don't; names token, place and both numbers.
    """
    before = in_channels
    for index, token in enumerate(tokens(cfg)):
        if not isinstance(token, Conv):
            continue
        if before % token.groups or token.channels % token.groups:
            raise TokenError(
                _(
                    "{place}: the {groups:,} groups of {token} must divide the {before:,} channels that it reads and "
                    "the {after:,} that it makes"
                ).format(
                    place=place(index),
                    groups=token.groups,
                    token=shown(cfg[index]),
                    before=before,
                    after=token.channels,
                ),
                index,
            )
        before = token.channels


def map_sizes(cfg: Sequence[RawToken], image_size: int | Size) -> list[Size]:
    """Rows and columns of the map after each token, in pixels.

    Raises:
        TokenError: If a window does not fit its map.
    """
    sizes, size = [], height_width(image_size)
    for index, token in enumerate(tokens(cfg)):
        if not isinstance(token, Norm):
            out = size.through(token.reach, token.stride, token.padding)
            if min(out) < 1:
                raise TokenError(
                    _(
                        "{place}: {token} needs a map of at least {needed}×{needed}, but {size} arrives "
                        "at image_size {image}"
                    ).format(
                        place=place(index),
                        token=shown(cfg[index]),
                        needed=token.reach - 2 * token.padding,
                        size=size,
                        image=image_size,
                    ),
                    index,
                )
            size = out
        sizes.append(size)
    return sizes
