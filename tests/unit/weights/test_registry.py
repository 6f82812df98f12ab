"""The registry: which name finds which weights, and that no file in a folder breaks the list."""

import json
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from explorer.errors import InputError, printable, readable
from explorer.settings import settings
from explorer.weights import files, registry, torchvision
from explorer.weights.files import Card, load, read_card, save
from explorer.weights.registry import Origin, entries, find
from tests.helpers.command import run as command
from tests.helpers.toys import VGG, prepared, toy_spec

TRAINED = prepared(toy_spec(VGG))
CARD = TRAINED.card
TENSORS = TRAINED.training.network.state_dict()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Empty folders of weights, without torchvision's weights."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setattr(torchvision, "catalogue", dict)
    for name in ("weights", "runs/abc123def456", "pretrained"):
        (tmp_path / name).mkdir(parents=True)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def put(path: Path, name: str) -> Path:
    save(path, TENSORS, CARD.model_copy(update={"name": name}))
    return path


def header(path: Path, text: str | None) -> None:
    """Writes a weights file with any text as its card."""
    save_file(TENSORS, path, metadata=None if text is None else {"card": text})


def test_all_folders_are_listed_and_each_name_finds_its_file(folders: Path) -> None:
    paths = {
        "ours": put(folders / "pretrained/ours.safetensors", "Ours"),
        "theirs": put(folders / "weights/theirs.safetensors", "Theirs"),
        "abc123def456": put(folders / "runs/abc123def456/best.safetensors", "A run"),
    }
    listed = entries()
    assert [(entry.name, entry.origin) for entry in listed] == [
        ("ours", Origin.PRETRAINED),
        ("theirs", Origin.IMPORTED),
        ("abc123def456", Origin.JOB),
    ]
    assert [entry.card.name for entry in listed if entry.card] == ["Ours", "Theirs", "A run"]
    for name, path in paths.items():
        assert find(name) == find(str(path)) == path


def test_of_two_files_with_a_name_the_second_is_named_by_its_path(folders: Path) -> None:
    ours = put(folders / "pretrained/net.safetensors", "Ours")
    theirs = put(folders / "weights/net.safetensors", "Theirs")
    assert [entry.name for entry in entries()] == ["net", str(theirs)]
    assert find("net") == ours
    assert all(find(entry.name) == entry.path for entry in entries())


