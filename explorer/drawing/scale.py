"""The scale of the volumes in a diagram."""

from collections.abc import Iterable
from math import prod

TALLEST = 120.0  # largest height of a map in pixels
LONGEST = 62.0  # largest width of a volume in pixels, for the most channels
SLANT = 0.14  # depth of a volume as a share of its height


class Scale:
    """Pixels of map sides and channels; both use the square root, so that 7×7 is visible next to 224×224."""

    def __init__(self, shapes: Iterable[tuple[int, ...]], tallest: float = TALLEST, longest: float = LONGEST) -> None:
        known = [_extent(shape) for shape in shapes]
        self._side = min(26.0, tallest / max(max(rows, columns) for _channels, rows, columns in known) ** 0.5)
        self._channels = min(12.0, longest / max(channels for channels, _rows, _columns in known) ** 0.5)

    def box(self, shape: tuple[int, ...]) -> tuple[float, float, float]:
        """Width, height and depth of a volume in pixels: its channels, rows and columns."""
        channels, rows, columns = _extent(shape)
        height, depth = (max(7.0, self._side * side**0.5) for side in (rows, columns))
        return max(3.0, self._channels * channels**0.5), height, SLANT * depth if rows * columns > 1 else 2.0


def _extent(shape: tuple[int, ...]) -> tuple[int, float, float]:
    """Channels, rows and columns of a map, (N, C, H, W); tokens are drawn as a square of as many cells."""
    if len(shape) == 4:
        return shape[1], shape[2], shape[3]
    side = prod(shape[1:-1]) ** 0.5
    return (shape[-1], side, side) if len(shape) > 1 else (1, 1.0, 1.0)
