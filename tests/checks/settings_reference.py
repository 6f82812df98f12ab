"""The table of settings in docs/settings.md, made from the class of the settings.

usage: python -m tests.checks.settings_reference      writes the table into the document
"""

import re
from pathlib import Path

from explorer.settings import HOME, Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
HEADER = "| name | default | meaning |\n|---|---|---|\n"
_TABLE = re.compile(re.escape(HEADER) + r"(?:\|.*\n)+")


def table() -> str:
    """Returns the table of all settings, in the order of the class."""
    rows = (
        f"| `EXPLORER_{name.upper()}` | {_format(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return HEADER + "".join(rows)


def updated(document: str) -> str:
    """Returns the document with this table in place of its first one."""
    return _TABLE.sub(lambda _found: table(), document, count=1)


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


if __name__ == "__main__":
    DOCUMENT.write_text(updated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
