"""The centre lines of strokes, by a published algorithm that the browser runs in the same way.

T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns", Communications of the ACM 27,
1984.
"""

import numpy as np

from explorer.prediction.strokes import Array

# Offsets of the eight neighbours of a pixel in rows and columns, clockwise from the one above.
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _removals() -> Array:
    """Returns for each pattern of neighbours the passes that remove the pixel: bit 0 the first, bit 1 the second."""
    passes = np.zeros(256, np.uint8)
    for pattern in range(256):
        ring = [pattern >> bit & 1 for bit in range(8)]
        steps = sum(now < after for now, after in zip(ring, [*ring[1:], ring[0]], strict=True))
        if not 2 <= sum(ring) <= 6 or steps != 1:
            continue
        above, right, below, left = ring[::2]
        first = not (above and right and below) and not (right and below and left)
        second = not (above and right and left) and not (above and below and left)
        passes[pattern] = first + 2 * second
    return passes


_REMOVALS = _removals()


def thinned(inside: Array) -> Array:
    """Returns the centre lines of shapes, bool, (h, w). Squares of two by two pixels vanish, so a dot may have none.

    Args:
        inside: Pixels of the shapes, bool, (h, w).
    """
    width = inside.shape[1] + 2
    field = np.pad(inside, 1).astype(np.uint8).ravel()
    left = np.flatnonzero(field)
    offsets = [row * width + column for row, column in _NEIGHBOURS]
    while True:
        before = len(left)
        for bit in (1, 2):
            pattern = np.zeros(len(left), np.uint8)
            for place, offset in enumerate(offsets):
                pattern |= field[left + offset] << place
            removed = (_REMOVALS[pattern] & bit) > 0
            field[left[removed]] = 0
            left = left[~removed]
        if len(left) == before:
            return field.reshape(-1, width)[1:-1, 1:-1].astype(bool)
