"""A plain stack of convolutions and pools as people type it: ``conv 7/2, pool 3/2, 3, 3``.

An entry is a kernel, with its stride, padding and dilation where they aren't the usual ones:

================  =======================================================
``3``, ``conv 3``  3x3 convolution, stride 1
``7/2``            stride 2
``3p0``            without padding (else ``(K − 1)/2``, which keeps the size)
``3d2``            dilation 2 (the padding that keeps the size grows with it)
``pool 2``         2x2 pool, stride 2; ``pool 3/2``, ``pool 3/2p1`` others
================  =======================================================

Commas, dots, semicolons or lines separate entries.
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
_ENTRY = re.compile(rf"(?P<kind>conv|pool)?\s*{_WINDOW}(?:\s*d\s*(?P<dilation>[0-9]{{1,9}}))?", re.IGNORECASE)


class Layer(NamedTuple):
    """A convolution or pool with a square window."""

    kind: Literal["conv", "pool"]
    kernel: int
    stride: int
    padding: int
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Side of the window with its holes."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def name(self) -> str:
        """The layer as people say it: ``pool 2×2/2``."""
        return (
            ("pool " if self.kind == "pool" else "")
            + f"{self.kernel}×{self.kernel}"
            + (f"/{self.stride}" if self.stride != 1 else "")
            + (f" d{self.dilation}" if self.dilation != 1 else "")
        )

    def __str__(self) -> str:
        """The shortest entry that parses to the layer."""
        usual = _usual(self.kind, self.kernel, self.dilation)
        return (
            ("pool " if self.kind == "pool" else "")
            + window_text(self.kernel, self.stride, self.padding, usual)
            + (f"d{self.dilation}" if self.dilation != 1 else "")
        )


def _usual(kind: str, kernel: int, dilation: int) -> tuple[int, int]:
    """Stride and padding where an entry names none."""
    return (kernel, 0) if kind == "pool" else (1, dilation * (kernel - 1) // 2)


def parse_layers(text: str) -> list[Layer]:
    """The layers of a typed list, first layer first.

    Raises:
        TokenError: for the first wrong entry (index -1 where the text itself is wrong).
    """
    if len(text) > MAX_TEXT:
        raise TokenError(
            _("layers: a text of {count:,} characters is longer than the {limit:,} allowed").format(
                count=len(text), limit=MAX_TEXT
            ),
            -1,
        )
    entries = [entry.strip() for entry in _SEPARATOR.split(text)]
    if not any(entries):
        raise TokenError(_("layers: the list is empty; write for example conv 3/2, pool 2/2"), -1)
    if len(entries) > MAX_LAYERS:
        raise TokenError(
            _("layers: {count} are more than the {limit} allowed").format(count=len(entries), limit=MAX_LAYERS), -1
        )
    return [_layer(entry, index) for index, entry in enumerate(entries)]


def _layer(entry: str, index: int) -> Layer:
    def wrong(rule: str) -> TokenError:
        return TokenError(
            _("layer {number}, {entry}: {rule}").format(number=index + 1, entry=shown(entry), rule=rule), index
        )

    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise wrong(_("not a kernel like 3, 7/2 or pool 2/2"))
    kind: Literal["conv", "pool"] = "pool" if (match["kind"] or "").lower() == "pool" else "conv"
    kernel, dilation = int(match["kernel"]), int(match["dilation"] or 1)
    stride, padding = _usual(kind, kernel, dilation)
    stride, padding = int(match["stride"] or stride), int(match["padding"] or padding)
    for name, value, least in (
        (_("kernel"), kernel, 1),
        (_("stride"), stride, 1),
        (_("dilation"), dilation, 1),
        (_("padding"), padding, 0),
    ):
        if not least <= value <= MAX_KERNEL:
            raise wrong(
                _("its {name}, {value}, is not between {least} and {most}").format(
                    name=name, value=value, least=least, most=MAX_KERNEL
                )
            )
    if kind == "pool" and padding > kernel // 2:
        raise wrong(_("a pool is padded by half of its window at most"))
    return Layer(kind, kernel, stride, padding, dilation)


def format_layers(layers: Iterable[Layer]) -> str:
    """The list as people read it."""
    return ", ".join(map(str, layers))


def from_cfg(tokens: Iterable[object]) -> list[Layer]:
    """The convolutions and pools of a cfg list."""
    return [
        Layer("conv" if isinstance(token, Conv) else "pool", token.kernel, token.stride, token.padding)
        for token in tokens
        if isinstance(token, Conv | Pool)
    ]
