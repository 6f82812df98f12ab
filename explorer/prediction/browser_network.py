"""Networks for the browser: the forward pass as a list of steps with weights, which a page computes without the server.

``ui/assets/drawing_network.js`` computes the steps. Most small networks can be written in this way: convolution, linear
layer, batch norm, activation, pooling, addition, concatenation and padded shortcuts. Networks with other operations,
and large ones, stay on the server.
"""

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache, cached
from torch import Tensor, nn

from explorer.analysis import analyse
from explorer.analysis.trace import Op, Recorder, Trace, TracedLayer, Value
from explorer.families.building import build
from explorer.families.modules import Concat, PadShortcut
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.classify import channels_of
from explorer.prediction.networks import Network
from explorer.weights.files import Card

MAX_MACS = 20_000_000  # for one image: about 50 ms in a browser
MAX_BYTES = 4_000_000  # of weights, which are sent with the page
MAX_CACHED = 8  # networks

Step = dict[str, Any]


class _NotExpressibleError(Exception):
    """A network has an operation that the browser does not have."""


@dataclass
class _Weights:
    """The numbers of all steps, one after the other."""

    parts: list[Tensor] = field(default_factory=list)
    count: int = 0

    def add(self, tensor: Tensor | None) -> tuple[int, int] | None:
        """Adds a tensor, and returns the place of its first number and their count. None for no tensor."""
        if tensor is None:
            return None
        place = (self.count, tensor.numel())
        self.parts.append(tensor.detach().float().flatten())
        self.count += tensor.numel()
        return place

    def encoded(self) -> str:
        """Returns the numbers as base64 of little-endian 32-bit floats."""
        numbers = torch.cat(self.parts).numpy() if self.parts else np.empty(0)
        return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


@cached(LRUCache(MAX_CACHED), key=lambda network: network.key, lock=Lock())
def for_browser(network: Network) -> dict[str, Any] | None:
    """Returns a network as JSON-ready data for drawings in the browser. None if the server has to compute it.

    The data have the preparation of a drawing (``input``, ``framing``, ``bright``), the ``steps`` and their
    ``weights``. Each step has a ``name``, the indices of the values that it reads (``of``; 0 is the image, 1 the result
    of the first step), and its own numbers.
    """
    card, strokes = network.card, strokes_of(network.card)
    if strokes is None or network.memory > MAX_BYTES or network.analysis.totals.macs > MAX_MACS:
        return None
    found = written(network.module, card)
    return found and strokes | found


def strokes_of(card: Card) -> dict[str, Any] | None:
    """Returns how the browser prepares a drawing: ``framing`` and ``bright``.

    None if the network takes no drawings, or its input is not square, as the field is.
    """
    framing = ink.framing_for(card)
    if framing is None or card.inputs.sides.height != card.inputs.sides.width:
        return None
    return {"framing": framing.value, "bright": ink.strokes_are_bright(card)}


def written(module: nn.Module, card: Card) -> dict[str, Any] | None:
    """Returns the ``input``, ``steps`` and ``weights`` of a network, as JSON-ready data.

    None if it has an operation that the browser does not have.

    Args:
        module: Network in evaluation mode.
        card: Card of its weights.
    """
    weights = _Weights()
    try:
        steps = _steps(_trace(card), module, weights)
    except _NotExpressibleError:
        return None
    return {"input": input_of(card), "steps": steps, "weights": weights.encoded()}


def field_words(*, preparation: str) -> dict[str, str]:
    """Returns the sentences of a drawing field. The browser fills in what is in braces.

    Args:
        preparation: Steps that prepare a drawing for the network.
    """
    return {
        "paper": _("Field to draw into"),
        "keys": _(
            "Draw with mouse, finger or pen. By keyboard, arrow keys move the pen, and Space puts it down or lifts it."
        ),
        "undo": _("Undo"),
        "clear": _("Clear"),
        "thickness": _("Thickness"),
        "seen": _("What the network sees"),
        "hint": _("Draw here"),
        "preparation": preparation,
        "answer": _("{name}, {share}"),
        "unsure": _("Not sure: {name} ({share}) or {second} ({other})"),
    }


