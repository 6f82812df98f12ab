"""Groups the tensors of a checkpoint into layers by their names and shapes; the network need not be known."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isqrt, prod
from typing import NamedTuple, Self

from explorer.specs.size import Size

Shape = tuple[int, ...]
Path = tuple[str, ...]

MAX_STEPS = 20_000  # steps after which the search for an order gives up
MAX_UNITS = 2000  # layers; far more than any network of these families has
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# TensorFlow's names of the tensors of batch norms, which are still in converted files.
CONVERTED = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
    "moving_variance": "running_var",
}
_LEAF = re.compile(rf"(?P<module>.*?)[._/]?(?P<leaf>{'|'.join([*NORM, *CONVERTED])})")
_DIGITS = re.compile(r"([0-9]+)")


class Norm(NamedTuple):
    """A batch norm.

    Attributes:
        name: Name of the module.
        channels: Number of channels.
        tensors: Full names of the tensors by the last part of the name.
    """

    name: str
    channels: int
    tensors: dict[str, str]

    @property
    def before(self) -> int:
        """Input channels."""
        return self.channels

    @property
    def after(self) -> int:
        """Output channels."""
        return self.channels


class Unit(NamedTuple):
    """A convolution or a linear layer, and the batch norm that follows it.

    Attributes:
        name: Name of the module.
        before: Input channels or features.
        after: Output channels or features.
        kernel: Side of the window; 0 for a linear layer.
        tensors: Full names of the tensors by the last part of the name.
        norm: Batch norm that follows; None if none does.
    """

    name: str
    before: int
    after: int
    kernel: int
    tensors: dict[str, str]
    norm: Norm | None = None

    @property
    def path(self) -> Path:
        """The module's name in parts."""
        return parts(self.name)

    @property
    def shape(self) -> Shape:
        """Shape of the weight: (after, before, kernel, kernel), or (after, before) of a linear layer."""
        return (self.after, self.before, *((self.kernel, self.kernel) if self.kernel else ()))

    @property
    def form(self) -> tuple[int, int, int, bool]:
        """Input and output channels, side of the window, and whether a batch norm follows."""
        return self.before, self.after, self.kernel, self.norm is not None

    @property
    def names(self) -> list[str]:
        """Full names of all tensors, those of the batch norm included."""
        return [*self.tensors.values(), *(self.norm.tensors.values() if self.norm else ())]

    @property
    def is_activated_early(self) -> bool:
        """Whether the modules' numbers show an activation or a pool between the layer and its batch norm."""
        return self.norm is not None and bool(modules_between(self.name, self.norm.name))


class Layers(NamedTuple):
    """The layers of a checkpoint.

    Attributes:
        units: Convolutions and linear layers, in the order of the file.
        rest: Names of tensors that belong to no unit.
    """

    units: tuple[Unit, ...]
    rest: tuple[str, ...]

    @property
    def convolutions(self) -> list[Unit]:
        """The convolutions."""
        return [unit for unit in self.units if unit.kernel]

    @property
    def linears(self) -> list[Unit]:
        """The linear layers."""
        return [unit for unit in self.units if not unit.kernel]


@dataclass(frozen=True)
class Checkpoint:
    """The facts about a checkpoint that recognisers use.

    Attributes:
        shapes: Shapes of the tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered.
        image_size: Size of the images in pixels; None if unknown.
        layers: Tensors grouped into layers. Empty if a batch norm follows an activation, because shapes can't show
            such an order.
    """

    shapes: Mapping[str, Shape]
    ordered: bool
    image_size: int | Size | None
    layers: Layers

    @classmethod
    def of(cls, shapes: Mapping[str, Shape], *, ordered: bool, image_size: int | Size | None = None) -> Self:
        """Group the tensors of a checkpoint."""
        layers = read_layers(shapes, ordered=ordered)
        if any(unit.is_activated_early for unit in layers.units):
            layers = Layers((), tuple(shapes))
        return cls(shapes, ordered, image_size, layers)


def parts(name: str) -> Path:
    """The parts of a module's name; an empty name has none."""
    return tuple(name.split(".")) if name else ()


