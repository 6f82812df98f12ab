"""Safe stubs for objects in pickles that PyTorch's unpickler does not know. They hold values and run no code."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import numpy
import torch

from explorer.i18n import _
from explorer.weights.importing.wrappers import ArrayStub


class _Namespace(dict[str, Any]):
    """Stub for ``argparse.Namespace``."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.update(state)


class _Deque(list[Any]):
    """Stub for ``collections.deque``."""


def _default_dict(*_default: object) -> dict[Any, Any]:
    """Stub for ``collections.defaultdict``: PyTorch only fills plain dictionaries."""
    return {}


class _Opaque:
    """Stub for a class whose values are not needed."""

    def __new__(cls, *_values: object) -> "_Opaque":
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Discards the state."""


class _Array(ArrayStub):
    """Stub for ``numpy.ndarray`` without the values."""

    def __init__(self, *_values: object) -> None:
        """Ignores the arguments; the shape is in the state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.shape = state[1]


class _Dtype:
    """Stub for ``numpy.dtype``."""

    def __init__(self, code: str, *_options: object) -> None:
        self.code = code

    def __setstate__(self, _state: object) -> None:
        """Ignores byte order and alignment, which :func:`_scalar` does not need."""


def _scalar(dtype: _Dtype, content: bytes) -> float | int | bool:
    """Stub for ``numpy.core.multiarray.scalar``. Best accuracies are often NumPy numbers."""
    if not isinstance(content, bytes) or dtype.code[:1] not in ("f", "i", "u", "b"):
        raise ValueError(_("a NumPy number is damaged"))
    number: float | int | bool = numpy.frombuffer(content, dtype.code)[0].item()
    return number


class _Unknown(type):
    """Metaclass of stubs for unknown names. A file may hold values of these classes, but can't call them."""

    def __call__(cls, *_values: object) -> Any:
        raise UnpicklingError(cls.__name__)


# Calls of these create plain values, which the stub discards.
_OPAQUE = (
    *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *(
        f"{module}.{name}"
        for module in ("pathlib", "pathlib._local")
        for name in ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
    ),
    *(f"numpy.random._pickle.__{name}_ctor" for name in ("bit_generator", "generator", "randomstate")),
    *(f"{module}.{name}" for module in ("operator", "_operator") for name in ("attrgetter", "getitem", "itemgetter")),
    "decimal.Decimal",
    "fractions.Fraction",
    "functools.partial",
    "random.Random",
    "re._compile",
    "torch.torch_version.TorchVersion",
    "torchvision.transforms.functional.InterpolationMode",
    "zoneinfo._unpickle",
)
# PyTorch finds them by name only: a file can't make us import a module.
STUBS: list[tuple[Callable[..., Any], str]] = [
    *((_Opaque, name) for name in _OPAQUE),
    (frozenset, "builtins.frozenset"),
    (frozenset, "__builtin__.frozenset"),
    (range, "builtins.range"),
    (range, "__builtin__.xrange"),
    (slice, "builtins.slice"),
    (slice, "__builtin__.slice"),
    (_Namespace, "types.SimpleNamespace"),
    (_Namespace, "argparse.Namespace"),
    (_default_dict, "collections.defaultdict"),
    (_Deque, "collections.deque"),
    (_Dtype, "numpy.dtype"),
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    (_Array, "numpy.core.multiarray._reconstruct"),
    (_Array, "numpy._core.multiarray._reconstruct"),
    (_Array, "numpy.ndarray"),
]


@contextmanager
def register_stubs(unknown: Iterable[str]) -> Iterator[list[object]]:
    """Registers :data:`STUBS` and stubs for unknown names with PyTorch. A call of the latter raises an error.

    Args:
        unknown: Full names of the unknown classes, as PyTorch looks them up.

    Yields:
        A list that contains the pickled modules, such as losses, after the block. They are empty, because only the code
        of a module says which of its tensors count.
    """
    modules: list[object] = []
    values: list[OrderedDict[Any, Any]] = []  # PyTorch fills, and sets attributes of, no other dictionaries

    def new(_cls: type, *_values: object) -> OrderedDict[Any, Any]:
        values.append(OrderedDict())
        return values[-1]

    classes = [(_Unknown(name, (), {"__new__": new}), name) for name in unknown]
    with torch.serialization.safe_globals([*STUBS, *classes]):
        yield modules
    for value in values:
        attributes = dict(vars(value))
        vars(value).clear()  # an attribute named "items" would hide the method
        if "_parameters" in attributes and "_modules" in attributes:
            value.clear()
            modules.append(value)
            continue
        for name, attribute in attributes.items():
            value.setdefault(name, attribute)
