"""All families, all presets, and how a text becomes a spec."""

from difflib import get_close_matches
from pathlib import Path

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.specs import googlenet, resnet, vgg, zoo
from explorer.specs.base import Preset, Spec
from explorer.specs.reading import decode, read_json

FAMILIES: dict[str, type[Spec]] = {
    "vgg": vgg.VggSpec,
    "resnet": resnet.ResNetSpec,
    "googlenet": googlenet.GoogLeNetSpec,
    "torchvision": zoo.ZooSpec,
}
PRESETS: dict[str, Preset] = {
    preset.name: preset for family in (vgg, resnet, googlenet, zoo) for preset in family.PRESETS
}
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
        InputError: where the text is not JSON or repeats a key.
        SpecError: where the spec breaks a rule.
    """
    return parse_spec(decode(text, "spec"))


def resolve(text: str) -> Spec:
    """A spec from what people type: preset name, torchvision:NAME, saved:NAME, inline JSON, or a .json file.

    Raises:
        InputError: where a file can't be read or is not JSON.
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
        return parse_spec(read_json(Path(text), "spec"))
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
    return min(
        (name for name, preset in PRESETS.items() if preset.spec.family == spec.family),
        key=lambda name: differences(spec, PRESETS[name].spec),
    )


def differences(one: Spec, other: Spec) -> int:
    """In how many settings two networks differ; of different families, in all."""
    before, after = one.to_dict(), other.to_dict()
    return sum(key not in after or before[key] != after[key] for key in before)
