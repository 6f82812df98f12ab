"""Where the windows of a convolution or pool lie along one axis, and which cells none of them reads."""

from dataclasses import dataclass

from explorer.errors import InputError
from explorer.i18n import _
from explorer.specs.arithmetic import window_output


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows along one axis of ``size`` pixels; positions count from the first pixel, padding is negative.

    With ``ceil`` the division rounds up, and the last window may hang over the edge, as PyTorch's pools let it.
    """

    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def reach(self) -> int:
        """Pixels from a window's first to its last tap: dilation·(kernel − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def room(self) -> int:
        """Pixels that the first window can move by: in + 2P − F."""
        return self.size + 2 * self.padding - self.reach

    @property
    def count(self) -> int:
        """Windows, which are cells of the output; zero or less where none fits."""
        return window_output(self.size, self.reach, self.stride, self.padding, ceil=self.ceil)

    @property
    def end(self) -> int:
        """The position after the last one that there is: padding, or what a window hangs over it."""
        return max(self.size + self.padding, self.start(self.count - 1) + self.reach)

    def start(self, window: int) -> int:
        """Position of a window's first tap."""
        return window * self.stride - self.padding

    def taps(self, window: int) -> range:
        """Positions that a window reads."""
        start = self.start(window)
        return range(start, start + self.reach, self.dilation)

    @property
    def unread(self) -> tuple[int, ...]:
        """Pixels of the input that no window reads: dropped at the end, or skipped between windows."""
        read = {tap for window in range(self.count) for tap in self.taps(window)}
        return tuple(position for position in range(self.size) if position not in read)

    @property
    def dropped(self) -> tuple[int, ...]:
        """Pixels at the end that the last window doesn't come to."""
        return tuple(range(max(0, self.start(self.count - 1) + self.reach), self.size))


def placed(windows: Windows) -> Windows:
    """The windows, where there are any.

    Raises:
        InputError: where not one window fits, or where a pool is padded by more than PyTorch allows.
    """
    if windows.ceil and windows.padding > windows.kernel // 2:
        raise InputError(
            _(
                "P: {padding} is more than half of the window, {half}; only pools round up, and they take no more"
            ).format(padding=windows.padding, half=windows.kernel // 2)
        )
    if windows.count < 1:
        raise InputError(
            _(
                "F: a window that reaches over {reach} pixels does not fit into {size} + 2·{padding} = {padded}; "
                "take a smaller window, less dilation, or more padding"
            ).format(
                reach=windows.reach,
                size=windows.size,
                padding=windows.padding,
                padded=windows.size + 2 * windows.padding,
            )
        )
    return windows


def steps(windows: Windows) -> list[str]:
    """The formula, and the same with its numbers put in, one operation a line."""
    size, padding, stride, room = windows.size, windows.padding, windows.stride, windows.room
    rounding = "ceil" if windows.ceil else "floor"
    dilated = windows.dilation > 1
    moves = -(-room // stride) if windows.ceil else room // stride
    reach = f"({windows.dilation}·({windows.kernel} − 1) + 1)" if dilated else f"{windows.kernel}"
    lines = [
        f"out = {rounding}((in − {'(D·(F − 1) + 1)' if dilated else 'F'} + 2P) / S) + 1",
        f"out = {rounding}(({size:,} − {reach} + 2·{padding}) / {stride}) + 1",
        f"out = {rounding}({room:,} / {stride}) + 1",
        f"out = {moves:,} + 1 = {moves + 1:,}",
    ]
    if moves + 1 != windows.count:
        lines.append(f"out = {moves + 1:,} − 1 = {windows.count:,}")
    return lines
