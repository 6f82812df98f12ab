"""Families are found by their folders, and nothing outside a folder knows its family by name."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from explorer import families
from explorer.families import FAMILIES, PRESETS
from explorer.families.registry import part, parts
from explorer.specs.base import Spec

ROOT = Path(families.__file__).parents[2]
HOME = ROOT / "explorer" / "families"
EXPLAINED = {
    # The Kernels page and its sums explain this one block by the rows of the table that the family is made of.
    "explorer/analysis/blocks.py",
    "explorer/ui/kernels/inception.py",
    # How the names of torchvision's models begin.
    "explorer/families/torchvision/mismatch.py",
}
# Names of families that are also a preset's or a library's: as bare text they say nothing.
AMBIGUOUS = {"googlenet", "torchvision"}


def outside(family: str) -> list[Path]:
    files = [*(ROOT / "explorer").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    editor = ROOT / "explorer" / "ui" / "editors" / f"{family}.py"
    return [file for file in files if HOME / family not in file.parents and file != editor]


def is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def named(file: Path, family: str) -> Iterator[str]:
    """Lines of a file that name a family: its class, its modules, or the family as text."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)) if f"{module}.".startswith(f"explorer.families.{family}."):
                yield f"line {node.lineno}: {module}"
            case ast.Name(id=name) | ast.Attribute(attr=name) if name == FAMILIES[family].__name__:
                yield f"line {node.lineno}: {name}"
            case ast.Constant(value=str(text)) if text == family and family not in AMBIGUOUS:
                yield f"line {node.lineno}: {text!r}"
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "family" and is_text(value, family):
                        yield f"line {node.lineno}: family {family!r}"
            case ast.Compare(left=ast.Attribute(attr="family"), comparators=[compared]) if is_text(compared, family):
                yield f"line {node.lineno}: family {family!r}"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_familys_name_stands_in_its_folder_and_its_editor_alone(family: str) -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file in outside(family)
        if (lines := list(named(file, family))) and str(file.relative_to(ROOT)) not in EXPLAINED
    }
    assert found == {}


def test_that_check_finds_what_it_should(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "from explorer.families.vgg.spec import VggSpec\n"
        "from explorer.families.vggish import nothing\n"
        "known = isinstance(spec, VggSpec)\n"
        "known = spec.family == 'vgg'\n"
        "fields = {'family': 'vgg'}\n"
        "other = 'vgg16'\n"
    )
    lines = [line.split(":")[0] for line in named(file, "vgg")]
    assert sorted(set(lines)) == ["line 1", "line 3", "line 4", "line 5"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_is_a_family(family: str) -> None:
    kind = FAMILIES[family]
    assert kind.model_fields["family"].default == family
    assert kind.title
    network = part(family, "network")
    assert network is not None
    assert callable(network.build)
    assert all(isinstance(name, str) for name in network.HEAD)
    assert callable(import_module(f"explorer.ui.editors.{family}").edit)


def test_every_folder_with_a_spec_is_found_and_no_other() -> None:
    assert {path.parent.name for path in HOME.glob("*/spec.py")} == FAMILIES.keys()
    positions = [family.position for family in FAMILIES.values()]
    assert positions == sorted(set(positions))
    assert parts("network").keys() == FAMILIES.keys()
    assert part("vgg", "nonesuch") is None


def test_presets_are_of_their_family_and_have_one_name() -> None:
    of_modules = [preset for family in FAMILIES for preset in import_module(f"explorer.families.{family}.spec").PRESETS]
    assert len(of_modules) == len(PRESETS) == len({preset.name for preset in of_modules})
    assert all(isinstance(preset.spec, Spec) for preset in of_modules)
