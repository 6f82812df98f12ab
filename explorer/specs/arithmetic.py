"""The arithmetic of sliding windows, without torch.

``out = floor((in + 2P - F) / S) + 1`` for a window of F pixels, padding P and stride S
(Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", relationship 6).
"""


def window_output(size: int, kernel: int, stride: int = 1, padding: int = 0, *, ceil: bool = False) -> int:
    """Number of windows along one axis of ``size`` pixels; zero or less where none fits.

    With ``ceil`` a last window may hang over the edge, but must start inside the input or its left
    padding, as PyTorch's pools do.
    """
    room = size + 2 * padding - kernel
    windows = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (windows - 1) * stride >= size + padding:
        windows -= 1
    return windows
