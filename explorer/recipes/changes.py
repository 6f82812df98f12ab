"""Changes to a recipe or spec, one ``KEY=VALUE`` each, as ``--set`` takes them."""

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

from explorer.errors import InputError, shown
from explorer.i18n import _

SPEC = "spec."
LISTS = frozenset({"augment", "mean", "std", "freeze"})
MAX_SWEEP = 100  # jobs of one sweep


def assignments(pairs: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields to replace in the recipe, and those of ``spec.KEY=VALUE`` to replace in the spec.

    A value is JSON where it parses, else text; commas make a list for keys that take one, and in the spec. Whether
    key and value make sense is for :meth:`Recipe.changed` and :meth:`Spec.changed` to say.

    Raises:
        InputError: where a pair has no key or no ``=``, or a key stands twice.
    """
    recipe: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        fields, key = (spec, name.removeprefix(SPEC)) if name.startswith(SPEC) else (recipe, name)
        if not (key and equals):
            raise InputError(_("set: {pair} is not KEY=VALUE").format(pair=shown(pair)))
        if key in fields:
            raise InputError(_("set: {pair} sets a key for the second time").format(pair=shown(pair)))
        value = _value(text)
        listed = fields is recipe and key in LISTS and not (value is None or isinstance(value, list))
        if listed or (fields is spec and isinstance(value, str) and "," in value):
            value = [_value(part.strip()) for part in text.split(",") if part.strip()]
        fields[key] = value
    return recipe, spec


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
