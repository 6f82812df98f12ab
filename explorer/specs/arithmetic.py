"""The arithmetic of sliding windows, without torch.

``out = floor((in + 2P - F) / S) + 1`` for a window of F pixels, padding P and stride S
(Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", relationship 6).
"""


def window_output(size: int, kernel: int, stride: int = 1, padding: int = 0, *, ceil: bool = False) -> int:
    """Number of windows along one axis of ``size`` pixels; zero or less if none fits.

    With ``ceil`` the last window may overlap the edge if it starts inside the input or its left padding, as in
    PyTorch's pools.
    """
    room = size + 2 * padding - kernel
    windows = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (windows - 1) * stride >= size + padding:
        windows -= 1
    return windows
