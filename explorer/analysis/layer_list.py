"""Lists of convolutions and pools that users type: ``conv 7/2, pool 3/2, 3, 3``.

An item is a kernel, with its stride, padding and dilation where they aren't the defaults ones:

================  =======================================================
``3``, ``conv 3``  3x3 convolution, stride 1
``7/2``            stride 2
``3p0``            without padding (default: ``(K − 1)/2``, which keeps the size)
``3d2``            dilation 2 (the default padding still keeps the size)
``pool 2``         2x2 pool, stride 2; also ``pool 3/2``, ``pool 3/2p1``
================  =======================================================

Commas, dots, semicolons or line breaks separate items.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from explorer.errors import TokenError, shown
from explorer.i18n import _
from explorer.specs.cfg import MAX_KERNEL, Conv, Pool
from explorer.specs.window import window_pattern, window_text

MAX_LAYERS = 64
MAX_TEXT = 2_000

_SEPARATOR = re.compile(r"[,.;\n]")
_WINDOW = window_pattern(r"\s*", after_kernel=r"(?:\s*[x×]\s*(?P=kernel))?")
_ITEM = re.compile(rf"(?P<kind>conv|pool)?\s*{_WINDOW}(?:\s*d\s*(?P<dilation>[0-9]{{1,9}}))?", re.IGNORECASE)


class Layer(NamedTuple):
    """A convolution or pool with a square window."""

    kind: Literal["conv", "pool"]
    kernel: int
    stride: int
    padding: int
    dilation: int = 1

    @property
    def effective_kernel(self) -> int:
        """Effective kernel: side of the dilated window."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def name(self) -> str:
        """Name of the layer: ``pool 2×2/2``."""
        return (
            ("pool " if self.kind == "pool" else "")
            + f"{self.kernel}×{self.kernel}"
            + (f"/{self.stride}" if self.stride != 1 else "")
            + (f" d{self.dilation}" if self.dilation != 1 else "")
        )

    def __str__(self) -> str:
        """Returns the shortest item that parses to the layer."""
        defaults = _defaults(self.kind, self.kernel, self.dilation)
        return (
            ("pool " if self.kind == "pool" else "")
            + window_text(self.kernel, self.stride, self.padding, defaults)
            + (f"d{self.dilation}" if self.dilation != 1 else "")
        )


def _defaults(kind: str, kernel: int, dilation: int) -> tuple[int, int]:
    """Returns the default stride and padding."""
    return (kernel, 0) if kind == "pool" else (1, dilation * (kernel - 1) // 2)


def parse_layers(text: str) -> list[Layer]:
    """Parses a list of layers.

    Raises:
        TokenError: For the first wrong item; its index is -1 if the whole text is wrong.
    """
    if len(text) > MAX_TEXT:
        raise TokenError(
            _("layers: a text of {count:,} characters is longer than the {limit:,} allowed").format(
                count=len(text), limit=MAX_TEXT
            ),
            -1,
        )
    items = [item.strip() for item in _SEPARATOR.split(text)]
    if not any(items):
        raise TokenError(_("layers: the list is empty; write for example conv 3/2, pool 2/2"), -1)
    if len(items) > MAX_LAYERS:
        raise TokenError(
            _("layers: {count} are more than the {limit} allowed").format(count=len(items), limit=MAX_LAYERS), -1
        )
    return [_layer(item, index) for index, item in enumerate(items)]


def _layer(item: str, index: int) -> Layer:
    def error(rule: str) -> TokenError:
        return TokenError(
            _("layer {number}, {entry}: {rule}").format(number=index + 1, entry=shown(item), rule=rule), index
        )

    match = _ITEM.fullmatch(item)
    if match is None:
        raise error(_("not a kernel like 3, 7/2 or pool 2/2"))
    kind: Literal["conv", "pool"] = "pool" if (match["kind"] or "").lower() == "pool" else "conv"
    kernel, dilation = int(match["kernel"]), int(match["dilation"] or 1)
    stride, padding = _defaults(kind, kernel, dilation)
    stride, padding = int(match["stride"] or stride), int(match["padding"] or padding)
    for name, value, least in (
        (_("kernel"), kernel, 1),
        (_("stride"), stride, 1),
        (_("dilation"), dilation, 1),
        (_("padding"), padding, 0),
    ):
        if not least <= value <= MAX_KERNEL:
            raise error(
                _("its {name}, {value}, is not between {least} and {most}").format(
                    name=name, value=value, least=least, most=MAX_KERNEL
                )
            )
    if kind == "pool" and padding > kernel // 2:
        raise error(_("a pool is padded by half of its window at most"))
    return Layer(kind, kernel, stride, padding, dilation)


def format_layers(layers: Iterable[Layer]) -> str:
    """Formats a list of layers."""
    return ", ".join(map(str, layers))


def from_cfg(tokens: Iterable[object]) -> list[Layer]:
    """Returns the convolutions and pools of a cfg list."""
    return [
        Layer("conv", token.kernel, token.stride, token.padding, token.dilation)
        if isinstance(token, Conv)
        else Layer("pool", token.kernel, token.stride, token.padding)
        for token in tokens
        if isinstance(token, Conv | Pool)
    ]
