"""The documents agree with the source tree."""

import re
import tomllib

from tests.helpers.documents import ROOT, documents, inline

FOLDERS = ("explorer", "pages", "benchmarks", "tests", "docs", "pretrained", "deploy")
_FILE = re.compile(r"[\w./-]+\.(py|md|jinja|toml)")
_FOLDER = re.compile(rf"({'|'.join(FOLDERS)})(/[\w-]+)*/?")
PATHS = {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
PATHS |= {path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*"), *ROOT.glob(".streamlit/*"))}


def _exists(named: str) -> bool:
    """Whether a path ends with this name. Capitals stand for any name, as in families/NAME/spec.py."""
    words = re.sub(r"\b[A-Z]+\b(?!\.md)", "[^/]+", re.escape(named.removeprefix("../").rstrip("/")))
    pattern = re.compile(rf"(.*/)?{words}")
    return any(pattern.fullmatch(path) for path in PATHS)


def test_every_named_file_and_folder_exists() -> None:
    named = [code for code in inline() if _FILE.fullmatch(code.text) or _FOLDER.fullmatch(code.text)]
    assert len(named) > 100
    assert [f"{code.place}: {code.text}" for code in named if not _exists(code.text)] == []
    assert not _exists("explorer/families/vgg/nothing.py")


def test_every_link_to_a_file_works() -> None:
    for path in [*documents(), ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_architecture_has_the_import_layers_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    order = " → ".join(layer.replace("explorer.", "") for layer in layers)
    assert f"`{order}`" in (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def test_every_decision_is_listed_with_a_unique_number() -> None:
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"^\| \[(\d+)\]\((.*)\) \|", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [name for _number, name in listed] == files
    assert len({name[:4] for name in files}) == len(files)
    assert all(name.startswith(number) for number, name in listed)


def test_the_architecture_lists_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for package in (ROOT / "explorer").glob("*/__init__.py"):
        assert f"| `explorer/{package.parent.name}/` |" in text


def test_the_hooks_are_the_commands_of_make_check() -> None:
    """The hooks have the same commands as ``make check``, without the folders."""
    rule = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert rule
    checks = [re.sub(r"( \.| explorer pages)$", "", line) for line in rule[1].replace("\t", "").splitlines()]
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"), re.MULTILINE)
    assert hooks == [check.replace("$(BIN)", ".venv/bin") for check in checks]


def test_a_word_of_the_glossary_has_one_meaning() -> None:
    text = (ROOT / "docs" / "glossary-for-developers.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    words = [word for word, _meaning in rows if word not in {"word", "---"}]
    assert len(words) > 60
    assert len(set(words)) == len(words)
