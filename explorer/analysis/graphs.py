"""The analysis of a network from an ONNX file: its operators run on meta, like those of a module."""

import math
from collections import Counter
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from explorer.analysis.devices import AUTO
from explorer.analysis.graph_call import Call, Step, unknown, weights
from explorer.analysis.graph_layers import step
from explorer.analysis.graph_modules import window_side
from explorer.analysis.graph_patterns import with_group_norms
from explorer.analysis.memory import Precision
from explorer.analysis.modules import top_level_heads, trace_network
from explorer.analysis.result import Analysis, NetworkWarning
from explorer.analysis.summary import checked_device, complete, summarise
from explorer.errors import InputError
from explorer.graphs import Constant, Graph, Node
from explorer.i18n import _, ngettext

# Results that are parameters in another form, if their input is one.
REARRANGED = frozenset("Transpose Reshape Unsqueeze Squeeze Flatten Identity Cast DequantizeLinear".split(" "))
MEASURES = frozenset(["Shape", "Size"])  # what depends on them is unknown, if they are
POSITIVE = ("strides", "dilations", "kernel_shape", "group", "num_groups")  # attributes
MAX_NAMES = 5  # names in a message
MAX_LEVELS = 12  # of modules in modules in a name
# Cells along the sides of all maps, times the window that reads them: the work of following receptive fields. That of
# torchvision's networks is a hundredth of it.
MAX_WORK = 2**28


def analyse_graph(graph: Graph, name: str = "", *, batch_size: int = 32) -> Analysis:
    """Analyses the graph of an ONNX file for one image. How it would train is unknown.

    Args:
        graph: Graph of the file.
        name: Name of the network. Empty for the name in the file.
        batch_size: Batch size of the analysis' heading; without training it changes nothing.

    Raises:
        InputError: If an operator can't run on its input, or no result depends on the image; the message names it.
    """
    try:
        network = GraphNetwork(graph)
        trace = trace_network(network, graph.shape[1:])
    except InputError as error:
        if graph.batch in (None, 1):
            raise
        raise InputError(
            _(
                "{reason} (the file fixes the batch to {batch} images, and it is read for one: if this is the cause, "
                "export it with a free batch)"
            ).format(reason=error, batch=graph.batch)
        ) from None
    summary = summarise(network, {}, top_level_heads(trace), trace, is_complete=not network.left_out)
    make = partial(Analysis, name=name or graph.name, input_shape=graph.shape)
    analysis = complete(
        summary, None, make, batch_size, "momentum", Precision.FP32, checked_device(batch_size, "momentum", AUTO)
    )
    for warning in _warnings(network, graph):
        analysis = analysis.with_warning(warning)
    return analysis


