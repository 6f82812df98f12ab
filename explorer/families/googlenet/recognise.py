"""Recognition of networks of the ``googlenet`` family by the layers of a checkpoint."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice, pairwise, product
from typing import Any, NamedTuple

from explorer.errors import SpecError
from explorer.families import PRESETS
from explorer.families.googlenet.spec import MAX_BRANCH, GoogLeNetSpec, Module
from explorer.families.recognition.adapting import PYTORCH_EPSILON
from explorer.families.recognition.guess import (
    Guess,
    Misfit,
    Question,
    epsilon_question,
    image_size_question,
    make_guess,
)
from explorer.families.recognition.layers import Checkpoint, Layers, Unit, common_prefix, parts, square_side, trail
from explorer.i18n import _

NUMBERED = re.compile(r"[0-9]{1,3}[a-z]?|[a-z][0-9]{1,3}")
POOLED = re.compile(r"pool|proj", re.IGNORECASE)
FIVE = re.compile(r"5x5|five", re.IGNORECASE)
REDUCES = re.compile(r"reduc|squeeze|bottleneck", re.IGNORECASE)
BRANCH = re.compile(r"([A-Za-z_]+)([0-9]+)")  # branch2, p2_1
MOST_STEMS = 50  # candidates for the stem; the published table gives two, because of its reductions


class Inception(NamedTuple):
    """The convolutions of a module in our order: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.

    A naive module has only the 1x1, the 3x3 and the 5x5.
    """

    units: tuple[Unit, ...]

    @property
    def before(self) -> int:
        """Input channels."""
        return self.units[0].before

    @property
    def after(self) -> int:
        """Output channels."""
        if len(self.units) == 3:
            return self.before + sum(unit.after for unit in self.units)
        return sum(self.units[place].after for place in (0, 2, 4, 5))

    @property
    def has_clear_pool_branch(self) -> bool:
        """Whether names show which of the two 1x1 convolutions without reduction follows the pool."""
        one, *_middle, pooled = self.units
        numbers = _branch_numbers(self.units)
        return (bool(POOLED.search(one.name)), numbers[0]) < (bool(POOLED.search(pooled.name)), numbers[-1])

    @property
    def has_clear_5x5_branch(self) -> bool:
        """Whether sizes or names show which branch is the 5x5; its kernel may be 3x3."""
        three, five = self.units[2], self.units[4]
        numbers = _branch_numbers(self.units)
        keys = [(unit.kernel, bool(FIVE.search(unit.name)), numbers[index]) for index, unit in ((2, three), (4, five))]
        return keys[0] < keys[1]

    def with_exchanged_branches(self, *, pool: bool, wide: bool) -> "Inception":
        """The same convolutions with branches of equal shapes with_exchanged_branches.

        Args:
            pool: Whether the 1x1 and the pool projection change places.
            wide: Whether the 3x3 and the 5x5 branch change places.
        """
        if not (pool or wide):
            return self
        one, *middle, pooled = self.units
        if wide:
            middle = [*middle[2:], *middle[:2]]
        return Inception((pooled, *middle, one) if pool else (one, *middle, pooled))

    def row(self, name: str) -> Module:
        """The row of the table; a naive module's unused columns get the width of the branch or of the input."""
        widths = [unit.after for unit in self.units]
        if len(widths) == 3:
            one, three, five = widths
            widths = [one, three, three, five, five, min(self.before, MAX_BRANCH)]
        return Module(name, *widths)


def guesses(checkpoint: Checkpoint) -> Iterator[Guess]:
    """All networks of this family that fit the layers, the likeliest first."""
    layers = checkpoint.layers
    if layers.rest or not layers.linears:
        return
    main, heads = _without_heads(layers)
    convolutions = [unit for unit in main if unit.kernel]
    linears = [unit for unit in main if not unit.kernel]
    if len(linears) != 1:
        return
    for stem in islice(_stem_candidates(convolutions), MOST_STEMS):
        body = [unit for unit in convolutions if unit not in stem]
        for size in (6, 3):
            modules = _modules(body, size)
            order = trail([(module.before, module.after) for module in modules], stem[-1].after)
            if order:
                for reading in _readings([modules[index] for index in order]):
                    with suppress(Misfit, SpecError):
                        yield _read(stem, reading, linears[0], heads)
                return


