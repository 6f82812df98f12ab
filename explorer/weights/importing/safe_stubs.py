"""In place of what pickles hold beside tensors and PyTorch knows nothing of: its values, and nothing that runs."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import numpy
import torch

from explorer.i18n import _
from explorer.weights.importing.wrappers import Array


class _Settings(dict[str, Any]):
    """In place of ``argparse.Namespace``."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.update(state)


class _Values(list[Any]):
    """In place of ``collections.deque``."""


def _dictionary(*_default: object) -> dict[Any, Any]:
    """In place of ``collections.defaultdict``: PyTorch fills plain ones alone."""
    return {}


class _Opaque:
    """In place of a class whose values are of no use here."""

    def __new__(cls, *_values: object) -> "_Opaque":
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Nothing of it is kept."""


class _Array(Array):
    """In place of ``numpy.ndarray``; its values stand in the pickle, which is too small for most networks."""

    def __init__(self, *_values: object) -> None:
        """What it is made of comes with its state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.shape = state[1]


class _Dtype:
    """In place of ``numpy.dtype``."""

    def __init__(self, code: str, *_options: object) -> None:
        self.code = code

    def __setstate__(self, _state: object) -> None:
        """Byte order and alignment of a single number of this machine's are known."""


def _number(dtype: _Dtype, content: bytes) -> float | int | bool:
    """In place of ``numpy.core.multiarray.scalar``: best accuracies are often NumPy's numbers."""
    if not isinstance(content, bytes) or dtype.code[:1] not in ("f", "i", "u", "b"):
        raise ValueError(_("a number of NumPy's is damaged"))
    number: float | int | bool = numpy.frombuffer(content, dtype.code)[0].item()
    return number


class _Unknown(type):
    """Of the classes in place of names that nobody knows: a file may hold their values, and call none of them."""

    def __call__(cls, *_values: object) -> Any:
        raise UnpicklingError(cls.__name__)


# Calls of these make plain values, of which nothing is kept.
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
# Looked up by name alone: no module of the file's choice is ever imported.
KNOWN: list[tuple[Callable[..., Any], str]] = [
    *((_Opaque, name) for name in _OPAQUE),
    (frozenset, "builtins.frozenset"),
    (frozenset, "__builtin__.frozenset"),
    (range, "builtins.range"),
    (range, "__builtin__.xrange"),
    (slice, "builtins.slice"),
    (slice, "__builtin__.slice"),
    (_Settings, "types.SimpleNamespace"),
    (_Settings, "argparse.Namespace"),
    (_dictionary, "collections.defaultdict"),
    (_Values, "collections.deque"),
    (_Dtype, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
    (_Array, "numpy.core.multiarray._reconstruct"),
    (_Array, "numpy._core.multiarray._reconstruct"),
    (_Array, "numpy.ndarray"),
]


@contextmanager
def standing_in(unknown: Iterable[str]) -> Iterator[list[object]]:
    """Have PyTorch take stand-ins for :data:`KNOWN` and for unknown names; it refuses to call the latter.

    Args:
        unknown: full names, under which PyTorch looks.

    Yields:
        A list of what stands in place of whole modules, such as losses, once the block has ended. They are empty: which
        of their tensors count, their code alone says.
    """
    modules: list[object] = []
    made: list[OrderedDict[Any, Any]] = []  # PyTorch fills no dictionaries but these, and sets attributes of them

    def new(_cls: type, *_values: object) -> OrderedDict[Any, Any]:
        made.append(OrderedDict())
        return made[-1]

    classes = [(_Unknown(name, (), {"__new__": new}), name) for name in unknown]
    with torch.serialization.safe_globals([*KNOWN, *classes]):
        yield modules
    for values in made:
        attributes = dict(vars(values))
        vars(values).clear()  # one called "items" would hide the method
        if "_parameters" in attributes and "_modules" in attributes:
            values.clear()
            modules.append(values)
            continue
        for name, value in attributes.items():
            values.setdefault(name, value)
