"""The notation of windows of convolutions and pools: ``7/2p3`` is a 7x7 kernel with stride 2 and padding 3."""

_NUMBER = "[0-9]{1,9}"


def window_pattern(blank: str = "", after_kernel: str = "") -> str:
    """Return a regular expression with the groups ``kernel``, ``stride`` and ``padding``. The last two are optional.

    Args:
        blank: Pattern of the text around the signs.
        after_kernel: Pattern of the text between kernel and stride.
    """
    stride, padding = (
        f"(?:{blank}{sign}{blank}(?P<{name}>{_NUMBER}))?" for sign, name in (("/", "stride"), ("p", "padding"))
    )
    return f"(?P<kernel>{_NUMBER}){after_kernel}{stride}{padding}"


def window_text(kernel: int, stride: int, padding: int, default: tuple[int, int | None]) -> str:
    """Return the shortest text of a window.

    Args:
        kernel: Side of the window.
        stride: Stride.
        padding: Padding.
        default: Stride and padding of a text without them. None if a text must name its padding.
    """
    suffix = f"/{stride}" if stride != default[0] else ""
    return f"{kernel}{suffix}" + (f"p{padding}" if padding != default[1] else "")