def test_a_name_wins_over_a_file_of_the_working_folder(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = put(folders / "pretrained/net.safetensors", "Ours")
    monkeypatch.chdir(folders)
    other = put(folders / "net", "Another")
    assert find("net") == ours
    assert find("./net").samefile(other)


def test_a_broken_file_is_listed_with_its_fault_and_breaks_nothing(folders: Path) -> None:
    put(folders / "weights/good.safetensors", "Good")
    good = (folders / "weights/good.safetensors").read_bytes()
    broken: dict[str, bytes] = {
        "a-empty": b"",
        "b-short": good[:200],
        "c-cut": good[:-10],
        "d-lies": struct.pack("<Q", 2**60) + b"{}",
        "e-other": b"GIF89a" * 100,
    }
    for name, content in broken.items():
        (folders / f"weights/{name}.safetensors").write_bytes(content)
    (folders / "weights/f-folder.safetensors").mkdir()
    (folders / "weights/g-gone.safetensors").symlink_to(folders / "nowhere")
    listed = entries()
    assert [entry.name for entry in listed if entry.card] == ["good"]
    assert len(listed) == 8
    for entry in listed:
        assert (entry.card is None) == (entry.fault is not None)
        assert entry.fault is None or ("\n" not in entry.fault and entry.name in entry.fault)


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _level in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": ["a", "b"]}, "classes: 2 names, while the network has 4 outputs"),
        ({"classes": []}, "classes"),
        ({"classes": ["a", "b", "c", "\x1b[2J"]}, r"'\\x1b\[2J' has control characters"),
        ({"classes": ["a", "b", "c", "c\u202ec"]}, "a name has invisible characters"),
        ({"classes": ["a", "b", "c", "c" * 501]}, r"classes, entry 4: 'c+\.\.\.c+' is longer than 500 characters"),
        ({"name": "\u2066cat\u2069"}, r"name: '\\u2066cat\\u2069' has invisible characters"),
        ({"name": "n" * 501}, "name: 'n+...n+' is longer than 500 characters"),
        ({"license": "MIT\ud800"}, r"'MIT\\ud800' has "),
        ({"data": {"\0": 1}}, r"'\\x00' has control characters"),
        ({"made_by": {"command": "x" * 100_001}}, "100,001 characters, more than the 100,000 allowed"),
        ({"metrics": deep(500)}, "nested too deeply, beyond 32 levels"),
        ({"recipe": deep(33)}, "nested too deeply"),
        ({"data": {"train_images": 10**40}}, "a whole number in it "),
        ({"preprocessing": {"size": 10**5000, "mean": [0.5], "std": [0.5]}}, "a whole number in it "),
        ({"metrics": {"test/top1": "0.9"}}, "metrics, 'test/top1': '0.9' is not a fraction from 0 to 1"),
        ({"metrics": {"test/top1": 1e300}}, r"1e\+300 is not a fraction"),
        ({"metrics": {"test/top1": [0.9]}}, "is not a fraction"),
        ({"metrics": []}, "metrics"),
        ({"data": "cifar"}, "data"),
        ({"preprocessing": {"size": 9, "mean": [0.5], "std": [0.5]}}, "size: 9, while the network takes .* 8 pixels"),
        ({"preprocessing": {"size": 8, "mean": [0.5] * 3, "std": [0.5] * 3}}, "mean: 3 entries, .* takes 1 channel"),
        ({"preprocessing": {"size": 8, "mean": [0.5], "std": [0.5], "resize": 7}}, "7 is less than the crop, 8"),
        ({"preprocessing": {"size": 8, "mean": [float("nan")], "std": [0.5]}}, "not finite"),
        ({"spec": {"family": "transformer"}}, "'transformer' is not one of"),
        ({"metrics": {"test/top1": float("nan")}}, "holds a number that is not finite"),
        ({"format": 2}, "format"),
        ({"name": None}, "name"),
    ],
)
def test_a_card_that_breaks_a_rule_is_refused(folders: Path, change: dict[str, Any], words: str) -> None:
    path = folders / "weights/w.safetensors"
    sys.set_int_max_str_digits(0)
    try:
        header(path, json.dumps(CARD.model_dump(mode="json") | change))
    finally:
        sys.set_int_max_str_digits(4300)
    for read in (read_card, load):
        with pytest.raises(InputError, match=rf"w\.safetensors: its card breaks a rule: .*{words}") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert entries()[0].fault == str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"a":1,"a":2}', "[" * 100_000, "NaN"])
def test_text_that_is_not_a_card_is_refused(folders: Path, text: str) -> None:
    header(folders / "w", text)
    with pytest.raises(InputError, match=f"^{folders}/w: "):
        read_card(folders / "w")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([(key,) for key in Card.model_fields] + [("preprocessing", "mean"), ("spec", "cfg")]), VALUES)
def test_any_value_in_a_card_is_accepted_or_refused_in_one_line(keys: tuple[str, ...], value: object) -> None:
    document: dict[str, Any] = CARD.model_dump(mode="json")
    part = document
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    try:
        card = Card.parse(json.dumps(document), Path("w"))
    except InputError as error:
        assert str(error).startswith("w: ")
        assert "\n" not in str(error)
    else:
        assert Card.parse(card.model_dump_json(), Path("w")) == card


def test_a_file_of_another_program_is_refused(folders: Path) -> None:
    header(folders / "w", None)
    with pytest.raises(InputError, match="has no card: the explorer did not write it"):
        read_card(folders / "w")
    path = folders / "net.pth"
    torch.save({}, path)
    with pytest.raises(InputError, match=r"net\.pth is another program's file; 'python -m explorer import'"):
        find(str(path))


