"""Checkpoints handed in: read once, kept within limits, and gone whatever happens."""

import io
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from explorer.cli.main import main
from explorer.errors import InputError
from explorer.settings import settings
from explorer.weights import store, torchvision
from explorer.weights.files import load, read_card
from explorer.weights.importing import class_names, drafts
from explorer.weights.importing.drafts import Draft
from explorer.weights.importing.importing import Proposal, Proved
from explorer.workers.semaphore import FairSemaphore
from tests.helpers.toys import VGG, prepared, toy_spec

pytestmark = pytest.mark.process

NETWORK = prepared(toy_spec(VGG)).training.network


def checkpoint() -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in NETWORK.state_dict().items()}}, file)
    return file.getvalue()


def handed_in(content: bytes, name: str = "Mein Netz (1).pth") -> Draft:
    return Draft(name, io.BytesIO(content), len(content))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that all temporary files are in."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def left(folder: Path) -> list[str]:
    return [path.name for path in (folder / "temporary").iterdir()]


def likely(proposal: Proposal) -> dict[str, object]:
    answers: dict[str, object] = {}
    while asked := proposal.questions(answers):
        answers[asked[0].key] = asked[0].likely
    return answers


def test_from_a_file_to_the_shelf_and_the_command_does_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = handed_in(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers = likely(draft.proposal) | {"mean": [0.25], "std": [0.5], "classes": ["a", "b", "c", "d"]}
    done = draft.write(answers, "mine", lambda _ahead: None)
    draft.close()
    assert left(folder) == []
    network, card = load(done.weights)
    assert all(torch.equal(tensor, NETWORK.state_dict()[name]) for name, tensor in network.state_dict().items())
    assert (done.weights.stem, card.name, card.inputs.mean) == ("mine", "Mein Netz (1)", (0.25,))
    monkeypatch.chdir(folder)
    Path("Mein Netz (1).pth").write_bytes(checkpoint())
    Path("classes.txt").write_text("a\nb\nc\nd\n")
    monkeypatch.setattr(sys, "argv", shlex.split(card.made_by["command"])[2:])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == ""
    same = read_card(Path("mine.safetensors"))
    assert (same.spec, same.classes, same.preprocessing) == (card.spec, card.classes, card.preprocessing)


def test_what_is_left_while_it_is_read_goes_when_that_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = handed_in(checkpoint())

    def leave(step: str, done: int, total: int) -> None:
        draft.close()
        assert left(folder) != []

    draft.read(leave)
    assert left(folder) == []
    assert draft.proposal is None
    with pytest.raises(InputError, match=r"is not wanted any more"):
        draft.write({}, "mine", lambda _ahead: None)
    with pytest.raises(InputError, match=r"is not wanted any more"):
        draft.read()


@pytest.mark.parametrize("content", [b"", b"PK nothing", b"{}", b"\x80\x02cos\nsystem\n(S'id'\ntR."])
def test_what_is_none_is_told_by_its_name_and_goes(folder: Path, content: bytes) -> None:
    draft = handed_in(content, "evil\n../name.pth")
    with pytest.raises(InputError, match=r"^evil\\n\.\./name\.pth: "):
        draft.read()
    draft.close()
    assert left(folder) == []


@pytest.mark.parametrize("limit", ["MAX_FILE", "MAX_ALL"])
def test_limits_of_size(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    first = handed_in(b"x" * 60)
    monkeypatch.setattr(drafts, limit, {"MAX_FILE": 50, "MAX_ALL": 100}[limit])
    before = left(folder)
    with pytest.raises(InputError, match=r"^Mein Netz \(1\)\.pth: "):
        handed_in(b"x" * 60)
    assert left(folder) == before
    first.close()
    monkeypatch.setattr(drafts, "MAX_FILE", 60)
    handed_in(b"x" * 60).close()  # its room is free again
    assert left(folder) == []


@pytest.mark.parametrize(("disk", "copies"), [("temporary", 2), ("weights", 1)])
def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, disk: str, copies: int) -> None:
    """A file of 60 bytes and what is made of it must have room on either disk."""
    free = copies * 60 + drafts.SPARED

    def usage(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free if folder / disk in (place, *place.parents) else 2**62)

    monkeypatch.setattr("shutil.disk_usage", usage)
    handed_in(b"x" * 60).close()
    free -= 1
    with pytest.raises(InputError, match=r"the server's disk is nearly full$"):
        handed_in(b"x" * 60)
    assert left(folder) == []


def test_who_waits_to_compute_or_to_write_keeps_nobody_from_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision, "catalogue", dict)
    draft = handed_in(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers, line, original = likely(draft.proposal), FairSemaphore(1), Proposal.proved
    waits, proved, asked = Event(), Event(), iter(range(50))

    def prove(*args: Any) -> Proved:
        result = original(*args)
        proved.set()
        return result

    def wait(_ahead: int) -> None:
        next(asked)

    monkeypatch.setattr(drafts, "slot", line.slot)
    monkeypatch.setattr(Proposal, "proved", prove)
    thread = Thread(target=draft.write, args=(answers, "mine", lambda _ahead: waits.set()))
    with line.slot(lambda _ahead: None):
        thread.start()
        assert waits.wait(10)
        monkeypatch.setattr(store, "LOCK_TIMEOUT", 5)
        others = ExitStack()
        others.enter_context(store.reserve("others"))
    assert proved.wait(10)
    with line.slot(wait):  # ends where it waits too long
        assert thread.is_alive()
    others.close()
    thread.join()
    assert (folder / "weights/mine.safetensors").exists()
    draft.close()


def test_a_name_that_is_taken_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision, "catalogue", dict)
    draft = handed_in(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers = likely(draft.proposal)
    with pytest.raises(InputError, match=r"^name: there are weights 'digits-cnn' already"):
        draft.write(answers, "digits-cnn", lambda _ahead: None)
    draft.write(answers, "other", lambda _ahead: None)
    draft.close()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ant, bee,cat", ["ant", "bee", "cat"]),
        ("ant\n\n bee\r\ncat, the pet\n", ["ant", "bee", "cat, the pet"]),
        ('["ant", "bee"]', ["ant", "bee"]),
        ('{"bee": 1, "ant": 0}', ["ant", "bee"]),
        ("/etc/hostname", ["/etc/hostname"]),  # of a page: never a file of the server's
    ],
)
def test_class_names_as_they_are_typed(text: str, names: list[str]) -> None:
    assert class_names.typed(text) == names


@pytest.mark.parametrize("text", ["", " \n ", "[1, 2]", "{", "[" * 100_000, "x" * 5_000_000])
def test_text_that_names_no_classes(text: str) -> None:
    with pytest.raises(InputError, match=r"^classes: "):
        class_names.check(class_names.typed(text), 3)
