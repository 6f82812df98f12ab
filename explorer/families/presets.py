"""Specs from names and typed text, and the nearest preset of a spec."""

from difflib import get_close_matches
from pathlib import Path

from explorer.errors import SpecError, shown
from explorer.families import saved
from explorer.families.parsing import parse_json, parse_spec
from explorer.families.registry import FAMILIES, PRESETS, part, parts
from explorer.i18n import _
from explorer.specs.base import Spec
from explorer.specs.reading import read_json

SAVED = "saved:"


def resolve(text: str) -> Spec:
    """A spec from typed text: preset name, torchvision:NAME, saved:NAME, inline JSON, or a .json file.

    Raises:
        InputError: If a file can't be read or is not JSON.
        SpecError: If the text is none of these, or the spec breaks a rule.
    """
    text = text.strip()
    if text.startswith(("{", "[")):
        return parse_json(text)
    if text in PRESETS:
        return PRESETS[text].spec
    if (spec := from_name(text)) is not None:
        return spec
    if text.startswith(SAVED):
        return saved.load(text.removeprefix(SAVED))
    if text.endswith(".json"):
        return parse_spec(read_json(Path(text), "spec"))
    if close := _close_names(text):
        raise SpecError(
            _("spec: {value} is not a preset; did you mean {names}?").format(value=shown(text), names=", ".join(close))
        )
    raise SpecError(
        _("spec: {value} is not a preset, torchvision:NAME, a .json file or inline JSON").format(value=shown(text))
    )


def own_names() -> dict[str, str]:
    """Titles of networks that are no presets, by the names that :func:`resolve` accepts."""
    return {name: title for module in parts("names").values() for name, title in module.own_names().items()}


def check_name(spec: Spec) -> None:
    """Checks the name of a network that is known by its name alone; its builder does the same, but imports torch.

    Raises:
        SpecError: If there is no network of this name.
    """
    names = part(spec.family, "names")
    if names is not None:
        names.check(spec)


def _close_names(text: str) -> list[str]:
    """Names that a text may mean: presets, and names that a family knows, also if written without the prefix."""
    known = {name.rpartition(":")[2]: name for name in own_names()}
    spellings = {_spelling(short): full for short, full in (known | {name: name for name in PRESETS}).items()}
    wanted = _spelling(text[:60])
    close = [wanted] if wanted in spellings else get_close_matches(wanted, spellings, n=3)
    return [spellings[one] for one in close]


def _spelling(name: str) -> str:
    return name.lower().replace("-", "_")


def from_name(name: str) -> Spec | None:
    """The network of a name that is no preset, such as torchvision:NAME; None if no family knows the name.

    Raises:
        SpecError: If the name breaks a rule.
    """
    return next((spec for family in FAMILIES.values() if (spec := family.from_name(name)) is not None), None)


def from_layers(text: str, current: Spec) -> Spec:
    """A network from a typed list of layers.

    Args:
        text: List of layers.
        current: Network that supplies all other fields.

    Raises:
        SpecError: If the text is no such list.
    """
    return next(spec for family in FAMILIES.values() if (spec := family.from_layers(text, current)) is not None)


def is_base(name: str) -> bool:
    """Whether a link can start from this name: a preset, or a name that a family knows."""
    return name in PRESETS or from_name(name) is not None


def nearest(spec: Spec) -> str:
    """The preset, or torchvision:NAME, from which a network differs in the fewest fields."""
    if spec.own_name is not None:
        return spec.own_name
    return min(
        (name for name, preset in PRESETS.items() if preset.spec.family == spec.family),
        key=lambda name: differences(spec, PRESETS[name].spec),
    )


def differences(one: Spec, other: Spec) -> int:
    """The number of fields in which two networks differ."""
    before, after = one.to_dict(), other.to_dict()
    return sum(key not in after or before[key] != after[key] for key in before)
