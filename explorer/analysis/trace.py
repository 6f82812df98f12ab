"""A recorder of one forward pass on meta as a dataflow graph.

A ``TorchDispatchMode`` sees every ATen operator below autograd, so Python control flow does not matter; forward hooks
say which module runs the operator. A traced layer is a call of a module without children, or an operator that a module
with children runs itself (an addition, a concatenation).
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.analysis.lifetimes import TensorLifetimes
from explorer.analysis.operators import KINDS, MOVES_DATA, MULTIPLIES
from explorer.families.meta_shapes import run_on_meta

Shape = tuple[int, ...]


@dataclass(slots=True, eq=False)
class Value:
    """A tensor after an operator; an in-place operator makes a new value.

    Attributes:
        shape: Shape of the tensor.
        itemsize: Bytes of an element.
        storage: Number of its memory; views and in-place results share it.
        source: "input" if the tensor depends on the image, "parameter" if only on parameters, else "constant".
        made_by: Operator that computes it.
        parameters: Indices of the parameters it depends on, unless it depends on the image.
    """

    shape: Shape
    itemsize: int
    storage: int
    source: str
    made_by: "Op | None" = None
    parameters: frozenset[int] = frozenset()

    @property
    def bytes(self) -> int:
        """Size of the tensor in bytes."""
        return math.prod(self.shape) * self.itemsize


@dataclass(slots=True, eq=False)
class Op:
    """A call of an operator, with values in place of tensors in its arguments."""

    name: str
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Value]
    outputs: list[Value]
    layer: "TracedLayer | None"

    @property
    def output(self) -> Value:
        """The first result; other results are indices and statistics."""
        return self.outputs[0]


WRITTEN = "written"  # a tensor after an operator changed a part of it
UNKNOWN = "explorer::unknown"  # stands for an operator of a file; its last argument is that operator's name
NO_VALUE = Value((), 0, 0, "constant")


@dataclass(slots=True, eq=False)
class TracedLayer:
    """A call of a module without children, or one operator outside such modules."""

    name: str
    kind: str
    module: nn.Module | None
    inputs: list[Value] = field(default_factory=list)
    output: Value = NO_VALUE
    ops: list[Op] = field(default_factory=list)
    parameters: list[Shape] = field(default_factory=list)
    trainable: int = 0

    @property
    def params(self) -> int:
        """Number of parameters that no earlier layer uses."""
        return sum(map(math.prod, self.parameters))


@dataclass(slots=True)
class Trace:
    """The graph of one forward pass: operators and layers in execution order.

    ``peak`` are the sizes in bytes of the tensors alive at the peak of memory, ``read`` the indices of the parameters
    that a layer reads.
    """

    image: Value
    output: Value
    ops: list[Op]
    layers: list[TracedLayer]
    peak: list[int]
    read: set[int]


class _Mode(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # torch has no annotation

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled. The check of compilation would import torch._dynamo, which takes a second.
        return False


class MetaMode(_Mode):
    """A mode that runs operators with :func:`run_on_meta`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run_on_meta(func, args, kwargs or {})


