"""Changes to a recipe or spec, one ``KEY=VALUE`` each, as ``--set`` takes them."""

import json
from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import Any, get_args, get_origin

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.specs import PRESETS
from explorer.specs.googlenet import Module

SPEC = "spec."
LISTS = frozenset({"augment", "mean", "std", "freeze"})
NAMES = frozenset({"augment", "freeze"})  # lists of names: numbers there are names, too
MAX_SWEEP = 100  # jobs of one sweep


def assignments(pairs: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields to replace in the recipe, and those of ``spec.KEY=VALUE`` to replace in the spec.

    A value is JSON where it parses, else text; for keys that take a list commas make one, and a single value is a list
    of one. Whether key and value make sense is for :meth:`Recipe.changed` and :meth:`Spec.changed` to say.

    Raises:
        InputError: where a pair has no key or no ``=``, or a key stands twice.
    """
    recipe: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    for pair in pairs:
        if pair.lstrip().startswith(SPEC):
            _assign(spec, pair, pair.lstrip().removeprefix(SPEC), *_spec_lists())
        else:
            _assign(recipe, pair, pair, LISTS, NAMES)
    return recipe, spec


def spec_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """Fields to replace in a spec, ``KEY=VALUE`` each, as :func:`assignments` reads them.

    Raises:
        InputError: likewise.
    """
    fields: dict[str, Any] = {}
    for pair in pairs:
        _assign(fields, pair, pair, *_spec_lists())
    return fields


def _assign(fields: dict[str, Any], pair: str, assignment: str, lists: frozenset[str], names: frozenset[str]) -> None:
    key, equals, text = assignment.partition("=")
    key = key.strip()
    if not (key and equals):
        raise InputError(_("set: {pair} is not KEY=VALUE").format(pair=shown(pair)))
    if key in fields:
        raise InputError(_("set: {pair} sets a key for the second time").format(pair=shown(pair)))
    value = _value(text)
    if key in lists and not (value is None or isinstance(value, list)):
        read = _name if key in names else _value
        value = [read(part.strip()) for part in text.split(",") if part.strip()]
    elif key in names and value is not None:
        value = [str(part) if isinstance(part, int | float) else part for part in value]
    fields[key] = value


@cache
def _spec_lists() -> tuple[frozenset[str], frozenset[str]]:
    """Fields of specs that are lists, and those of them that are lists of names."""
    families = {type(preset.spec) for preset in PRESETS.values()}
    fields = [field for family in families for field in family.model_fields.items()]
    kinds = {name: get_args(field.annotation)[0] for name, field in fields if get_origin(field.annotation) is tuple}
    return (
        frozenset(name for name, kind in kinds.items() if kind is not Module),  # rows of a table are JSON
        frozenset(name for name, kind in kinds.items() if kind is str),
    )


def sweep(texts: Iterable[str]) -> list[dict[str, str]]:
    """All combinations of ``KEY=V1,V2,…`` texts: for each job of a sweep the value, as text, of every key.

    A comma within brackets or quotes belongs to a value: ``spec.classifier=[64],[128,64]``.

    Raises:
        InputError: where a text has no key or no value, a key or value stands twice, or the jobs are too many.
    """
    axes: dict[str, list[str]] = {}
    jobs = 1
    for text in texts:
        key, equals, listed = text.partition("=")
        key, values = key.strip(), _parts(listed)
        if not (key and equals and values):
            raise InputError(_("sweep: {text} is not KEY=VALUE,VALUE,…").format(text=shown(text)))
        if key in axes:
            raise InputError(_("sweep: {key} stands twice").format(key=shown(key)))
        jobs *= len(values)
        if jobs > MAX_SWEEP:  # before anything that takes long for many
            raise InputError(
                _("sweep: {jobs:,} combinations are more than the {limit} jobs of a sweep").format(
                    jobs=jobs, limit=MAX_SWEEP
                )
            )
        if repeated := [value for value in values if values.count(value) > 1]:
            raise InputError(_("sweep: {key} has {value} twice").format(key=key, value=shown(repeated[0])))
        axes[key] = values
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no bracket and no quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        if not quoted:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> Any:
    for read in (json.loads, float):  # float reads ".1", which JSON does not
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text


def _name(text: str) -> Any:
    value = _value(text)
    return text if isinstance(value, int | float) else value
