"""Messages for users when PyTorch or torchvision refuses a network or an image size.

Their own messages name their own functions.
"""

from explorer.i18n import _


def explain(error: BaseException) -> str:
    """The broken rule as a message, found by words of PyTorch's message."""
    message = str(error.__cause__ or error)
    for signs, sentence in (
        (("more than 1 value per channel",), _("a batch norm would see a single value of each channel")),
        (
            (
                "Output size is too small",
                "can't be greater than actual input size",
                "smaller than kernel",
                "input_size",
            ),
            _("a map of it is smaller than the window that moves over it"),
        ),
        (("overflow",), _("one of its maps holds more numbers than PyTorch can count")),
        (("indivisible", "divisible by patch", "Wrong image"), _("patches of its size don't fill such an image")),
        (("mat1 and mat2", "shapes cannot be multiplied"), _("its linear layers are made for maps of another size")),
        (("must match", "Sizes of tensors", "size of tensor"), _("maps that come together in it differ in size")),
    ):
        if any(sign in message for sign in signs):
            return sentence
    return _("one of its layers takes no input of the size that it gets")