class GraphNetwork(nn.Module):
    """The operators of a graph as modules on meta.

    Attributes:
        left_out: Nodes that did not run, because a shape before them is unknown.
    """

    def __init__(self, graph: Graph) -> None:
        """Makes the modules. A tensor of the file that several operators use is one parameter."""
        super().__init__()
        self.graph = graph
        self.left_out: list[Node] = []
        self._constants: dict[str, Constant] = dict(graph.constants)
        self._shared: dict[tuple[str, tuple[int, ...]], nn.Parameter] = {}
        self._shapes: dict[str, tuple[int, ...]] = {graph.image: graph.shape}
        self._left = nn.ParameterList()
        self._steps: list[tuple[Node, Step | None, list[str]]] = []
        self._names = Counter[str]()
        names = layer_names(graph)
        for node in with_group_norms(graph):
            if self._is_constant(node):
                continue
            inputs = [one for one in node.inputs if one and one not in self._constants]
            call = Call(node, self._constants, self._shapes, self._parameter)
            made = _made(call)
            if made is None and node.operator not in MEASURES and all(shape is not None for shape in node.shapes):
                made = unknown(call)
            elif made is None:
                self._left.extend(weights(call))  # they are in the number of parameters
            self._shapes |= {
                name: shape for name, shape in zip(node.outputs, node.shapes, strict=False) if shape is not None
            }
            layer = getattr(made, "module", made)
            if isinstance(layer, nn.Module):
                self._add(names[node.outputs[0]], layer)
            self._steps.append((node, made, inputs))
        uses = {name: position for position, (_node, _step, inputs) in enumerate(self._steps) for name in inputs}
        self._last_uses = uses | dict.fromkeys(graph.outputs, len(self._steps))

    def _add(self, name: str, layer: nn.Module) -> None:
        self._names[name] += 1
        # Not add_module: names have dots, as those of the modules that they were made from.
        self._modules[name if self._names[name] == 1 else f"{name}#{self._names[name]}"] = layer

    def _parameter(self, name: str, shape: tuple[int, ...] | None) -> nn.Parameter:
        shape = self._constants[name].shape if shape is None else shape
        if (name, shape) not in self._shared:
            self._shared[name, shape] = nn.Parameter(torch.empty(shape, device="meta"))
        return self._shared[name, shape]

    def _is_constant(self, node: Node) -> bool:
        """Whether a node depends on constants alone; its result is then a constant of the same kind."""
        present = [name for name in node.inputs if name]
        if not all(name in self._constants for name in present):
            return False
        rearranged = node.operator in REARRANGED or self._repeats_nothing(node)
        is_parameter = rearranged and bool(present) and node.is_float
        for name, shape in zip(node.outputs, node.shapes, strict=False):
            if shape is not None:
                self._constants[name] = Constant(shape=shape, is_float=is_parameter)
        return True

    def _repeats_nothing(self, node: Node) -> bool:
        """Whether a node expands a constant to the batch of one image, as is done with the class token of a ViT."""
        before, after = self._constants.get(node.inputs[0]) if node.inputs else None, node.shapes[0]
        return (
            node.operator == "Expand"
            and before is not None
            and after is not None
            and math.prod(before.shape) == math.prod(after)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Runs the operators in order. Those without their input are left out."""
        values: dict[str, Any] = {self.graph.image: image}
        del image
        self.left_out = []
        result, work = None, 0
        for position, (node, run, inputs) in enumerate(self._steps):
            if run is None or not all(name in values for name in inputs):
                if node.is_float and any(name not in self._constants for name in inputs):
                    self.left_out.append(node)
                continue
            found = run(*(values[name] for name in inputs))
            results = list(found) if isinstance(found, tuple | list) else [found]
            work += sum(sum(tensor.shape) for tensor in results if tensor.dim() > 2) * window_side(run)
            if work > MAX_WORK:
                raise InputError(
                    _("{layer}: up to here the maps or windows of the file are larger than any network needs").format(
                        layer=node.name
                    )
                )
            values.update(zip(node.outputs, results, strict=False))
            result = results[0] if not set(self.graph.outputs) & values.keys() else result
            del found, results  # so that only what is still needed stays in memory
            for name in {*inputs, *node.outputs}:
                if self._last_uses.get(name, -1) <= position:
                    values.pop(name, None)
        output = next((values[name] for name in self.graph.outputs if name in values), result)
        if not isinstance(output, Tensor):
            raise InputError(
                _("{layer}: the shape that {operator} returns is unknown, and all that follows depends on it").format(
                    layer=self.left_out[0].name, operator=self.left_out[0].operator
                )
                if self.left_out
                else _("no operator that is known here uses the image")
            )
        return output


def _made(call: Call) -> Step | None:
    """Returns the function of a node.

    Raises:
        InputError: If its settings contradict each other.
    """
    node = call.node
    for name in POSITIVE:
        numbers = call.integers(name, []) or [call.integer(name, 1)]
        if min(numbers) < 1:
            raise InputError(
                _("{layer}: {setting} is {value}, and must be at least 1").format(
                    layer=node.name, setting=name, value=min(numbers)
                )
            )
    try:
        return step(call)
    except (ValueError, IndexError, RuntimeError, TypeError, AttributeError):
        raise InputError(
            _("{layer}: the settings of {operator} contradict each other").format(
                layer=node.name, operator=node.operator
            )
        ) from None


def layer_names(graph: Graph) -> dict[str, str]:
    """Returns the name of each node's layer by its first output.

    Nodes without weights often have names that tell nothing (``node_relu_3``). They get the module of their inputs.
    """
    scopes = Counter(prefix for node in graph.nodes for prefix in _prefixes(node.name))
    names: dict[str, str] = {}
    order: dict[str, int] = {}
    for position, node in enumerate(graph.nodes):
        name, scope = node.name, node.name.rpartition(".")[0]
        if scope and scopes[scope] == 1:  # the module has no other operator
            name = scope
        before = [names[one] for one in sorted((one for one in node.inputs if one in names), key=order.__getitem__)]
        if "." not in name and before:
            module = _common_module(before)
            name = f"{module}.{node.operator.lower()}" if module else node.operator.lower()
        for output in node.outputs:
            names[output], order[output] = name, position
    return names


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, min(len(parts), MAX_LEVELS))]


def _common_module(names: list[str]) -> str:
    """Returns the module that joins layers: the innermost that has them all, unless it is only a list of modules."""
    latest = names[-1].split(".")[:-1]
    paths = [name.split(".") for name in names]
    common = 0
    while all(common < len(path) - 1 and path[common] == paths[0][common] for path in paths):
        common += 1
    is_list = any(path[common].isdecimal() for path in paths)
    return ".".join(paths[0][:common] if common and not is_list else latest)


def _warnings(network: GraphNetwork, graph: Graph) -> list[NetworkWarning]:
    warnings = []
    if graph.are_channels_assumed:
        warnings.append(
            NetworkWarning(
                "channels-assumed",
                _(
                    "The file does not declare the channels of its input {name}. These numbers take it for an image of "
                    "{channels} channels, as many as the first convolution reads, and {height}×{width} pixels."
                ).format(name=graph.image, channels=graph.shape[1], height=graph.shape[2], width=graph.shape[3]),
            )
        )
    if graph.batch not in (None, 1):
        warnings.append(
            NetworkWarning(
                "fixed-batch",
                _("The file fixes the batch to {batch} images. These numbers are for one image.").format(
                    batch=graph.batch
                ),
            )
        )
    if network.left_out:
        names = list(dict.fromkeys(node.operator for node in network.left_out))
        warnings.append(
            NetworkWarning(
                "left-out",
                ngettext(
                    "{count} operator is left out ({operators}), at {layer}: the shape of an input is unknown. Its "
                    "costs are missing; the numbers before it are right.",
                    "{count} operators are left out ({operators}), the first at {layer}: the shape of an input is "
                    "unknown. Their costs are missing; the numbers before them are right.",
                    len(network.left_out),
                ).format(
                    count=len(network.left_out),
                    operators=", ".join(names[:MAX_NAMES]) + (" …" if len(names) > MAX_NAMES else ""),
                    layer=network.left_out[0].name,
                ),
            )
        )
    return warnings
