"""All families, all presets, and how a text becomes a spec."""

import json
from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.specs import googlenet, resnet, vgg, zoo
from explorer.specs.base import Preset, Spec

FAMILIES: dict[str, type[Spec]] = {
    "vgg": vgg.VggSpec,
    "resnet": resnet.ResNetSpec,
    "googlenet": googlenet.GoogLeNetSpec,
    "torchvision": zoo.ZooSpec,
}
PRESETS: dict[str, Preset] = {
    preset.name: preset for family in (vgg, resnet, googlenet, zoo) for preset in family.PRESETS
}
MAX_JSON = 1_000_000
SAVED = "saved:"


def parse_spec(data: object) -> Spec:
    """A spec from decoded JSON.

    Raises:
        SpecError: naming rule, value and place.
    """
    if not isinstance(data, dict):
        raise SpecError(_("spec: {value} is not a JSON object").format(value=shown(data)))
    if "family" not in data:
        raise SpecError(_("family: this key is required; one of {families}").format(families=", ".join(FAMILIES)))
    family = data["family"]
    if not isinstance(family, str) or family not in FAMILIES:
        raise SpecError(
            _("family: {value} is not one of {families}").format(value=shown(family), families=", ".join(FAMILIES))
        )
    return FAMILIES[family].parse(data)


def parse_json(text: str) -> Spec:
    """A spec from JSON text.

    Raises:
        SpecError: where the text is not JSON, repeats a key, or the spec breaks a rule.
    """
    if len(text) > MAX_JSON:
        raise SpecError(
            _("spec: {count:,} characters of JSON are more than the {limit:,} allowed").format(
                count=len(text), limit=MAX_JSON
            )
        )
    try:
        return parse_spec(json.loads(text, object_pairs_hook=_no_repeats))
    except json.JSONDecodeError as error:
        raise SpecError(
            _("spec: not JSON at line {line}, column {column}: {reason}").format(
                line=error.lineno, column=error.colno, reason=error.msg
            )
        ) from None
    except RecursionError:
        raise SpecError(_("spec: the JSON is nested too deeply")) from None
    except ValueError as error:  # a number of thousands of digits
        raise SpecError(_("spec: not JSON: {reason}").format(reason=str(error).split(";")[0])) from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        repeated = Counter(key for key, _value in pairs).most_common(1)[0][0]
        raise SpecError(_("{place}: this key stands twice").format(place=shown(repeated)))
    return data


def resolve(text: str) -> Spec:
    """A spec from what people type: preset name, torchvision:NAME, saved:NAME, inline JSON, or a .json file.

    Raises:
        SpecError: where it is none of these, or the spec breaks a rule.
    """
    text = text.strip()
    if text.startswith(("{", "[")):
        return parse_json(text)
    if text in PRESETS:
        return PRESETS[text].spec
    if text.startswith(zoo.PREFIX):
        return zoo.ZooSpec.parse({"family": "torchvision", "name": text.removeprefix(zoo.PREFIX)})
    if text.startswith(SAVED):
        from explorer.specs import saved  # it parses with this module

        return saved.load(text.removeprefix(SAVED))
    if text.endswith(".json"):
        return _from_file(Path(text))
    if close := get_close_matches(text[:60], PRESETS, n=3):
        raise SpecError(
            _("spec: {value} is not a preset; did you mean {names}?").format(value=shown(text), names=", ".join(close))
        )
    raise SpecError(
        _("spec: {value} is not a preset, torchvision:NAME, a .json file or inline JSON").format(value=shown(text))
    )


def nearest(spec: Spec) -> str:
    """The preset, or torchvision:NAME, that a network differs from in the fewest settings."""
    if isinstance(spec, zoo.ZooSpec):
        return f"{zoo.PREFIX}{spec.name}"
    fields = spec.to_dict()

    def differences(name: str) -> int:
        other = PRESETS[name].spec.to_dict()
        return sum(fields[key] != other[key] for key in fields)

    return min((name for name, preset in PRESETS.items() if preset.spec.family == spec.family), key=differences)


def _from_file(path: Path) -> Spec:
    try:
        if path.stat().st_size > 4 * MAX_JSON:
            raise SpecError(_("spec: the file {path} is too large").format(path=shown(str(path))))
        text = path.read_text(encoding="utf-8-sig")  # Windows editors begin with a mark
    except UnicodeDecodeError:
        raise SpecError(_("spec: the file {path} is not UTF-8 text").format(path=shown(str(path)))) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError(_("spec: can't read {path}: {reason}").format(path=shown(str(path)), reason=reason)) from None
    return parse_json(text)
