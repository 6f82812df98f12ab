"""The window of a convolution or pool as people type it: ``7/2p3`` is a 7x7 kernel with stride 2 and padding 3."""

_NUMBER = "[0-9]{1,9}"


def window_pattern(blank: str = "", after_kernel: str = "") -> str:
    """A regular expression with the groups ``kernel``, ``stride`` and ``padding``, of which the last two may be empty.

    Args:
        blank: The pattern of what may stand around the signs.
        after_kernel: The pattern of what stands between kernel and stride.
    """
    stride, padding = (
        f"(?:{blank}{sign}{blank}(?P<{name}>{_NUMBER}))?" for sign, name in (("/", "stride"), ("p", "padding"))
    )
    return f"(?P<kernel>{_NUMBER}){after_kernel}{stride}{padding}"


def window_text(kernel: int, stride: int, padding: int, usual: tuple[int, int | None]) -> str:
    """The shortest text of a window.

    Args:
        kernel: The side of the window.
        stride: The stride.
        padding: The padding.
        usual: The stride and padding that a text without them means. None where a text must name its padding.
    """
    return f"{kernel}" + (f"/{stride}" if stride != usual[0] else "") + (f"p{padding}" if padding != usual[1] else "")
