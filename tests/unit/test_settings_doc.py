"""docs/settings.md lists exactly the settings, with their defaults."""

import re
from pathlib import Path

from explorer.settings import HOME, Settings
from tests.helpers.documents import ROOT

_ROW = re.compile(r"^\| `(EXPLORER_\w+|HYPOTHESIS_PROFILE)` \| (.+?) \|", re.MULTILINE)


def _sections() -> list[dict[str, str]]:
    """Return the second column of each table, by the first."""
    sections = (ROOT / "docs" / "settings.md").read_text("utf-8").split("\n## ")
    return [dict(_ROW.findall(section)) for section in sections]


def _format(default: object) -> str:
    match default:
        case "":
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case Path():
            return f"`{default.relative_to(HOME)}`"
        case _:
            return f"`{default}`"


def test_every_setting_is_documented_with_its_default() -> None:
    fields = Settings.model_fields
    assert _sections()[0] == {f"EXPLORER_{name.upper()}": _format(field.default) for name, field in fields.items()}


def test_every_other_environment_variable_is_documented() -> None:
    """Other variables have our prefix but are not fields of Settings."""
    named = set[str]()
    for folder in ("explorer", "pages", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r"[\"'](EXPLORER_[A-Z_]+[A-Z]|HYPOTHESIS_PROFILE)[\"']", path.read_text("utf-8")))
    settings, others = _sections()
    assert named - settings.keys() == others.keys()
