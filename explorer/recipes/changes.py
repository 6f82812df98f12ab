"""Changes to a recipe or spec, one ``KEY=VALUE`` each, as ``--set`` takes them."""

import json
from collections.abc import Iterable
from typing import Any

from explorer.errors import InputError, shown
from explorer.i18n import _

SPEC = "spec."
LISTS = frozenset({"augment", "mean", "std", "freeze"})


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


def _value(text: str) -> Any:
    for read in (json.loads, float):  # float reads ".1", which JSON does not
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text
