"""Values for the Keras template of the ``vgg`` family: a line of source for each layer."""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from explorer.errors import SpecError
from explorer.families.recognition.layers import Shape
from explorer.families.vgg.spec import VggSpec
from explorer.i18n import _
from explorer.specs.cfg import Conv, Norm, Pool, tokens
from explorer.specs.size import Size

POOLS = {"M": "max_pool", "A": "average_pool"}
ACTIVATE = "x = activate(x)"


def context(spec: VggSpec, _maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        _maps: Shape of the last output of each top-level module, which this template does not use.

    Raises:
        SpecError: If Keras has no such layer.
    """
    return {"lines": [*_features(spec), *_between(spec), *_head(spec)]}


def _features(spec: VggSpec) -> Iterator[str]:
    index = 0  # of the layer in PyTorch's Sequential
    for token in tokens(spec.cfg):
        match token:
            case Conv(width, kernel, stride, padding, dilation, groups):
                if stride > 1 and dilation > 1:
                    raise SpecError(_("cfg: Keras has no convolution with a stride and a dilation"))
                extra = "".join(
                    f", {name}={value}" for name, value in (("dilation", dilation), ("groups", groups)) if value > 1
                )
                yield f'x = conv(x, "features_{index}", {width}, {kernel}{_window(stride, 1, padding)}{extra})'
                if spec.batch_norm:
                    index += 1
                    yield f'x = norm(x, "features_{index}")'
                index += 1
                yield ACTIVATE
            case Pool(letter, kernel, stride, padding):
                yield f"x = {POOLS[letter]}(x, {kernel}{_window(stride, None, padding)})"
            case Norm():
                yield "x = response_norm(x)"
            case _:
                assert_never(token)
        index += 1


def _sides(size: Size) -> str:
    return str(size.height if size.height == size.width else tuple(size))


def _window(stride: int, usual: int | None, padding: int) -> str:
    return ("" if stride == usual else f", {stride}") + (f", padding={padding}" if padding else "")


def _between(spec: VggSpec) -> Iterator[str]:
    if spec.head == "conv":
        return
    size = spec.head_size
    if size != spec.map_size:
        yield (
            "x = layers.GlobalAveragePooling2D(keepdims=True)(x)"
            if size.area == 1
            else f"x = layers.AdaptiveAveragePooling2D({_sides(size)})(x)"
        )
    if size.area > 1:
        yield "x = layers.Permute((3, 1, 2))(x)  # PyTorch flattens channel by channel"
    yield "x = layers.Flatten()(x)"


def _head(spec: VggSpec) -> Iterator[str]:
    index = 0
    widths = [*map(str, spec.classifier), "num_classes"]
    for position, width in enumerate(widths):
        if spec.dropout and spec.dropout_position == "before" and position < 2:
            yield f"x = layers.Dropout({spec.dropout})(x)"
            index += 1
        if spec.head == "conv":
            yield f'x = conv(x, "classifier_{index}", {width}, {1 if position else _sides(spec.head_size)})'
        else:
            yield f'x = layers.Dense({width}, name="classifier_{index}")(x)'
        index += 1
        if position < len(spec.classifier):
            yield ACTIVATE
            index += 1
            if spec.dropout and spec.dropout_position == "after":
                yield f"x = layers.Dropout({spec.dropout})(x)"
                index += 1
    if spec.head == "conv":
        yield "x = layers.GlobalAveragePooling2D()(x)"
