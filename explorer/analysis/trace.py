"""One forward pass on meta, recorded as the dataflow graph that really ran.

A ``TorchDispatchMode`` sees every ATen operator below autograd, whatever Python control flow called it;
forward hooks tell which module it ran in. Rows are what people call layers: each call of a module without
children, and each operator that a module with children runs itself (an addition, a concatenation).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.analysis.lifetimes import Lifetimes
from explorer.analysis.operators import KINDS, MOVES_DATA, MULTIPLIES
from explorer.families.meta_shapes import run_on_meta

Shape = tuple[int, ...]


@dataclass(slots=True, eq=False)
class Value:
    """One tensor, as it stood after one operator (an in-place operator makes a new value).

    ``source`` is "input" where the values depend on the image, "parameter" where on parameters alone; ``storage``
    is the number of its memory, which views and in-place results share.
    """

    shape: Shape
    itemsize: int
    storage: int
    source: str
    made_by: "Op | None" = None
    parameters: frozenset[int] = frozenset()

    @property
    def bytes(self) -> int:
        """Size of the tensor."""
        return count(self.shape) * self.itemsize


@dataclass(slots=True, eq=False)
class Op:
    """One operator call; tensors among its arguments are replaced by their values."""

    name: str
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Value]
    outputs: list[Value]
    row: "Row | None"
    index: int

    @property
    def output(self) -> Value:
        """The first result (others are indices and statistics)."""
        return self.outputs[0]


NOTHING = Value((), 0, 0, "constant")


@dataclass(slots=True, eq=False)
class Row:
    """One layer: a call of a module without children, or one operator outside such modules."""

    name: str
    kind: str
    module: nn.Module | None
    inputs: list[Value] = field(default_factory=list)
    output: Value = NOTHING
    ops: list[Op] = field(default_factory=list)
    parameters: list[Shape] = field(default_factory=list)
    trainable: int = 0

    @property
    def params(self) -> int:
        """Parameters first used in this layer."""
        return sum(map(count, self.parameters))


@dataclass(slots=True)
class Trace:
    """The graph of one forward pass: operators and rows in the order in which they ran.

    ``peak`` are the sizes in bytes of the tensors that were alive when they took most memory.
    """

    image: Value
    output: Value
    ops: list[Op]
    rows: list[Row]
    peak: list[int]


def count(shape: Shape) -> int:
    """Number of elements of a shape."""
    total = 1
    for size in shape:
        total *= size
    return total


class _Mode(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch does not annotate it

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # nor this

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is ever compiled, and the guard against it would import torch._dynamo: a second at the start.
        return False


class MetaMode(_Mode):
    """Runs operators by :func:`run_on_meta`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run_on_meta(func, args, kwargs or {})