def unsupported_stem(layers: Layers) -> list[Unit]:
    """The first one to three convolutions, of any shape, if only Inception modules follow; else an empty list."""
    main, _heads = _without_heads(layers)
    convolutions = [unit for unit in main if unit.kernel]
    for length, size in product((1, 2, 3), (6, 3)):
        stem, modules = convolutions[:length], _modules(convolutions[length:], size)
        if modules and trail([(module.before, module.after) for module in modules], stem[-1].after):
            return stem
    return []


def _readings(modules: list[Inception]) -> Iterator[list[Inception]]:
    """The modules as they are, then with exchanged branches if neither shapes nor names distinguish these."""
    pools, wides = ((False, True) if is_ambiguous else (False,) for is_ambiguous in _ambiguities(modules))
    for pool, wide in product(pools, wides):
        yield [module.with_exchanged_branches(pool=pool, wide=wide) for module in modules]


def _ambiguities(modules: list[Inception]) -> tuple[bool, bool]:
    """Whether it is unclear which 1x1 without reduction follows the pool, and which of two 3x3 branches is first."""
    if len(modules[0].units) != 6 or _matching_preset([module.row("") for module in modules], 6):
        return False, False
    return not all(module.has_clear_pool_branch for module in modules), not all(
        module.has_clear_5x5_branch for module in modules
    )


def _without_heads(layers: Layers) -> tuple[list[Unit], list[Unit]]:
    """The main layers, and the layers of auxiliary heads: a 1x1 convolution and two linear layers each."""
    units = list(layers.units)
    heads: list[Unit] = []
    for first in layers.linears:
        place = layers.units.index(first)
        narrow = [unit for unit in layers.units[:place] if unit.kernel == 1 and square_side(first.before, unit.after)]
        siblings = [unit for unit in narrow if len(unit.path) > 1 and unit.path[0] == first.path[0]] or narrow
        later = [unit for unit in layers.units[place + 1 :] if not unit.kernel and unit.before == first.after]
        head = [*siblings[-1:], first, *later[:1]]
        if len(head) == 3 and not any(unit in heads for unit in head):
            heads += head
            units = [unit for unit in units if unit not in head]
    return units, heads


def _stem_candidates(convolutions: list[Unit]) -> Iterator[list[Unit]]:
    """Candidates for the stem: 7x7, 1x1 and 3x3, or one 3x3."""

    def fitting(kernel: int, after: int, before: int | None = None) -> list[Unit]:
        found = (unit for unit in convolutions if (unit.kernel, unit.after) == (kernel, after))
        return [unit for unit in found if before in (None, unit.before)]

    for triple in product(fitting(7, 64), fitting(1, 64, 64), fitting(3, 192, 64)):
        yield list(triple)
    if len(convolutions) % 3 == 1:
        for first in fitting(3, 192):
            yield [first]


def _modules(units: list[Unit], size: int) -> list[Inception]:
    """The units divided into modules of ``size`` convolutions; an empty list if they form no modules."""
    found = [_module(units[start : start + size]) for start in range(0, len(units), size)]
    modules = [module for module in found if module is not None and len(module.units) == size]
    return modules if len(modules) == len(found) else []


