"""A kernel or pool that slides over a small grey image, cell by cell.

The images are the bundled digits: 8 x 8 pixels with values from 0 to 16.
"""

from dataclasses import dataclass
from functools import cache

from explorer.analysis.windows import Windows, validated
from explorer.data.digits import BRIGHTEST, load

Matrix = tuple[tuple[float, ...], ...]

KERNELS: dict[str, Matrix] = {
    "vertical": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),  # Sobel
    "horizontal": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "outline": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),  # Laplace
    "blur": ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
    "copy": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
}
POOLS = ("max", "mean")


@dataclass(frozen=True, slots=True)
class Slide:
    """A window that slides over an image.

    Attributes:
        image: Rows of pixels.
        windows: Positions of the window along each axis.
        kernel: Weights; None for a pool.
        pool: ``max`` or ``mean``; empty for a convolution.
        cell: Row and column of the chosen output cell.
    """

    image: Matrix
    windows: Windows
    kernel: Matrix | None
    pool: str
    cell: tuple[int, int]

    @property
    def output(self) -> Matrix:
        """Rows of the output."""
        places = range(self.windows.count)
        return tuple(tuple(self.value(row, column) for column in places) for row in places)

    def read(self, row: int, column: int) -> Matrix:
        """Returns the cells that the window of an output cell reads; 0 outside of the image."""
        inside = range(self.windows.size)
        return tuple(
            tuple(self.image[y][x] if y in inside and x in inside else 0.0 for x in self.windows.taps(column))
            for y in self.windows.taps(row)
        )

    def value(self, row: int, column: int) -> float:
        """Returns the value of an output cell."""
        cells = [value for line in self.read(row, column) for value in line]
        if self.kernel is None:
            return max(cells) if self.pool == "max" else sum(cells) / len(cells)
        weights = [weight for line in self.kernel for weight in line]
        return sum(weight * cell for weight, cell in zip(weights, cells, strict=True))


def slide(image: Matrix, kernel: Matrix | None, pool: str, windows: Windows, cell: tuple[int, int]) -> Slide:
    """Returns a slide whose chosen cell lies in the output.

    Raises:
        InputError: If no window fits.
    """
    last = validated(windows).count - 1
    return Slide(image, windows, kernel, pool, (min(cell[0], last), min(cell[1], last)))


@cache
def digit(label: int) -> Matrix:
    """Returns the first training image of a digit, with values from 0 to 16."""
    split = load("digits", mirrored=False).train
    index = split.labels.tolist().index(label)
    pixels = split.take(split.labels.new_tensor([index])).images
    return tuple(tuple(float(round(value * BRIGHTEST / 255)) for value in row) for row in pixels[0][0].tolist())
