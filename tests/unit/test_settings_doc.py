"""docs/settings.md names every setting with its default, and nothing that is no setting."""

import re
from pathlib import Path

from explorer.settings import HOME, Settings
from tests.helpers.documents import ROOT

_ROW = re.compile(r"^\| `(EXPLORER_\w+|HYPOTHESIS_PROFILE)` \| (.+?) \|", re.MULTILINE)


def _sections() -> list[dict[str, str]]:
    """The second column of each table by the first."""
    sections = (ROOT / "docs" / "settings.md").read_text("utf-8").split("\n## ")
    return [dict(_ROW.findall(section)) for section in sections]


def _words(default: object) -> str:
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
    assert _sections()[0] == {f"EXPLORER_{name.upper()}": _words(field.default) for name, field in fields.items()}


def test_every_other_variable_that_is_read_is_documented() -> None:
    """Whatever stands in the code with our prefix and is no setting."""
    named = set[str]()
    for folder in ("explorer", "pages", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r"[\"'](EXPLORER_[A-Z_]+[A-Z]|HYPOTHESIS_PROFILE)[\"']", path.read_text("utf-8")))
    settings, others = _sections()
    assert named - settings.keys() == others.keys()
