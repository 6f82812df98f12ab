"""Values for the source template of the ``vgg`` family: a ``CFG`` list, and a branch for each kind of token."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import dedent
from typing import Any, NamedTuple, assert_never

from explorer.families.recognition.layers import Shape
from explorer.families.vgg.spec import VggSpec
from explorer.families.writing import WIDTH, bracketed
from explorer.specs.cfg import Conv, Norm, Pool, Token, tokens

POOLS = {"M": ("MaxPool2d", "max-pool"), "A": ("AvgPool2d", "average pool")}
MARGIN = " " * 3  # an indent of four without the blank before each token


class Windows(NamedTuple):
    """The windows of one kind of layer in ``CFG``.

    Attributes:
        fields: Names of the values that differ between tokens and are written in ``CFG``.
        call: Last arguments of the layer's constructor.
        words: Description of the values that all tokens share.
    """

    fields: tuple[str, ...]
    call: tuple[str, ...]
    words: str


def context(spec: VggSpec, _maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        _maps: Shape of the last output of each top-level module, which this template does not use.
    """
    parsed = tokens(spec.cfg)
    convs = [token for token in parsed if isinstance(token, Conv)]
    conv = windows(convs, "convolution") if convs else None
    pools = {}
    for letter, (_layer, words) in POOLS.items():
        if found := [token for token in parsed if isinstance(token, Pool) and token.letter == letter]:
            pools[letter] = windows(found, words)
    norm = Norm() in parsed

    legend = []
    if conv:
        after = f"batch norm and {spec.act.name}" if spec.batch_norm else spec.act.name
        named = f"({', '.join(('channels', *conv.fields))}): a {conv.words}"
        plain = f"{convs[0].channels}: a {conv.words} to {convs[0].channels} channels"
        legend.append(f"{named if conv.fields else plain}, then {after}.")
    for letter, pool in pools.items():
        named = f"({', '.join((_quoted(letter), *pool.fields))})" if pool.fields else _quoted(letter)
        legend.append(f"{named}: a {pool.words}.")
    if norm:
        legend.append('"L": local response normalisation.')

    def written(token: Token) -> str:
        match token:
            case Conv():
                return _written(str(token.channels), token, conv)
            case Pool(letter):
                return _written(_quoted(letter), token, pools[letter])
            case Norm():
                return '"L"'
            case _:
                assert_never(token)

    return {
        "cfg": _cfg([(written(token), isinstance(token, Pool)) for token in parsed]),
        "legend": legend,
        "conv": conv,
        "convolution": _convolution(conv, 12 if not pools and not norm else 20) if conv else "",
        "pools": [(letter, POOLS[letter][0], pool) for letter, pool in pools.items()],
        "norm": norm,
        "head": bracketed("self.classifier = nn.Sequential(", _head(spec), ")", 8),
    }


def windows(layers: Sequence[Conv | Pool], words: str) -> Windows:
    """The values that differ between the windows of convolutions or of pools, and the values that they share."""
    pools = isinstance(layers[0], Pool)
    kernels, strides, paddings = (
        {getattr(layer, name) for layer in layers} for name in ("kernel", "stride", "padding")
    )
    fields, call = [], []
    if len(kernels) > 1:
        fields.append("kernel")
        call.append("kernel")
    else:
        call.append(str(min(kernels)))
        words = f"{min(kernels)}x{min(kernels)} {words}"
    if len(strides) > 1 and not (pools and all(layer.stride == layer.kernel for layer in layers)):
        fields.append("stride")
        call.append("stride")
    elif len(strides) == 1 and (pools or strides != {1}):
        words = f"{words} with stride {min(strides)}"
        if not pools or strides != kernels:
            call.append(str(min(strides)))
    named = "padding=" if len(call) == 1 else ""
    if len(paddings) > 1 and all(layer.padding == layer.kernel // 2 for layer in layers):
        call.append(f"{named}kernel // 2")
    elif len(paddings) > 1:
        fields.append("padding")
        call.append(f"{named}padding")
    elif paddings != {0}:
        call.append(f"{named}{min(paddings)}")
    convolutions = [layer for layer in layers if isinstance(layer, Conv)]
    for name in ("dilation", "groups"):
        values = {getattr(layer, name) for layer in convolutions}
        if len(values) > 1:
            fields.append(name)
            call.append(f"{name}={name}")
        elif values - {1}:
            call.append(f"{name}={min(values)}")
            words = f"{words}, {name} {min(values)}"
    return Windows(tuple(fields), tuple(call), words)


def _convolution(conv: Windows, depth: int) -> str:
    """Source of the convolution, which the template indents: ``depth`` blanks are before it in the file."""
    line = bracketed("nn.Conv2d(", ["channels", "width", *conv.call], ")", depth)
    return dedent(line)


def _quoted(letter: str) -> str:
    return f'"{letter}"'


def _written(head: str, token: Conv | Pool, shared: Windows | None) -> str:
    fields = [str(getattr(token, field)) for field in shared.fields] if shared else []
    return f"({', '.join([head, *fields])})" if fields else head


def _cfg(written: list[tuple[str, bool]]) -> str:
    """The list on one line if it fits, else with each stage on its own line.

    Args:
        written: Source of each token, and whether it ends a stage.
    """
    line = f"CFG = [{', '.join(token for token, _last in written)}]"
    if len(line) <= WIDTH:
        return line
    lines = [MARGIN]
    for token, last in written:
        if len(f"{lines[-1]} {token},") > WIDTH:
            lines.append(MARGIN)
        lines[-1] += f" {token},"
        if last:
            lines.append(MARGIN)
    stages = [line for line in lines if line != MARGIN]
    return "\n".join(["# fmt: off", "CFG = [", *stages, "]", "# fmt: on"])


def _head(spec: VggSpec) -> list[str]:
    """Source of the classifier's layers; the last one has ``num_classes`` outputs."""
    convolutional, (rows, columns) = spec.head == "conv", spec.head_size
    kernel = str(rows) if rows == columns else f"({rows}, {columns})"
    widths = [str(spec.out_channels), *map(str, spec.classifier), "num_classes"]
    if not convolutional and rows * columns > 1:
        widths[0] = f"{widths[0]} * {rows} * {columns}"
    dropout = f"nn.Dropout({spec.dropout})"
    layers = []
    for position, (before, after) in enumerate(pairwise(widths)):
        if spec.dropout and spec.dropout_position == "before" and position < 2:
            layers.append(dropout)
        if convolutional:
            layers.append(f"nn.Conv2d({before}, {after}, {1 if position else kernel})")
        else:
            layers.append(f"nn.Linear({before}, {after})")
        if position < len(spec.classifier):
            layers.append(spec.act.source)
            if spec.dropout and spec.dropout_position == "after":
                layers.append(dropout)
    if convolutional:
        layers += ["nn.AdaptiveAvgPool2d(1)", "nn.Flatten()"]
    return layers
