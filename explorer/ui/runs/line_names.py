"""The names of lines at their ends, placed so that none covers another.

The places are part of a chart's data, because a specification that changed with the numbers would make the chart anew.
"""

import math
from collections.abc import Sequence
from typing import Any

from explorer.drawing.theme import theme
from explorer.jobs.compare import Point, Spread

MAX_NAMES = 6  # more lines are told apart by the table below the charts
MAX_LETTERS = 20
GAP = 0.11  # least distance of two names as a share of the axis
LIFT = 0.07  # height of a name over the end of its line as a share of the axis
FONT_SIZE = 12


def places(values: Sequence[float], *, log: bool, limits: tuple[float, float]) -> list[float]:
    """Return a number on the axis for the name of each line.

    Args:
        values: Last numbers of the lines.
        log: Whether the axis is logarithmic.
        limits: Least and largest number of the axis.
    """
    to_axis, from_axis = (math.log, math.exp) if log else (float, float)
    low, high = map(to_axis, limits)
    span = high - low or 1.0
    gap = GAP * span
    numbers = list(map(to_axis, values))
    wanted = [number + LIFT * span if number + LIFT * span <= high else number - LIFT * span for number in numbers]
    order = sorted(range(len(values)), key=lambda index: (-wanted[index], -numbers[index]))
    found = dict[int, float]()
    for index in order:
        found[index] = min(wanted[index], found[order[len(found) - 1]] - gap) if found else wanted[index]
    floor = low
    for index in reversed(order):  # the lowest move up if they would leave the axis
        found[index] = max(found[index], floor)
        floor = found[index] + gap
    return [from_axis(found[index]) for index in range(len(values))]


def layers(y_axis: dict[str, Any], colour: dict[str, Any], epochs: float, *, dark: bool) -> list[dict[str, Any]]:
    """Return the layers of a Vega-Lite chart that write the names in the colours of the lines.

    Args:
        y_axis: Channel of the numbers.
        colour: Channel of the colours.
        epochs: Last epoch of the axis. A name is to the left of an end in its right half, and else to the right.
        dark: Whether the page is dark.
    """
    ground = theme(dark=dark).ground
    encoding: dict[str, Any] = {"y": {**y_axis, "field": "name_at"}, "text": {"field": "name"}}
    found: list[dict[str, Any]] = []
    for align, half in (("right", ">="), ("left", "<")):
        transform = [{"filter": f"isValid(datum.name_at) && datum.epoch {half} {epochs / 2}"}]
        text: dict[str, Any] = {
            "type": "text",
            "align": align,
            "baseline": "middle",
            "fontSize": FONT_SIZE,
            "fontWeight": 600,
        }
        rim = {**text, "color": ground, "stroke": ground, "strokeWidth": 3}
        found.append({"transform": transform, "mark": rim, "encoding": encoding})
        found.append({"transform": transform, "mark": text, "encoding": {**encoding, "color": colour}})
    return found


def shorten(names: Sequence[str], letters: int = MAX_LETTERS) -> list[str]:
    """Return names that fit into a chart, without the words with which all of them begin.

    Args:
        names: The names.
        letters: Most letters of a name.
    """
    words = [name.split(" ") for name in names]
    common = 0
    while len(names) > 1 and all(
        len(one) > common + 1 and one[: common + 1] == words[0][: common + 1] for one in words
    ):
        common += 1
    rests = [" ".join(one[common:]).removeprefix("· ") for one in words]
    return [rest if len(rest) <= letters else f"{rest[: letters - 1]}…" for rest in rests]


def value_of(point: Point | Spread) -> float:
    """Return the number of a point; of several seeds, their mean."""
    return point.mean if isinstance(point, Spread) else point.value