def _module(units: Sequence[Unit]) -> Inception | None:
    """The module that units form, in any order of registration; None if they form no module."""
    numbers = dict(zip((unit.name for unit in units), _branch_numbers(units), strict=True))
    wide = [unit for unit in units if unit.kernel in (3, 5)]
    wide.sort(key=lambda unit: (unit.kernel, bool(FIVE.search(unit.name)), numbers[unit.name]))
    narrow = [unit for unit in units if unit.kernel == 1]
    if len(wide) != 2 or wide[0].kernel != 3 or len(wide) + len(narrow) != len(units):
        return None
    if len(units) == 3:
        naive = Inception((narrow[0], *wide))
        return naive if len({unit.before for unit in naive.units}) == 1 else None
    reduces = []
    for unit in wide:
        fitting = [other for other in narrow if other.after == unit.before]
        if not fitting:
            return None
        reduces.append(min(fitting, key=lambda other: _distance(units, other, unit)))
        narrow.remove(reduces[-1])
    straight = sorted(
        narrow,
        key=lambda unit: (
            bool(POOLED.search(parts(unit.name)[-1] + "".join(unit.path[-3:-1]))),
            numbers[unit.name],
        ),
    )
    if len({unit.before for unit in (*straight, *reduces)}) != 1:
        return None
    one, pooled = straight
    return Inception((one, reduces[0], wide[0], reduces[1], wide[1], pooled))


def _branch_numbers(units: Sequence[Unit]) -> list[int]:
    """The number of each unit's branch in its name; zeros if the four branches are not numbered."""
    shared = len(common_prefix(unit.path for unit in units))
    found = [BRANCH.match(unit.path[shared]) if len(unit.path) > shared else None for unit in units]
    branches = [(match[1], int(match[2])) for match in found if match]
    if len(branches) == len(units) and len({letters for letters, _number in branches}) == 1 and len(set(branches)) == 4:
        return [number for _letters, number in branches]
    return [0] * len(units)


def _distance(units: Sequence[Unit], reduce: Unit, unit: Unit) -> tuple[bool, int, bool, int]:
    """The distance of a 1x1 from a convolution that may read it: by names, then by position in the file."""
    near = len(common_prefix([reduce.path, unit.path]))
    steps = units.index(unit) - units.index(reduce)
    return not REDUCES.search(reduce.name), -near, steps < 0, abs(steps)


def _read(stem: list[Unit], modules: list[Inception], head: Unit, heads: list[Unit]) -> Guess:
    is_imagenet = len(stem) == 3
    normed = stem[0].norm is not None
    kernel = modules[0].units[4 if len(modules[0].units) == 6 else 2].kernel
    as_torchvision = normed and kernel == 3
    # torchvision's code sets the epsilon in modules of a convolution and its norm. A network whose modules are numbered
    # in a Sequential, or whose convolutions have a bias, does not come from that code.
    numbered = stem[0].path[-1:] and stem[0].path[-1].isdecimal()
    epsilon = PYTORCH_EPSILON if numbered or "bias" in stem[0].tensors else GoogLeNetSpec.epsilon
    rows, pools = _table(modules)
    fields: dict[str, Any] = {
        "modules": rows,
        "pool_after": pools,
        "aux_after": (),
        "stem": "imagenet" if is_imagenet else "cifar",
        "batch_norm": normed,
        "branch5x5": kernel,
        "reduce": len(modules[0].units) == 6,
        "last_pool": 2 if as_torchvision else 3,
        "dropout": 0.2 if as_torchvision else 0.4,
        "in_channels": stem[0].before,
        "image_size": 224 if is_imagenet else 32,
        "num_classes": head.after,
    }
    questions = [
        image_size_question(fields["image_size"]),
        Question("pool_after", _("After which modules is there a pool?"), list(fields["pool_after"])),
        Question("last_pool", _("How wide is the window of the last of these pools?"), fields["last_pool"], (3, 2)),
    ]
    if normed:
        questions.append(epsilon_question(epsilon))
    ignored = tuple(name for unit in heads for name in unit.names)
    notes = []
    if ignored:
        text = _("Auxiliary heads are used in training only: {count} tensors are left out ({names}, …).")
        notes.append(text.format(count=len(ignored), names=ignored[0]))
    is_pool_ambiguous, is_wide_ambiguous = _ambiguities(modules)
    if is_pool_ambiguous:
        text = _(
            "The file doesn't show which of a module's two single 1x1 convolutions follows the pool; {name} is assumed."
        )
        notes.append(text.format(name=modules[0].units[5].name))
    if is_wide_ambiguous:
        text = _("The file doesn't show which of a module's two 3x3 branches comes first; that of {name} is assumed.")
        notes.append(text.format(name=modules[0].units[2].name))
    return make_guess(
        GoogLeNetSpec.parse(fields),
        [*stem, *(unit for module in modules for unit in module.units), head],
        ignored=ignored,
        notes=tuple(notes),
        questions=tuple(questions),
        adaptations={"epsilon": epsilon} if normed else {},
    )


