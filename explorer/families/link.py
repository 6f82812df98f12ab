"""Links: a spec as readable query parameters that give its differences from a preset.

``?net=vgg16`` is the preset; ``?net=vgg16&cfg=64.M.128&batch_norm=true`` changes it. Dots join the items of a list and
underscores the rows of a table; ``none`` is null and ``empty`` is the empty list. ``image_size=224x160`` is a height
and a width.

If a link holds several networks, each is one text of unreserved characters: ``vgg16~cfg~64.M.128``. Tildes join the
parts; ``~.`` stands for a colon and ``~-`` for a slash.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from explorer.errors import SpecError, shown
from explorer.families.parsing import parse_spec
from explorer.families.presets import is_base, nearest, resolve
from explorer.families.registry import FAMILIES, PRESETS
from explorer.i18n import _
from explorer.specs.base import Spec
from explorer.specs.link_text import ROWS, ListText, check_length, parse_scalar, write

BASE = "net"
DEFAULT = "vgg16"
MAX_LINK = 8_000
LIST = ListText(empty="empty", blanks=True)

# Links can hold every field of every family.
FIELDS = frozenset(name for family in FAMILIES.values() for name in family.model_fields if name != "family")


def encode(spec: Spec, base: str) -> dict[str, str]:
    """Query parameters that :func:`decode` turns back into the spec.

    Args:
        spec: Spec of the network.
        base: Preset that it was made from. If its family differs, the link starts from the nearest preset.
    """
    if base not in PRESETS or PRESETS[base].spec.family != spec.family:
        base = nearest(spec)
    before, after = resolve(base).to_dict(), spec.to_dict()
    fields = type(spec).model_fields
    return {BASE: base, **{key: _text(after[key], fields[key]) for key in after if after[key] != before[key]}}


def decode(parameters: Mapping[str, str]) -> tuple[Spec, str]:
    """The spec of a link, and the name of the preset that it starts from.

    Raises:
        SpecError: If a parameter is wrong; names the parameter and the fault.
    """
    check_length(parameters, MAX_LINK)
    base = parameters.get(BASE, DEFAULT)
    if not is_base(base):
        raise SpecError(_("link, net: there is no preset {name}").format(name=shown(base)))
    start = resolve(base)
    fields = type(start).model_fields
    data = start.to_dict()
    for key, text in parameters.items():
        if key == BASE:
            continue
        if key not in fields or key == "family":
            raise SpecError(_("link, {key}: {base} has no such setting").format(key=shown(key), base=base))
        data[key] = _value(text, fields[key].annotation)
    try:
        return parse_spec(data), base
    except SpecError as error:
        raise SpecError(_("link: {problem}").format(problem=error)) from None


def to_text(spec: Spec, base: str) -> str:
    """A network as one text, which :func:`from_text` reads; arguments as in :func:`encode`."""
    link = encode(spec, base)
    parts = [link.pop(BASE), *(part for pair in link.items() for part in pair)]
    return "~".join(part.replace(":", "~.").replace("/", "~-") for part in parts)


def from_text(text: str) -> tuple[Spec, str]:
    """The spec of a text from :func:`to_text`, and the name of the preset that it starts from.

    Raises:
        SpecError: If a part is wrong; names the part and the fault.
    """
    parts = [part.replace("~.", ":").replace("~-", "/") for part in re.split("~(?![.-])", text.strip())]
    base, keys, values = parts[0], parts[1::2], parts[2::2]
    if not is_base(base):
        raise SpecError(_("link: there is no preset {name}").format(name=shown(base)))
    if len(keys) > len(values):
        raise SpecError(_("link: {key} has no value").format(key=shown(keys[-1])))
    if twice := [key for key in keys if keys.count(key) > 1 or key == BASE]:
        raise SpecError(_("link: {key} occurs twice").format(key=shown(twice[0])))
    return decode({BASE: base, **dict(zip(keys, values, strict=True))})


def _text(value: Any, field: FieldInfo) -> str:
    if not isinstance(value, list):
        return write(value)
    if value and isinstance(value[0], list):
        return ROWS.join(map(LIST.write, value))
    return next((one for one in field.metadata if isinstance(one, ListText)), LIST).write(value)


def _value(text: str, annotation: Any) -> Any:
    """A parameter's value, by the type of its field. Names stay text, even ``3`` and ``true``."""
    if get_origin(annotation) is not tuple:
        return parse_scalar(text)
    kind = get_args(annotation)[0]
    if hasattr(kind, "_fields") and text != LIST.empty:  # rows of a table, the name first
        return [[name, *map(parse_scalar, cells)] for name, *cells in map(LIST.read, text.split(ROWS))]
    items = LIST.read(text)
    return items if kind is str else list(map(parse_scalar, items))