class Recorder(_Mode):
    """A mode that records the operators of one forward pass, within :meth:`module_hooks`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.layers: list[TracedLayer] = []
        self._values: dict[int, Value] = {}  # by the id of a tensor that is alive
        self._bases: dict[int, int] = {}  # by storage: the id of the tensor that was the first in it
        self._lifetimes = TensorLifetimes(self._values.pop)
        self._calls: list[tuple[str, nn.Module, TracedLayer | None]] = []
        self._names: Counter[str] = Counter()
        self._parameters: list[nn.Parameter] = list(network.parameters())
        self._counted: set[int] = set()
        self._network = network
        self._result = NO_VALUE
        for key, parameter in enumerate(self._parameters):
            self._add_value(parameter, "parameter", frozenset({key}))
        for buffer in network.buffers():
            self._add_value(buffer, "constant")

    @contextmanager
    def module_hooks(self) -> Iterator[None]:
        """Registers hooks on every module for one forward pass."""
        handles = []
        for name, module in self._network.named_modules():
            handles.append(module.register_forward_pre_hook(self._enter_hook(name)))
            handles.append(module.register_forward_hook(self._leave_hook))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._lifetimes.stop()

    @property
    def place(self) -> tuple[str, str]:
        """The name and class of the module that runs now, or at which the pass ended with an error."""
        name, module, _layer = self._calls[-1] if self._calls else ("", self._network, None)
        return name, type(module).__name__

    def trace(self) -> Trace:
        """Returns the recorded graph, without layers that have no output (modules that ran on no tensor)."""
        layers = [layer for layer in self.layers if layer.output is not NO_VALUE]
        return Trace(self._image, self._result, self.ops, layers, self._lifetimes.peak, self._counted)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = run_on_meta(func, args, kwargs or {})
        if func is torch.ops.aten.detach.default:
            self._values[id(result)] = self._value_of(args[0])  # for the trace, the same tensor
            self._lifetimes.watch(result, new=False)
        elif self._calls:
            self._record(func, args, kwargs or {}, result)
        return result

    def _add_value(
        self, tensor: Tensor, source: str, parameters: frozenset[int] = frozenset(), *, new: bool = False
    ) -> Value:
        storage = self._lifetimes.watch(tensor, new=new)
        value = Value(tuple(tensor.shape), tensor.itemsize, storage, source, None, parameters)
        self._values[id(tensor)] = value
        self._bases.setdefault(storage, id(tensor))
        return value

    def _value_of(self, tensor: Tensor) -> Value:
        return self._values.get(id(tensor)) or self._add_value(tensor, "constant")

    def _to_values(self, argument: Any, inputs: list[Value]) -> Any:
        if isinstance(argument, Tensor):
            value = self._value_of(argument)
            inputs.append(value)
            return value
        if isinstance(argument, list | tuple):
            return [self._to_values(element, inputs) for element in argument]
        return argument

    def _record(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        name = func._schema.name.removeprefix("aten::").removeprefix("torchvision::").rstrip("_")
        if name == UNKNOWN:
            name = args[-1]
        inputs: list[Value] = []
        replaced = tuple(self._to_values(argument, inputs) for argument in args)
        keywords = {key: self._to_values(argument, inputs) for key, argument in kwargs.items()}
        if any(value.source == "input" for value in inputs):
            source, parameters = "input", frozenset[int]()
        else:
            parameters = frozenset().union(*(value.parameters for value in inputs))
            source = "parameter" if parameters else "constant"
        tensors = [result] if isinstance(result, Tensor) else [t for t in result or () if isinstance(t, Tensor)]
        if not tensors:
            return
        outputs = [self._add_value(tensor, source, parameters, new=True) for tensor in tensors]
        self._lifetimes.update_peak()
        # Operators on parameters alone also have a cost: Swin V2 computes its position biases in every forward pass.
        counts = source == "input" or self._calls[-1][2] is not None or name in MULTIPLIES
        layer = self._layer_for(name, inputs, outputs[0]) if counts else None
        op = Op(name, func, replaced, keywords, inputs, outputs, layer)
        for value in outputs:
            value.made_by = op
        self.ops.append(op)
        if layer is not None:
            layer.ops.append(op)
            used: frozenset[int] = frozenset().union(*(v.parameters for v in inputs if v.source == "parameter"))
            self._count_parameters(layer, used)
        if func._schema.name.endswith("_") and args and isinstance(args[0], Tensor):
            self._write(op, id(args[0]))

    def _write(self, op: Op, target: int) -> None:
        """Records what an in-place operator on a part of a tensor does to the whole tensor.

        Args:
            op: Operator; its first argument is the part.
            target: Id of the part.
        """
        part, after = op.args[0], op.output
        base = self._bases.get(after.storage, target)
        before = self._values.get(base)
        if base == target or before is None or before.storage != after.storage:
            return
        others = [value for value in op.inputs if value is not part and value.source == "input"]
        if before.source == "input" and not others:  # each cell changes by itself, as in a ReLU
            return
        source = "input" if "input" in (before.source, after.source) else after.source
        whole = Value(before.shape, before.itemsize, before.storage, source, None, before.parameters | after.parameters)
        whole.made_by = Op(WRITTEN, op.func, (before, part, after), {}, [before, after], [whole], op.layer)
        self.ops.append(whole.made_by)
        self._values[base] = whole

    def _layer_for(self, name: str, inputs: list[Value], output: Value) -> TracedLayer | None:
        path, _module, layer = self._calls[-1]
        if layer is not None or name in MOVES_DATA:
            return layer
        kind = KINDS.get(name, name)
        layer = TracedLayer(self._unique_name(f"{path}.{kind.lower()}".lstrip(".")), kind, None)
        layer.inputs = [value for value in inputs if value.source == "input"]
        layer.output = output
        self.layers.append(layer)
        return layer

    def _unique_name(self, name: str) -> str:
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"

    def _count_parameters(self, layer: TracedLayer, keys: frozenset[int]) -> None:
        for key in sorted(keys - self._counted):
            parameter = self._parameters[key]
            layer.parameters.append(tuple(parameter.shape))
            layer.trainable += parameter.numel() * parameter.requires_grad
        self._counted |= keys

    def _enter_hook(self, name: str) -> Any:
        def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
            layer = None
            if not self._calls:
                self._image = self._add_value(args[0], "input", new=True)
            if not module._modules:
                layer = TracedLayer(self._unique_name(name or "network"), type(module).__name__, module)
                self._to_values(args, layer.inputs)
                self.layers.append(layer)
                own = (self._value_of(p).parameters for p in module._parameters.values() if p is not None)
                self._count_parameters(layer, frozenset().union(*own))
            self._calls.append((name, module, layer))

        return enter

    def _leave_hook(self, _module: nn.Module, _args: Any, result: Any) -> None:
        layer = self._calls.pop()[2]
        if layer is not None and (output := _main_tensor(result)) is not None:
            layer.output = self._value_of(output)
        if not self._calls and (main := _main_tensor(result)) is not None:
            self._result = self._value_of(main)


def _main_tensor(result: Any) -> Tensor | None:
    """Returns the tensor of a network's result that is its output; None if there is no tensor.

    In a dictionary it is the entry "out" (torchvision's segmentation networks) or the last (feature pyramids); in a
    list the last (feature extractors); in a tuple or a data class the first, because that is the main head's.
    """
    if isinstance(result, Tensor):
        return result
    entries: Iterable[Any] = ()
    if isinstance(result, Mapping):
        entries = [result["out"]] if "out" in result else reversed(list(result.values()))
    elif isinstance(result, list):
        entries = reversed(result)
    elif isinstance(result, tuple):
        entries = result
    elif is_dataclass(result):
        entries = vars(result).values()
    return next((found for entry in entries if (found := _main_tensor(entry)) is not None), None)
