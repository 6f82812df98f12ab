"""Families are found by their folders, and code outside of a folder does not name its family."""

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
    # The Kernels page explains this block with the family's table.
    "explorer/analysis/blocks.py",
    "explorer/ui/shared/sections/inception.py",
    # Beginnings of the names of torchvision's models.
    "explorer/families/torchvision/mismatch.py",
    "explorer/families/torchvision/spec.py",
}
# Names of families that are also names of a preset or a library; as text they may mean either.
AMBIGUOUS = {"googlenet", "torchvision"}


def files_outside(family: str) -> list[Path]:
    files = [*(ROOT / "explorer").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    editor = ROOT / "explorer" / "ui" / "editors" / f"{family}.py"
    return [file for file in files if HOME / family not in file.parents and file != editor]


def is_constant(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def mentions(file: Path, family: str) -> Iterator[str]:
    """Lines of a file that name a family: its class, its modules, or the family as text."""
    source = file.read_text("utf-8")
    if family not in source and FAMILIES[family].__name__ not in source:
        return  # each case below has one of them; most files have none, and needn't be parsed
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module)) if f"{module}.".startswith(f"explorer.families.{family}."):
                yield f"line {node.lineno}: {module}"
            case ast.Name(id=name) | ast.Attribute(attr=name) if name == FAMILIES[family].__name__:
                yield f"line {node.lineno}: {name}"
            case ast.Constant(value=str(text)) if text == family and family not in AMBIGUOUS:
                yield f"line {node.lineno}: {text!r}"
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "family" and is_constant(value, family):
                        yield f"line {node.lineno}: family {family!r}"
            case ast.Compare(left=ast.Attribute(attr="family"), comparators=[compared]) if is_constant(
                compared, family
            ):
                yield f"line {node.lineno}: family {family!r}"


@pytest.mark.parametrize("family", FAMILIES)
def test_only_its_folder_and_editor_name_a_family(family: str) -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file in files_outside(family)
        if (lines := list(mentions(file, family))) and str(file.relative_to(ROOT)) not in EXPLAINED
    }
    assert found == {}


def test_the_check_finds_names_of_families(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "from explorer.families.vgg.spec import VggSpec\n"
        "from explorer.families.vggish import nothing\n"
        "known = isinstance(spec, VggSpec)\n"
        "known = spec.family == 'vgg'\n"
        "fields = {'family': 'vgg'}\n"
        "other = 'vgg16'\n"
    )
    lines = [line.split(":")[0] for line in mentions(file, "vgg")]
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