def _table(modules: list[Inception]) -> tuple[list[Module], list[str]]:
    """The rows of the table, and the names of the modules before a pool: from a preset that fits, else from names."""
    rows = [module.row(f"m{number}") for number, module in enumerate(modules, 1)]
    own = _names(modules)
    if (published := _matching_preset(rows, len(modules[0].units))) is not None:
        names = own or [row.name for row in published.modules]
        places = [place for place, row in enumerate(published.modules) if row.name in published.pool_after]
        rows = list(published.modules)
    else:
        names = own or [row.name for row in rows]
        places = _pool_positions(names)
    return [row._replace(name=name) for row, name in zip(rows, names, strict=True)], [names[place] for place in places]


def _matching_preset(rows: list[Module], count: int) -> GoogLeNetSpec | None:
    """The preset whose modules have the same convolutions; None if there is none.

    Args:
        rows: Rows of the table.
        count: Convolutions in a module; a naive one has three.
    """

    def used(row: Module) -> tuple[str | int, ...]:
        return row[1:] if count == 6 else (row.ch1x1, row.ch3x3, row.ch5x5)

    specs = (preset.spec for preset in PRESETS.values() if isinstance(preset.spec, GoogLeNetSpec))
    return next((spec for spec in specs if list(map(used, spec.modules)) == list(map(used, rows))), None)


def _names(modules: list[Inception]) -> list[str] | None:
    """The modules' names in the checkpoint if they are short, numbered and distinct; else None."""
    paths = [common_prefix(unit.path for unit in module.units) for module in modules]
    depth = len(common_prefix(paths))
    if not all(len(path) > depth for path in paths):
        return None
    own = [path[depth] for path in paths]
    shared = len(common_prefix(map(tuple, own)))
    # Digits belong to the name: inception3a and inception3b are 3a and 3b.
    while shared and own[0][shared - 1].isdecimal():
        shared -= 1
    for short in ([name[shared:].strip("_") for name in own], own):
        if len(set(short)) == len(short) and all(NUMBERED.fullmatch(name) for name in short):
            return short
    return None


def _pool_positions(names: list[str]) -> list[int]:
    """Positions of the modules before a pool.

    Names like 3b and 4a show them, or gaps between numbers; else they are at the paper's share of the depth.
    """
    stages = [match[1] if (match := re.fullmatch(r"([0-9]+)[a-z]", name)) else "" for name in names]
    if all(stages):
        return [place for place in range(len(names) - 1) if stages[place] != stages[place + 1]]
    if all(name.isdecimal() for name in names):  # a pool in a Sequential has a number and no tensors
        steps = [int(later) - int(name) for name, later in pairwise(names)]
        if set(steps) == {1, 2}:
            return [place for place, step in enumerate(steps) if step == 2]
    return [place for place in sorted({len(names) * 2 // 9 - 1, len(names) * 7 // 9 - 1}) if place >= 0]


def assumptions(_spec: GoogLeNetSpec) -> str:
    """The note about assumed properties, which no tensor shows and no question asks."""
    return _("The tensors don't show these, so the usual is assumed: global average pooling of the last map.")