def modules_between(first: str, second: str) -> int | None:
    """The number of modules without tensors between two modules of one ``Sequential``; None if names don't show it."""
    (*parent, start), (*other, end) = first.split("."), second.split(".")
    if parent != other or not all(number.isdecimal() and len(number) < 6 for number in (start, end)):
        return None
    return max(int(end) - int(start) - 1, 0)


def square_side(features: int, channels: int) -> int | None:
    """The side of a square map of ``channels`` channels with ``features`` values; None if there is no such map."""
    cells, rest = divmod(features, channels)
    side = isqrt(cells)
    return side if not rest and side**2 == cells else None


def common_prefix(paths: Iterable[Path]) -> Path:
    """The longest common beginning of all paths."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*paths, strict=False))
    return tuple(column[0] for column in columns)


def natural_key(name: str) -> list[tuple[tuple[int, int, str], ...]]:
    """A sort key that puts ``features.10`` after ``features.2``, and digits before letters."""
    return [
        tuple(
            (0, int(piece[:18]), "") if piece.isdecimal() else (1, 0, piece) for piece in _DIGITS.split(part) if piece
        )
        for part in name.split(".")
    ]


def read_layers(shapes: Mapping[str, Shape], *, ordered: bool) -> Layers:
    """Group tensors by module, and pair batch norms with their convolutions.

    Args:
        shapes: Shapes of the tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered; if not, names are sorted first.
    """
    found, rest = _modules(shapes, ordered=ordered)
    units = [module for module in found if isinstance(module, Unit)]
    norms = [module for module in found if isinstance(module, Norm)]
    if max(len(units), len(norms)) > MAX_UNITS:
        return Layers((), tuple(shapes))
    units, unpaired = _pair_norms(units, norms)
    return Layers(tuple(units), (*rest, *(name for norm in unpaired for name in norm.tensors.values())))


def read_unpaired(shapes: Mapping[str, Shape], *, ordered: bool) -> list[Unit | Norm] | None:
    """Layers and batch norms in the order of the file, not paired; None if a tensor belongs to neither.

    Arguments as in :func:`read_layers`.
    """
    found, rest = _modules(shapes, ordered=ordered)
    return None if rest or len(found) > 2 * MAX_UNITS else found


def _modules(shapes: Mapping[str, Shape], *, ordered: bool) -> tuple[list[Unit | Norm], list[str]]:
    """Layers and batch norms in order, and the names of tensors that belong to neither."""
    modules: dict[str, dict[str, str]] = defaultdict(dict)
    rest: list[str] = []
    for name in shapes if ordered else sorted(shapes, key=natural_key):
        if match := _LEAF.fullmatch(name):
            modules[match["module"]][CONVERTED.get(match["leaf"], match["leaf"])] = name
        else:
            rest.append(name)
    found: list[Unit | Norm] = []
    for module, tensors in modules.items():
        if layer := layer_of(module, {leaf: shapes[name] for leaf, name in tensors.items()}, tensors):
            found.append(layer)
        else:
            rest += tensors.values()
    return found, rest


def layer_of(module: str, shapes: Mapping[str, Shape], tensors: dict[str, str]) -> Unit | Norm | None:
    """The layer or batch norm of a module's tensors; None if they are neither.

    Args:
        module: Name of the module.
        shapes: Shapes of its tensors by the last part of the name.
        tensors: Full names of its tensors by the last part of the name.
    """
    return _unit(module, shapes, tensors) or _norm(module, shapes, tensors)


def _unit(module: str, shapes: Mapping[str, Shape], tensors: dict[str, str]) -> Unit | None:
    weight = shapes.get("weight", ())
    if len(weight) not in (2, 4) or not prod(weight) or not shapes.keys() <= {"weight", "bias"}:
        return None
    if shapes.get("bias", weight[:1]) != weight[:1] or (len(weight) == 4 and weight[2] != weight[3]):
        return None
    return Unit(module, weight[1], weight[0], weight[2] if len(weight) == 4 else 0, tensors)


def _norm(module: str, shapes: Mapping[str, Shape], tensors: dict[str, str]) -> Norm | None:
    mean = shapes.get("running_mean", ())
    vectors = [shape for leaf, shape in shapes.items() if leaf != "num_batches_tracked"]
    fits = len(mean) == 1 and mean[0] and "running_var" in shapes and all(shape == mean for shape in vectors)
    return Norm(module, mean[0], tensors) if fits else None


def _pair_norms(units: list[Unit], norms: list[Norm]) -> tuple[list[Unit], list[Norm]]:
    """Pair each convolution with the batch norm that follows it; return all units, and the norms without a pair.

    Within a module, the k-th batch norm of C channels belongs to the k-th convolution with C output channels, in
    any order of registration of the two kinds. Inner modules come first, and only those with equally many of both
    kinds, so that a stem whose two layers are registered far apart takes no norm from the blocks between them.
    """
    owner: dict[int, Norm] = {}  # norms by the index of their unit
    unpaired = list(range(len(norms)))  # indices of norms
    depth = max(
        (len(parts(name)) for name in [*(unit.name for unit in units), *(norm.name for norm in norms)]), default=0
    )
    for level in range(depth, -1, -1):
        waiting: dict[tuple[Path, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for index, unit in enumerate(units):
            if unit.kernel and index not in owner and len(unit.path) >= level:
                waiting[unit.path[:level], unit.after][0].append(index)
        for index in unpaired:
            if len(path := parts(norms[index].name)) >= level:
                waiting[path[:level], norms[index].channels][1].append(index)
        for convolutions, following in waiting.values():
            if len(convolutions) == len(following):
                owner.update(zip(convolutions, (norms[index] for index in following), strict=True))
                unpaired = [index for index in unpaired if index not in following]
    paired = [unit._replace(norm=owner.get(index)) for index, unit in enumerate(units)]
    return paired, [norms[index] for index in unpaired]


def trail(links: Sequence[tuple[int, int]], start: int) -> list[int] | None:
    """An Eulerian trail: an order of all links in which each begins where the one before it ends.

    Links earlier in the list are tried first.

    Args:
        links: ``before`` and ``after`` of each link.
        start: ``before`` of the first link of the trail.

    Returns:
        Indices of the links; None if there is no such order, or the search takes more than :data:`MAX_STEPS` steps.
    """
    leaving: dict[int, list[int]] = defaultdict(list)
    for index, (before, _after) in enumerate(links):
        leaving[before].append(index)
    steps_left = MAX_STEPS
    order: list[int] = []
    used: set[int] = set()
    choices = [iter(leaving[start])]
    while len(order) < len(links):
        steps_left -= 1
        chosen = next((index for index in choices[-1] if index not in used), None)
        if steps_left < 0 or (chosen is None and not order):
            return None
        if chosen is None:
            choices.pop()
            used.remove(order.pop())
            continue
        order.append(chosen)
        used.add(chosen)
        choices.append(iter(leaving[links[chosen][1]]))
    return order


def trail_start(links: Sequence[tuple[int, int]]) -> int:
    """The number where a trail through all links must begin; the start of the first link if the trail is closed."""
    surplus: dict[int, int] = defaultdict(int)
    for before, after in links:
        surplus[before] += 1
        surplus[after] -= 1
    return next((node for node, extra in surplus.items() if extra > 0), links[0][0])


def running_order(units: Sequence[Unit]) -> list[Unit] | None:
    """The units in an order in which each reads the output of the one before it; None if there is no such order."""
    links = [(unit.before, unit.after) for unit in units]
    if not links:
        return []
    order = trail(links, trail_start(links))
    return None if order is None else [units[index] for index in order]


def find_stem(convolutions: list[Unit]) -> Unit:
    """The first convolution: no other one produces its input. If there is none, the one with the largest kernel."""
    outputs = {unit.after for unit in convolutions}
    stems = [unit for unit in convolutions if unit.before not in outputs]
    return (stems or [max(convolutions, key=lambda unit: unit.kernel)])[0]