def test_a_card_has_null_for_numbers_that_are_not_finite(folders: Path) -> None:
    path = folders / "w.safetensors"
    save(path, TENSORS, CARD.model_copy(update={"metrics": {"loss": float("nan"), "top1": 0.5}}))
    assert read_card(path).metrics == {"loss": None, "top1": 0.5}
    assert Card.parse(path.with_suffix(".json").read_text(encoding="utf-8"), path) == read_card(path)


def test_an_unknown_name_is_refused_with_similar_names(folders: Path) -> None:
    put(folders / "pretrained/mnist-cnn.safetensors", "Ours")
    with pytest.raises(InputError, match=r"^weights: there are no 'mnist-cmn'; did you mean mnist-cnn\?$"):
        find("mnist-cmn")
    for text in ("", ".", "/", "\0", "x" * 5000, "~", "abc123def456", str(folders), "../pretrained/mnist-cnn", "\n"):
        with pytest.raises(InputError, match=r"^weights: ") as caught:
            find(text)
        assert "\n" not in str(caught.value)


def test_listing_hundreds_of_files_reads_only_their_headers(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put(folders / "weights/n000.safetensors", "Many").read_bytes()
    for number in range(1, 300):
        (folders / f"weights/n{number:03}.safetensors").write_bytes(first)
    opened = files._open

    @contextmanager
    def header(path: Path) -> Iterator[SimpleNamespace]:
        with opened(path) as file:
            yield SimpleNamespace(metadata=file.metadata)  # nothing gives a tensor

    monkeypatch.setattr(files, "_open", header)
    assert sum(entry.card is not None for entry in entries()) == 300


def test_the_command_lists_weights(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folders / "pretrained/net.safetensors"
    save(path, TENSORS, CARD.model_copy(update={"name": "A\x1b[31mnet", "metrics": {"test/top1": 0.98765}}))
    (folders / "weights/bad.safetensors").write_bytes(b"")
    status, out, err = command(capsys, monkeypatch, "weights")
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split()[:3] == ["net", "pretrained", "98.77%"]
    assert "A\\x1b[31mnet, trained on toys" in out
    assert "broken: " in out.splitlines()[1]
    status, out, _err = command(capsys, monkeypatch, "weights", "--json")
    first, second = json.loads(out)
    assert (status, first["name"], first["kind"], first["path"]) == (0, "net", "pretrained", str(path))
    assert first["metrics"] == {"test/top1": 0.98765}
    assert "bad.safetensors can't be read" in second["fault"]


@given(st.text(st.characters(), min_size=1, max_size=8), st.text(st.characters(), max_size=8))
def test_a_written_card_can_be_read(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    card = CARD.model_copy(
        update={"made_by": {"command": name, text: [name]}, "license": text, "metrics": {"loss": float("inf")}}
    )
    save(path, TENSORS, card)
    again = read_card(path)
    assert again.metrics == {"loss": None}
    assert again.license is not None
    assert printable(again.license) == printable(text)
    assert again == Card.parse(path.with_suffix(".json").read_text("utf-8"), path)


def test_unreadable_file_names_are_listed_escaped(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders / "weights/good.safetensors", "Good")
    names = ["a\u202eb", "c\x1b[2Jd", os.fsdecode(b"caf\xe9"), "e\nf", "g\u200bh"]
    for name in names:
        put(folders / f"weights/{name}.safetensors", "X")
    (folders / "weights/i\u202ej.safetensors").write_bytes(struct.pack("<Q", 2**40))
    listed = {entry.name: entry for entry in entries()}
    assert {*map(printable, names), "good", "i\\u202ej"} == set(listed)
    for name in names:
        assert find(printable(name)).stem == name
    fault = listed["i\\u202ej"].fault or ""
    assert "its header would have 1,099,511,627,776 bytes" in fault
    for arguments in (["weights"], ["weights", "--json"]):
        status, out, err = command(capsys, monkeypatch, *arguments)
        assert (status, err) == (0, "")
        assert all(map(readable, out.splitlines()))
        assert "good" in out
