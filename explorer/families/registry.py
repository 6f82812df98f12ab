"""The registry of families: it finds every folder with a ``spec.py``, so no list has to be edited.

A family's folder holds ``spec.py`` (without torch: one subclass of ``Spec``, and its ``PRESETS``), ``network.py``
(``build(spec)`` and ``HEAD``), ``recognise.py`` (recognises other people's checkpoints) and ``source.py`` (values for
the template of the source code). It may hold others, such as ``published.py`` (published figures).
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from explorer.specs.base import Preset, Spec


def _spec_class(folder: str) -> type[Spec]:
    module = import_module(f"{__package__}.{folder}.spec")
    own = (kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__)
    (spec_class,) = (kind for kind in own if issubclass(kind, Spec))
    return spec_class


def _find() -> dict[str, type[Spec]]:
    """The spec class of each family by the family's name, in the order of lists."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/spec.py"))
    return {folder: _spec_class(folder) for folder in sorted(folders, key=lambda name: _spec_class(name).position)}


FAMILIES: dict[str, type[Spec]] = _find()
PRESETS: dict[str, Preset] = {
    preset.name: preset for family in FAMILIES for preset in import_module(f"{__package__}.{family}.spec").PRESETS
}


def titles() -> str:
    """Titles of the families that have presets, as a list in words."""
    return ", ".join(
        kind.title for name, kind in FAMILIES.items() if any(p.spec.family == name for p in PRESETS.values())
    )


@cache
def part(family: str, name: str) -> ModuleType | None:
    """A module of a family's folder; None if the folder has no module of that name."""
    module = f"{__package__}.{family}.{name}"
    return import_module(module) if find_spec(module) else None


def required_part(family: str, name: str) -> ModuleType:
    """A module that every family's folder has: ``spec``, ``network``, ``recognise`` or ``source``."""
    return import_module(f"{__package__}.{family}.{name}")


def parts(name: str) -> dict[str, ModuleType]:
    """The modules of one name by family; families without such a module are left out."""
    return {family: module for family in FAMILIES if (module := part(family, name)) is not None}
