"""The component that shows the channels of a layer: a grid, the chosen unit close up, and what it sees.

The values of the channels are sent once, as 16 bits between the least and the most of their channel. So the browser
shows another channel or unit at once, and tells the server afterwards. Maps that are too large to be sent whole are
sent at a lower resolution; the map of the chosen channel then follows the choice.
"""

import base64
import zlib
from collections.abc import Callable, Sequence
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from explorer.ui.callbacks import trigger_value
from explorer.ui.shared.choice_script import choice_script

ASSETS = Path(__file__).parents[1] / "assets"
MAX_VALUES = 160_000  # sent values of all channels: 320 kB before they are compressed
NUMBER = "predict.unit.number"  # session_state key: number of the last choice that the browser has reported
Unit = tuple[int, int, int]  # channel, row and column

_SCRIPT = choice_script("unit_choice")
_mount = st.components.v2.component(
    "explorer_channels",
    html='<div class="channels"><div class="grid" role="group"></div><p class="note"></p><h3 class="unit"></h3>'
    '<div class="numbers">' + '<label><span></span><input type="number" min="0" step="1"></label>' * 3 + "</div>"
    '<div class="views"><figure class="close"><button type="button"><canvas></canvas><span class="mark"></span>'
    '</button><figcaption></figcaption></figure><figure class="field"><div class="picture" role="img">'
    '<img class="dim" alt=""><img class="bright" alt=""><span class="mark"></span></div><figcaption></figcaption>'
    '</figure></div><p class="value" role="status"></p></div>',
    css=(ASSETS / "map_channels.css").read_text(encoding="utf-8"),
    js=_SCRIPT + (ASSETS / "map_channels.js").read_text(encoding="utf-8"),
)
_follow = st.components.v2.component(
    "explorer_unit_follow", js=_SCRIPT + (ASSETS / "unit_follow.js").read_text(encoding="utf-8")
)


class Channel(NamedTuple):
    """A channel of the grid: its number, its caption, and the name of its button."""

    number: int
    label: str
    alt: str


def render(
    maps: Tensor, channels: Sequence[Channel], unit: Unit, appearance: dict[str, Any], on_choose: Callable[[Unit], None]
) -> None:
    """Render the component.

    Args:
        maps: Maps of the layer, (channels, rows, columns).
        channels: Channels of the grid.
        unit: Chosen unit.
        appearance: Further data for the script: palette, picture, spans of rows and columns, and texts.
        on_choose: Callback for a choice of the user, before the next run.
    """
    shown = maps[[channel.number for channel in channels]]
    small, limits = _reduced(shown), _limits(shown)
    values = _encoded(small, limits)
    sent = {"height": small.shape[1], "width": small.shape[2], "values": values}
    version = f"{zlib.crc32(values.encode()):08x}.{zlib.crc32(repr((channels, appearance)).encode()):08x}"

    def choose() -> None:
        match trigger_value("predict.channels", "choose"):
            case {"unit": [int(channel), int(row), int(column)], "number": int(number)}:
                st.session_state[NUMBER] = number
                if all(0 <= value < count for value, count in zip((channel, row, column), maps.shape, strict=True)):
                    on_choose((channel, row, column))

    _mount(
        key="predict.channels",
        data={
            "version": version,
            "shape": list(maps.shape),
            "channels": [
                {"channel": channel.number, "label": channel.label, "alt": channel.alt, "least": least, "most": most}
                for channel, (least, most) in zip(channels, limits.tolist(), strict=True)
            ],
            "sent": sent,
            **appearance,
        },
        on_choose_change=choose,
    )
    is_whole = small.shape == shown.shape and any(channel.number == unit[0] for channel in channels)
    _follow(
        key="predict.unit.follow",
        data={
            "version": version,
            "unit": list(unit),
            "number": st.session_state.get(NUMBER, 0),
            "extra": None if is_whole else _extra(maps[unit[0]], unit[0], version),
        },
    )


def _extra(values: Tensor, channel: int, version: str) -> dict[str, Any]:
    limits = _limits(values[None])
    least, most = limits[0].tolist()
    encoded = _encoded(values[None], limits)
    return {"version": version, "channel": channel, "values": encoded, "least": least, "most": most}


def _limits(maps: Tensor) -> Tensor:
    """Return the least and the most of each channel, (channels, 2)."""
    return torch.stack([maps.amin((1, 2)), maps.amax((1, 2))], 1)


def _reduced(maps: Tensor) -> Tensor:
    """Return the maps at the largest resolution that may be sent."""
    side = isqrt(MAX_VALUES // len(maps))
    if max(maps.shape[1:]) <= side:
        return maps
    return adaptive_avg_pool2d(maps, (min(side, maps.shape[1]), min(side, maps.shape[2])))


def _encoded(maps: Tensor, limits: Tensor) -> str:
    """Return the values as Base64 of 16-bit numbers, 0 for the least of a channel and 65535 for its most."""
    least, most = limits[:, 0, None, None], limits[:, 1, None, None]
    share = (maps - least) / (most - least).clamp_min(torch.finfo(maps.dtype).tiny)
    return base64.b64encode((share * 65535).round().numpy().astype("<u2").tobytes()).decode()
