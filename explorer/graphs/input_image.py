"""The input of an ONNX file, taken for one image."""

import math
from typing import Any, NamedTuple

from explorer.errors import ContentError, shown
from explorer.graphs.graph import MAX_ELEMENTS
from explorer.i18n import _

CHANNELS_FIRST = [0, 3, 1, 2]
MAX_SIDE = 2**20
# What may come between the image and the first convolution and keeps its channels.
KEEP_CHANNELS = frozenset("Pad Identity Cast Sub Add Mul Div QuantizeLinear DequantizeLinear".split(" "))


class InputImage(NamedTuple):
    """The input.

    Attributes:
        name: Its name.
        shape: Shape of one image as a batch, (1, C, H, W).
        batch: Batch size that is fixed in the file; None if it is free.
        is_channels_last: Whether the file begins by moving the channels to the front.
        are_channels_assumed: Whether the file does not declare the channels; the first convolution tells them.
    """

    name: str
    shape: list[int]
    batch: int | None
    is_channels_last: bool
    are_channels_assumed: bool


def input_image(model: Any, constants: dict[str, list[int]], image_size: tuple[int, int] | None) -> InputImage:
    """Returns the input of a model, and writes its shape into the model, with a batch of one image.

    Args:
        model: Model, which changes.
        constants: Shapes of the constants of the file by name.
        image_size: Height and width in pixels, for a file that leaves them free.

    Raises:
        ContentError: If the input is no image, or its shape stays unknown.
    """
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ContentError(
            _("it has {count} inputs ({names}); only networks that take one image are read").format(
                count=len(inputs), names=", ".join(shown(value.name) for value in inputs[:5])
            )
        )
    name, tensor = inputs[0].name, inputs[0].type.tensor_type
    has_shape = tensor.HasField("shape")
    if not has_shape:
        for _axis in CHANNELS_FIRST:
            tensor.shape.dim.add()
    dims = list(tensor.shape.dim)
    if len(dims) != 4:
        raise ContentError(
            _("its input {name} has {rank} dimensions; an image has 4: batch, channels, height, width").format(
                name=shown(name), rank=len(dims)
            )
        )
    for dim in dims:
        if dim.dim_value < 1:  # some exporters write a free side as 0 or -1
            dim.ClearField("dim_value")
    batch = dims[0].dim_value if _is_fixed(dims[0]) else None
    dims[0].dim_value = 1
    moves = _moves_of_channels(model, name)
    if moves:
        dims = [dims[axis] for axis in CHANNELS_FIRST]
    are_channels_assumed = not _is_fixed(dims[1])
    channels = _channels_read(model, {name, *moves}, constants) if are_channels_assumed else None
    for dim, size in zip(dims[1:], (channels, *(image_size or ())), strict=False):
        if size and not _is_fixed(dim):
            dim.dim_value = size
    _check_sides(name, dims, has_shape=has_shape)
    return InputImage(name, [dim.dim_value for dim in dims], batch, bool(moves), are_channels_assumed)


def _is_fixed(dim: Any) -> bool:
    return bool(dim.WhichOneof("value") == "dim_value")


def _check_sides(name: str, dims: list[Any], *, has_shape: bool) -> None:
    """Checks the shape of the image, and says what to do about what is unknown."""
    if not _is_fixed(dims[1]):
        raise ContentError(
            _(
                "its input {name} declares no number of channels, and no convolution reads it directly; export the "
                "network again with the shape of its image"
            ).format(name=shown(name))
        )
    if not all(map(_is_fixed, dims)):
        sentence = (
            _("its input {name} leaves height or width free; say the size with --image-size")
            if has_shape
            else _("its input {name} declares no shape; say the height and width of an image with --image-size")
        )
        raise ContentError(sentence.format(name=shown(name)))
    shape = [dim.dim_value for dim in dims]
    if not all(1 <= size <= MAX_SIDE for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise ContentError(_("its input {name} is larger than any image").format(name=shown(name)))


def _attribute(node: Any, name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name), default)


def _moves_of_channels(model: Any, image: str) -> list[str]:
    """Returns the image with its channels first, if all that read it move them, as converters from Keras write."""
    readers = [node for node in model.graph.node if image in node.input]
    moves = all(
        node.op_type == "Transpose" and list(_attribute(node, "perm", ())) == CHANNELS_FIRST for node in readers
    )
    return [name for node in readers for name in node.output] if moves else []


def _channels_read(model: Any, names: set[str], constants: dict[str, list[int]]) -> int | None:
    """Returns the number of channels that the first convolution takes from the image; None if there is none."""
    for node in model.graph.node:
        if not node.input or node.input[0] not in names:
            continue
        if node.op_type in KEEP_CHANNELS:
            names.update(node.output)
        shape = constants.get(node.input[1], []) if node.op_type == "Conv" and len(node.input) > 1 else []
        if len(shape) == 4:
            return int(shape[1] * _attribute(node, "group", 1))
    return None