def macs_of(card: Card) -> int:
    """Returns the MACs of a network for one image."""
    return analyse(card.network_spec).totals.macs


def input_of(card: Card) -> dict[str, Any]:
    """Returns the size of a network's input, and the numbers of :class:`explorer.data.preprocessing.Normalise`."""
    inputs = card.inputs
    levels = torch.tensor([inputs.mean, inputs.std], dtype=torch.float64) * 255
    order = None
    if inputs.permutation_seed is not None:
        generator = torch.Generator().manual_seed(inputs.permutation_seed)
        order = torch.randperm(inputs.sides.area, generator=generator).tolist()
    return {
        "height": inputs.sides.height, "width": inputs.sides.width, "channels": channels_of(card), "order": order,
        "mean": levels[0].float().tolist(), "rate": levels[1].reciprocal().float().tolist(),
    }  # fmt: skip


def _trace(card: Card) -> Trace:
    """Records a forward pass of a network's modules on meta.

    ``torch.fx`` is no choice here: while it traces, it replaces ``nn.Module.__call__`` for all threads of the process.
    """
    module = build(card.network_spec, "meta").eval()
    recorder = Recorder(module)
    try:
        with torch.no_grad(), recorder, recorder.module_hooks():
            module(torch.empty(1, channels_of(card), *card.inputs.sides, device="meta"))
    except Exception as error:  # networks of torchvision raise errors of many kinds
        raise _NotExpressibleError from error
    return recorder.trace()


def _steps(trace: Trace, module: nn.Module, weights: _Weights) -> list[Step]:
    """Returns the steps of a network in evaluation mode.

    Args:
        trace: Forward pass of the network.
        module: Network with its weights.
        weights: Gets the weights of the steps.

    Raises:
        _NotExpressibleError: If there is an operation that the browser does not have.
    """
    steps: list[Step] = []
    places = {trace.image: 0}  # of values: 0 for the image, otherwise 1 + the index of the step

    def place(value: Value) -> int:
        """Returns the place of a value, after a step that flattens if no layer has made the value."""
        if value not in places:
            made_by = value.made_by
            if made_by is None or made_by.layer is not None or not _flattens(made_by):
                raise _NotExpressibleError
            steps.append({"name": "flatten", "of": [place(made_by.inputs[0])]})
            places[value] = len(steps)
        return places[value]

    for layer in trace.layers:
        inputs = [place(value) for value in layer.inputs]
        step = _step(layer, module, weights)
        if step is None:
            places[layer.output] = inputs[0]
            continue
        steps.append({**step, "of": inputs})
        places[layer.output] = len(steps)
    if place(trace.output) != len(steps):
        raise _NotExpressibleError
    return steps


def _flattens(operator: Op) -> bool:
    """Tells whether an operator writes each image as one row of numbers, in the same order."""
    if operator.name not in ("view", "_unsafe_view"):
        return False
    images, *rest = operator.inputs[0].shape
    return operator.output.shape == (images, math.prod(rest))


def _step(layer: TracedLayer, module: nn.Module, weights: _Weights) -> Step | None:
    """Returns the step of a layer without the indices of its values. None if it changes nothing."""
    if layer.module is not None and (make := _LAYERS.get(type(layer.module))):
        return make(module.get_submodule(layer.name.partition("#")[0]), weights)
    if _adds(layer):
        return {"name": "add"}
    if _concatenates(layer):
        return {"name": "concatenate"}
    raise _NotExpressibleError


def _adds(layer: TracedLayer) -> bool:
    """Tells whether a layer is nothing but the sum of two values of one shape that depend on the image."""
    if [(operator.name, len(operator.inputs), operator.kwargs) for operator in layer.ops] != [("add", 2, {})]:
        return False
    return [value.shape for value in layer.inputs] == [layer.output.shape] * 2


def _concatenates(layer: TracedLayer) -> bool:
    """Tells whether a layer is nothing but the concatenation of values along their channels."""
    if [operator.name for operator in layer.ops] != ["cat"]:
        return False
    channels = sum(value.shape[1] for value in layer.inputs)
    return layer.output.shape == (layer.inputs[0].shape[0], channels, *layer.inputs[0].shape[2:])


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, tuple | list) else [value, value]


