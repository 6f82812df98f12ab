"""Positions of the windows of a convolution or pool along one axis, and the cells that no window reads."""

from dataclasses import dataclass

from explorer.errors import InputError
from explorer.i18n import _
from explorer.specs.arithmetic import window_output


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows along one axis of ``size`` pixels; the first pixel has position 0.

    With ``ceil`` the division rounds up, and the last window may extend over the edge, as in PyTorch's pools.
    """

    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def effective_kernel(self) -> int:
        """Effective kernel: pixels from the first to the last tap, dilation·(kernel − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def travel(self) -> int:
        """Pixels by which the first window can move: in + 2P − F."""
        return self.size + 2 * self.padding - self.effective_kernel

    @property
    def count(self) -> int:
        """Number of windows, which is the size of the output; zero or less if no window fits."""
        return window_output(self.size, self.effective_kernel, self.stride, self.padding, ceil=self.ceil)

    @property
    def end(self) -> int:
        """Position after the last pixel, padding or tap."""
        return max(self.size + self.padding, self.start(self.count - 1) + self.effective_kernel)

    def start(self, window: int) -> int:
        """Returns the position of a window's first tap."""
        return window * self.stride - self.padding

    def taps(self, window: int) -> range:
        """Returns the positions that a window reads."""
        start = self.start(window)
        return range(start, start + self.effective_kernel, self.dilation)

    @property
    def unread(self) -> tuple[int, ...]:
        """Pixels that no window reads, at the end or between windows."""
        read = {tap for window in range(self.count) for tap in self.taps(window)}
        return tuple(position for position in range(self.size) if position not in read)

    @property
    def dropped(self) -> tuple[int, ...]:
        """Pixels after the last window."""
        return tuple(range(max(0, self.start(self.count - 1) + self.effective_kernel), self.size))


def validated(windows: Windows) -> Windows:
    """Returns the windows if they are valid.

    Raises:
        InputError: If no window fits, or a pool has more padding than PyTorch allows.
    """
    if windows.ceil and windows.padding > windows.kernel // 2:
        raise InputError(
            _(
                "P: {padding} is more than half of the window, {half}; ceil mode is for pools, and PyTorch's "
                "pools take no more"
            ).format(padding=windows.padding, half=windows.kernel // 2)
        )
    if windows.count < 1:
        raise InputError(
            _(
                "F: a window that reaches over {reach} pixels does not fit into {size} + 2·{padding} = {padded}; "
                "take a smaller window, less dilation, or more padding"
            ).format(
                reach=windows.effective_kernel,
                size=windows.size,
                padding=windows.padding,
                padded=windows.size + 2 * windows.padding,
            )
        )
    return windows


def formula_lines(windows: Windows) -> list[str]:
    """Returns the formula of the output size, then with its values, one operation per line."""
    size, padding, stride, room = windows.size, windows.padding, windows.stride, windows.travel
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
