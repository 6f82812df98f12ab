"""Paths of SVG as moves, lines and cubic curves with absolute points, for other languages of figures."""

import re
from collections.abc import Iterator

Point = tuple[float, float]
Step = tuple[bool, tuple[Point, ...]]  # whether it is a move, and the points: three of a cubic curve, or the end
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "C": 6, "Z": 0}


def cubic_path(path: str) -> Iterator[Step]:
    """Yields the steps of a path.

    Args:
        path: The attribute ``d`` with the commands M, L, H, V, Q, C and Z, absolute or relative.
    """
    here = start = (0.0, 0.0)
    for command, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", text)]
        kind, base = command.upper(), here if command.islower() else (0.0, 0.0)
        if kind == "Z":
            here = start
            yield False, (start,)
            continue
        for position in range(0, len(numbers), ARGUMENTS[kind]):
            part = numbers[position : position + ARGUMENTS[kind]]
            points = _points(kind, part, here, base)
            here = points[-1]
            start = here if kind == "M" else start
            yield kind == "M", points
            base = here if command.islower() else base


def _points(kind: str, part: list[float], here: Point, base: Point) -> tuple[Point, ...]:
    if kind == "H":
        return ((base[0] + part[0], here[1]),)
    if kind == "V":
        return ((here[0], base[1] + part[0]),)
    points = tuple((base[0] + x, base[1] + y) for x, y in zip(part[::2], part[1::2], strict=True))
    if kind == "Q":  # a quadratic curve is the cubic one whose handles are two thirds of the way to its handle
        (handle, end) = points
        first, second = (_between(one, handle) for one in (here, end))
        return first, second, end
    return points


def _between(start: Point, end: Point) -> Point:
    return start[0] + 2 / 3 * (end[0] - start[0]), start[1] + 2 / 3 * (end[1] - start[1])
