"""The names of lines at their ends, placed so that none covers another or a line.

The places are part of a chart's data, because a specification that changed with the numbers would make the chart anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.drawing.theme import theme
from explorer.jobs.compare import Point, Spread

Limits = tuple[float, float]
MAX_NAMES = 6  # more lines are told apart by the table below the charts
MAX_LETTERS = 20
SLOTS = 45  # heights on the axis at which a name can stand
GAP = 6  # least distance of two names in slots
HALF = 0.065  # half the height of a name as a share of the axis, with a rim
LETTER = 1 / 32  # width of a letter as a share of the epochs, in a narrow chart
COVERED = 1.0  # what a name on a line costs, as a distance from the end of its own line
FONT_SIZE = 12


@dataclass(frozen=True)
class End:
    """The end of a line that gets a name.

    Attributes:
        value: Last number of the line.
        crossed: Least and largest number of each line beside the end, where the name would stand.
    """

    value: float
    crossed: Sequence[tuple[float, float]] = ()


def crossed(lines: Sequence[Sequence[Point | Spread]], end: float, epochs: float, letters: int) -> list[Limits]:
    """Return the least and the largest number of each line at the epochs that a name covers.

    Args:
        lines: The points of all lines of the chart.
        end: Epoch at which the name's own line ends.
        epochs: Last epoch of the axis.
        letters: Letters of the name.
    """
    width = min(letters * LETTER, 1.0) * epochs
    start, stop = (end - width, end) if is_left_of_end(end, epochs) else (end, end + width)
    found = []
    for line in lines:
        # The points on either side count too: the line to them begins below the name.
        inside = [
            point
            for before, point, after in zip([None, *line], line, [*line[1:], None], strict=False)
            if (after or point).epoch >= start and (before or point).epoch <= stop
        ]
        numbers = [number for point in inside if math.isfinite(number := value_of(point))]
        if numbers:
            found.append((min(numbers), max(numbers)))
    return found


def is_left_of_end(end: float, epochs: float) -> bool:
    """Return whether a name stands to the left of the end of its line: in the right half of the axis."""
    return end >= epochs / 2


def places(ends: Sequence[End], *, log: bool, limits: Limits) -> list[float]:
    """Return a number on the axis for the name of each line.

    The names stand in the order of the ends, each as close to its end as it can without another name or a line there.

    Args:
        ends: Ends of the lines.
        log: Whether the axis is logarithmic.
        limits: Least and largest number of the axis.
    """
    to_axis, from_axis = (math.log, math.exp) if log else (float, float)
    low, high = map(to_axis, limits)
    span = high - low or 1.0

    def share(number: float) -> float:
        return (to_axis(number) - low) / span

    # By dynamic programming: sums[slot] is the least cost of the names so far if the last of them is at a slot.
    order = sorted(range(len(ends)), key=lambda index: ends[index].value)
    sums = [0.0] * (SLOTS + 1)
    choices: list[list[int]] = []
    for index in order:
        end, covered = share(ends[index].value), [tuple(map(share, one)) for one in ends[index].crossed]
        costs, before, chosen = [], [], 0
        for slot in range(SLOTS + 1):
            place, below = slot / SLOTS, slot - GAP if choices else slot
            if below >= 0 and sums[below] < sums[chosen]:
                chosen = below
            on_lines = sum(least < place + HALF and most > place - HALF for least, most in covered)
            costs.append(abs(place - end) + COVERED * on_lines + (sums[chosen] if below >= 0 else math.inf))
            before.append(chosen)
        sums = costs
        choices.append(before)
    found = dict[int, float]()
    slot = min(range(SLOTS + 1), key=sums.__getitem__)
    for index, before in zip(reversed(order), reversed(choices), strict=True):
        found[index] = from_axis(low + slot / SLOTS * span)
        slot = before[slot]
    return [found[index] for index in range(len(ends))]


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
    cut = [rest if len(rest) <= letters else f"{rest[: letters - 1]}…" for rest in rests]
    if len(set(cut)) == len(set(rests)):
        return cut
    tail = letters // 2  # what tells the names apart is at their end
    return [rest if len(rest) <= letters else f"{rest[: letters - tail - 1]}…{rest[-tail:]}" for rest in rests]


def value_of(point: Point | Spread) -> float:
    """Return the number of a point; of several seeds, their mean."""
    return point.mean if isinstance(point, Spread) else point.value