def _convolution(layer: nn.Conv2d, weights: _Weights) -> Step:
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise _NotExpressibleError
    return {
        "name": "convolution", "weight": weights.add(layer.weight), "bias": weights.add(layer.bias),
        "outputs": layer.out_channels, "kernel": _pair(layer.kernel_size), "stride": _pair(layer.stride),
        "padding": _pair(layer.padding), "dilation": _pair(layer.dilation), "groups": layer.groups,
    }  # fmt: skip


def _batch_norm(layer: nn.BatchNorm2d, weights: _Weights) -> Step:
    if layer.running_mean is None or layer.running_var is None:
        raise _NotExpressibleError
    factor = (layer.running_var.double() + layer.eps).rsqrt()
    if layer.affine:
        factor = factor * layer.weight.double()
    summand = -layer.running_mean.double() * factor
    if layer.affine:
        summand = summand + layer.bias.double()
    return {"name": "scale", "factor": weights.add(factor), "summand": weights.add(summand)}


def _linear(layer: nn.Linear, weights: _Weights) -> Step:
    return {
        "name": "linear", "weight": weights.add(layer.weight), "bias": weights.add(layer.bias),
        "outputs": layer.out_features,
    }  # fmt: skip


def _pool(name: str, layer: nn.MaxPool2d | nn.AvgPool2d) -> Step:
    is_average = isinstance(layer, nn.AvgPool2d)
    if (layer.ceil_mode and is_average) or (not is_average and _pair(layer.dilation) != [1, 1]):
        raise _NotExpressibleError
    return {
        "name": name, "kernel": _pair(layer.kernel_size), "stride": _pair(layer.stride),
        "padding": _pair(layer.padding), "ceil": layer.ceil_mode,
    }  # fmt: skip


def _average(layer: nn.AvgPool2d, _weights: _Weights) -> Step:
    if layer.divisor_override is not None:
        raise _NotExpressibleError
    return {**_pool("average", layer), "counts_padding": layer.count_include_pad}


def _adaptive(layer: nn.AdaptiveAvgPool2d, _weights: _Weights) -> Step:
    size = _pair(layer.output_size)
    if None in size:
        raise _NotExpressibleError
    return {"name": "adaptive_average", "size": size}


def _flatten(layer: nn.Flatten, _weights: _Weights) -> Step:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise _NotExpressibleError
    return {"name": "flatten"}


def _activation(name: str) -> Callable[[Any, _Weights], Step]:
    return lambda _layer, _weights: {"name": "activation", "function": name}


def _leaky(layer: nn.LeakyReLU, _weights: _Weights) -> Step:
    return {"name": "activation", "function": "leaky", "slope": layer.negative_slope}


def _elu(layer: nn.ELU, _weights: _Weights) -> Step:
    return {"name": "activation", "function": "elu", "slope": layer.alpha}


def _gelu(layer: nn.GELU, _weights: _Weights) -> Step:
    if layer.approximate != "none":
        raise _NotExpressibleError
    return {"name": "activation", "function": "gelu"}


def _pad_shortcut(layer: PadShortcut, _weights: _Weights) -> Step:
    return {"name": "pad_shortcut", "stride": layer.stride, "channels": layer.new_channels}


def _nothing(_layer: nn.Module, _weights: _Weights) -> None:
    return None


_LAYERS: dict[type[nn.Module], Callable[[Any, _Weights], Step | None]] = {
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _batch_norm,
    nn.Linear: _linear,
    nn.ReLU: lambda _layer, _weights: {"name": "relu"},
    nn.LeakyReLU: _leaky,
    nn.ELU: _elu,
    nn.GELU: _gelu,
    nn.SiLU: _activation("silu"),
    nn.Tanh: _activation("tanh"),
    nn.Sigmoid: _activation("sigmoid"),
    Concat: lambda _layer, _weights: {"name": "concatenate"},
    PadShortcut: _pad_shortcut,
    nn.MaxPool2d: lambda layer, _weights: _pool("maximum", layer),
    nn.AvgPool2d: _average,
    nn.AdaptiveAvgPool2d: _adaptive,
    nn.Flatten: _flatten,
    nn.Dropout: _nothing,
    nn.Identity: _nothing,
}