class Recorder(_Mode):
    """Records the operators that run while :meth:`watching` a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.rows: list[Row] = []
        self._values: dict[int, Value] = {}  # by the id of the tensor, while it lives
        self._lifetimes = Lifetimes(self._values.pop)
        self._frames: list[tuple[str, nn.Module, Row | None]] = []
        self._names: Counter[str] = Counter()
        self._parameters: list[nn.Parameter] = list(network.parameters())
        self._seen: set[int] = set()
        self._network = network
        for key, parameter in enumerate(self._parameters):
            self._value(parameter, "parameter", frozenset({key}))
        for buffer in network.buffers():
            self._value(buffer, "constant")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hooks on every module, for the time of one forward pass."""
        handles = []
        for name, module in self._network.named_modules():
            handles.append(module.register_forward_pre_hook(self._entering(name)))
            handles.append(module.register_forward_hook(self._leaving))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._lifetimes.stop()

    def trace(self) -> Trace:
        """What was recorded.

        Rows without an output (modules that ran on no tensor) are left out.
        """
        rows = [row for row in self.rows if row.output is not NOTHING]
        return Trace(self._image, self._result, self.ops, rows, self._lifetimes.peak)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = run_on_meta(func, args, kwargs or {})
        if func is torch.ops.aten.detach.default:
            self._values[id(result)] = self._known(args[0])  # the same tensor to us
            self._lifetimes.watch(result, new=False)
        elif self._frames:
            self._record(func, args, kwargs or {}, result)
        return result

    def _value(
        self, tensor: Tensor, source: str, parameters: frozenset[int] = frozenset(), *, new: bool = False
    ) -> Value:
        storage = self._lifetimes.watch(tensor, new=new)
        value = Value(tuple(tensor.shape), tensor.itemsize, storage, source, None, parameters)
        self._values[id(tensor)] = value
        return value

    def _known(self, tensor: Tensor) -> Value:
        return self._values.get(id(tensor)) or self._value(tensor, "constant")

    def _replace(self, argument: Any, inputs: list[Value]) -> Any:
        if isinstance(argument, Tensor):
            value = self._known(argument)
            inputs.append(value)
            return value
        if isinstance(argument, list | tuple):
            return [self._replace(entry, inputs) for entry in argument]
        return argument

    def _record(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        name = func._schema.name.removeprefix("aten::").rstrip("_")
        inputs: list[Value] = []
        replaced = tuple(self._replace(argument, inputs) for argument in args)
        keywords = {key: self._replace(argument, inputs) for key, argument in kwargs.items()}
        if any(value.source == "input" for value in inputs):
            source, parameters = "input", frozenset[int]()
        else:
            parameters = frozenset().union(*(value.parameters for value in inputs))
            source = "parameter" if parameters else "constant"
        tensors = [result] if isinstance(result, Tensor) else [t for t in result or () if isinstance(t, Tensor)]
        if not tensors:
            return
        outputs = [self._value(tensor, source, parameters, new=True) for tensor in tensors]
        self._lifetimes.weigh()
        # What runs on parameters alone costs too, as Swin V2's position biases do in every forward pass.
        counts = source == "input" or self._frames[-1][2] is not None or name in MULTIPLIES
        row = self._row(name, inputs, outputs[0]) if counts else None
        op = Op(name, func, replaced, keywords, inputs, outputs, row, len(self.ops))
        for value in outputs:
            value.made_by = op
        self.ops.append(op)
        if row is not None:
            row.ops.append(op)
            used: frozenset[int] = frozenset().union(*(v.parameters for v in inputs if v.source == "parameter"))
            self._count(row, used)

    def _row(self, name: str, inputs: list[Value], output: Value) -> Row | None:
        path, _module, row = self._frames[-1]
        if row is not None or name in MOVES_DATA:
            return row
        kind = KINDS.get(name, name)
        row = Row(self._unique(f"{path}.{kind.lower()}".lstrip(".")), kind, None)
        row.inputs = [value for value in inputs if value.source == "input"]
        row.output = output
        self.rows.append(row)
        return row

    def _unique(self, name: str) -> str:
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"

    def _count(self, row: Row, keys: frozenset[int]) -> None:
        for key in sorted(keys - self._seen):
            parameter = self._parameters[key]
            row.parameters.append(tuple(parameter.shape))
            row.trainable += parameter.numel() * parameter.requires_grad
        self._seen |= keys

    def _entering(self, name: str) -> Any:
        def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
            row = None
            if not self._frames:
                self._image = self._value(args[0], "input", new=True)
            if not module._modules:
                row = Row(self._unique(name or "network"), type(module).__name__, module)
                self._replace(args, row.inputs)
                self.rows.append(row)
                own = (self._known(p).parameters for p in module._parameters.values() if p is not None)
                self._count(row, frozenset().union(*own))
            self._frames.append((name, module, row))

        return enter

    def _leaving(self, _module: nn.Module, _args: Any, result: Any) -> None:
        row = self._frames.pop()[2]
        if isinstance(result, Tensor) and row is not None:
            row.output = self._known(result)
        if not self._frames:  # with auxiliary heads, the first result is the main head's
            self._result = self._known(result if isinstance(result, Tensor) else result[0])
