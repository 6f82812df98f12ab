"""Networks for the browser: the forward pass as a list of steps with weights, which a page computes without the server.

``ui/assets/drawing_network.js`` computes the steps. Most small networks can be written in this way: convolution, linear
layer, batch norm, activation, pooling, addition, concatenation and padded shortcuts. Networks with other operations,
and large ones, stay on the server.
"""

import base64
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache, cached
from torch import Tensor, fx, nn

from explorer.analysis import analyse
from explorer.data.preprocessing import Preprocessing
from explorer.families.modules import Concat, PadShortcut
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
    card = network.card
    framing = ink.framing_for(card)
    height, width = card.inputs.sides
    if framing is None or height != width or network.memory > MAX_BYTES or network.analysis.totals.macs > MAX_MACS:
        return None
    found = written(network.module, card)
    return found and {"framing": framing.value, "bright": ink.strokes_are_bright(card), **found}


def written(module: nn.Module, card: Card) -> dict[str, Any] | None:
    """Returns the ``input``, ``steps`` and ``weights`` of a network, as JSON-ready data.

    None if it has an operation that the browser does not have.

    Args:
        module: Network in evaluation mode.
        card: Card of its weights.
    """
    weights = _Weights()
    try:
        steps = _steps(module, weights)
    except _NotExpressibleError:
        return None
    return {"input": _input(card.inputs, channels_of(card)), "steps": steps, "weights": weights.encoded()}


def macs_of(card: Card) -> int:
    """Returns the MACs of a network for one image."""
    return analyse(card.network_spec).totals.macs


def _input(inputs: Preprocessing, channels: int) -> dict[str, Any]:
    """Returns the numbers of :class:`explorer.data.preprocessing.Normalise`."""
    levels = torch.tensor([inputs.mean, inputs.std], dtype=torch.float64) * 255
    order = None
    if inputs.permutation_seed is not None:
        generator = torch.Generator().manual_seed(inputs.permutation_seed)
        order = torch.randperm(inputs.sides.area, generator=generator).tolist()
    return {
        "size": inputs.sides.height, "channels": channels, "mean": levels[0].float().tolist(),
        "rate": levels[1].reciprocal().float().tolist(), "order": order,
    }  # fmt: skip


class _Tracer(fx.Tracer):
    """Keeps modules whole that the browser computes as one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in _LAYERS or super().is_leaf_module(m, module_qualified_name)


def _steps(module: nn.Module, weights: _Weights) -> list[Step]:
    """Returns the steps of a network in evaluation mode.

    Raises:
        _NotExpressibleError: If there is an operation that the browser does not have.
    """
    try:
        graph = _Tracer().trace(module)
    except Exception as error:  # a forward pass in Python can fail in any way while it is traced
        raise _NotExpressibleError from error
    steps: list[Step] = []
    places: dict[fx.Node, int] = {}  # of the values that the nodes compute
    for node in graph.nodes:
        if node.op == "placeholder":
            places[node] = 0
        elif node.op == "output":
            if node.args[0] not in places or places[node.args[0]] != len(steps):
                raise _NotExpressibleError
        else:
            step = _step(node, module, weights)
            inputs = [places[one] for one in node.all_input_nodes]
            if step is None:
                places[node] = inputs[0]
                continue
            steps.append({**step, "of": inputs})
            places[node] = len(steps)
    return steps


def _step(node: fx.Node, module: nn.Module, weights: _Weights) -> Step | None:
    """Returns the step of a node without the indices of its values. None if it changes nothing."""
    if node.op == "call_module" and not node.kwargs:
        layer = module.get_submodule(str(node.target))
        make = _LAYERS.get(type(layer))
        if make is not None:
            return make(layer, weights)
    is_sum = node.op == "call_function" and node.target in (operator.add, operator.iadd, torch.add) and not node.kwargs
    if is_sum and all(isinstance(one, fx.Node) for one in node.args):
        return {"name": "add"}
    if node.op == "call_function" and node.target is torch.flatten and node.args[1:] == (1,):
        return {"name": "flatten"}
    if node.op == "call_function" and node.target is torch.cat and node.args[1:] == (1,) and not node.kwargs:
        return {"name": "concatenate"}
    raise _NotExpressibleError


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
