"""Specs from JSON."""

from explorer.errors import SpecError, shown
from explorer.families.registry import FAMILIES
from explorer.i18n import _
from explorer.specs.base import Spec
from explorer.specs.reading import decode


def parse_spec(data: object) -> Spec:
    """A spec from decoded JSON.

    Raises:
        SpecError: If the spec breaks a rule; names rule, value and place.
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
        InputError: If the text is not JSON or repeats a key.
        SpecError: If the spec breaks a rule.
    """
    return parse_spec(decode(text, "spec"))
