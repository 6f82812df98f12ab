"""docs/settings.md lists exactly the settings, as the class describes them."""

import re

from explorer.settings import Settings
from tests.checks.settings_reference import DOCUMENT, updated
from tests.helpers.documents import ROOT

_ROW = re.compile(r"^\| `(EXPLORER_\w+|HYPOTHESIS_PROFILE)` \| (.+?) \|", re.MULTILINE)


def _sections() -> list[dict[str, str]]:
    """Return the second column of each table, by the first."""
    sections = DOCUMENT.read_text("utf-8").split("\n## ")
    return [dict(_ROW.findall(section)) for section in sections]


def test_the_document_is_what_the_class_says() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == updated(document), "run: python -m tests.checks.settings_reference"
    assert len(_sections()[0]) == len(Settings.model_fields)


def test_every_other_environment_variable_is_documented() -> None:
    """Other variables have our prefix but are not fields of Settings."""
    named = set[str]()
    for folder in ("explorer", "pages", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r"[\"'](EXPLORER_[A-Z_]+[A-Z]|HYPOTHESIS_PROFILE)[\"']", path.read_text("utf-8")))
    settings, others = _sections()
    assert named - settings.keys() == others.keys()
