"""Every test that docs/security.md names exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(?:tests/)?([\w/]+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text("utf-8"))
    assert len(named) > 20
    for file, test in named:
        path = ROOT / "tests" / file
        functions = {
            node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
        }
        assert test in functions, f"{file}::{test}"
