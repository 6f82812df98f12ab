"""Drafts: uploaded checkpoints are read once, within limits, and always removed."""

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
from explorer.weights.importing.importing import Proposal
from explorer.weights.importing.result import ProvedNetwork
from explorer.workers.semaphore import FairSemaphore
from tests.helpers.toys import VGG, prepared, toy_spec

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("forked")]

NETWORK = prepared(toy_spec(VGG)).training.network


def checkpoint() -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in NETWORK.state_dict().items()}}, file)
    return file.getvalue()


def upload(content: bytes, name: str = "Mein Netz (1).pth") -> Draft:
    return Draft(name, io.BytesIO(content), len(content))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the weights store and all temporary files."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def temporary_files(folder: Path) -> list[str]:
    names = [path.name for path in (folder / "temporary").iterdir()]
    return [name for name in names if not name.startswith("torchinductor")]  # PyTorch's own, from its first import


def likely_answers(proposal: Proposal) -> dict[str, object]:
    answers: dict[str, object] = {}
    while questions := proposal.questions(answers):
        answers[questions[0].key] = questions[0].likely
    return answers


def test_a_draft_is_saved_and_its_command_gives_the_same_weights(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = upload(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers = likely_answers(draft.proposal) | {"mean": [0.25], "std": [0.5], "classes": ["a", "b", "c", "d"]}
    done = draft.save(answers, "mine", lambda _ahead: None)
    draft.close()
    assert temporary_files(folder) == []
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


def test_a_draft_closed_during_reading_is_discarded_afterwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = upload(checkpoint())

    def close(step: str, done: int, total: int) -> None:
        draft.close()
        assert temporary_files(folder) != []

    draft.read(close)
    assert temporary_files(folder) == []
    assert draft.proposal is None
    with pytest.raises(InputError, match=r"was cancelled"):
        draft.save({}, "mine", lambda _ahead: None)
    with pytest.raises(InputError, match=r"was cancelled"):
        draft.read()


@pytest.mark.parametrize("content", [b"", b"PK nothing", b"{}", b"\x80\x02cos\nsystem\n(S'id'\ntR."])
def test_a_file_that_is_not_a_checkpoint_is_refused_by_name_and_discarded(folder: Path, content: bytes) -> None:
    draft = upload(content, "evil\n../name.pth")
    with pytest.raises(InputError, match=r"^evil\\n\.\./name\.pth: "):
        draft.read()
    draft.close()
    assert temporary_files(folder) == []


@pytest.mark.parametrize("limit", ["MAX_FILE", "MAX_ALL"])
def test_files_beyond_the_limits_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    first = upload(b"x" * 60)
    monkeypatch.setattr(drafts, limit, {"MAX_FILE": 50, "MAX_ALL": 100}[limit])
    before = temporary_files(folder)
    with pytest.raises(InputError, match=r"^Mein Netz \(1\)\.pth: "):
        upload(b"x" * 60)
    assert temporary_files(folder) == before
    first.close()
    monkeypatch.setattr(drafts, "MAX_FILE", 60)
    upload(b"x" * 60).close()  # its bytes do not count any more
    assert temporary_files(folder) == []


@pytest.mark.parametrize(("disk", "copies"), [("temporary", 2), ("weights", 1)])
def test_a_nearly_full_disk_refuses_a_draft(
    folder: Path, monkeypatch: pytest.MonkeyPatch, disk: str, copies: int
) -> None:
    """A file of 60 bytes and its copies must fit on each disk."""
    free = copies * 60 + drafts.MIN_FREE_DISK

    def usage(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free if folder / disk in (place, *place.parents) else 2**62)

    monkeypatch.setattr("shutil.disk_usage", usage)
    upload(b"x" * 60).close()
    free -= 1
    with pytest.raises(InputError, match=r"the server's disk is nearly full$"):
        upload(b"x" * 60)
    assert temporary_files(folder) == []


def test_waiting_for_a_slot_or_a_name_does_not_block_the_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision, "catalogue", dict)
    draft = upload(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers, line, original = likely_answers(draft.proposal), FairSemaphore(1), Proposal.prove
    waits, proved, tries = Event(), Event(), iter(range(50))

    def prove(*args: Any) -> ProvedNetwork:
        result = original(*args)
        proved.set()
        return result

    def wait(_ahead: int) -> None:
        next(tries)

    monkeypatch.setattr(drafts, "slot", line.slot)
    monkeypatch.setattr(Proposal, "prove", prove)
    thread = Thread(target=draft.save, args=(answers, "mine", lambda _ahead: waits.set()))
    with line.slot(lambda _ahead: None):
        thread.start()
        assert waits.wait(60)
        monkeypatch.setattr(store, "LOCK_TIMEOUT", 5)
        others = ExitStack()
        others.enter_context(store.reserve("others"))
    assert proved.wait(60)
    with line.slot(wait):  # fails if it waits too long
        assert thread.is_alive()
    others.close()
    thread.join()
    assert (folder / "weights/mine.safetensors").exists()
    draft.close()


def test_a_draft_survives_a_name_in_use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision, "catalogue", dict)
    draft = upload(checkpoint())
    draft.read()
    assert draft.proposal is not None
    answers = likely_answers(draft.proposal)
    with pytest.raises(InputError):
        draft.save(answers, "digits-cnn", lambda _ahead: None)
    draft.save(answers, "other", lambda _ahead: None)
    draft.close()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ant, bee,cat", ["ant", "bee", "cat"]),
        ("ant\n\n bee\r\ncat, the pet\n", ["ant", "bee", "cat, the pet"]),
        ('["ant", "bee"]', ["ant", "bee"]),
        ('{"bee": 1, "ant": 0}', ["ant", "bee"]),
        ("/etc/hostname", ["/etc/hostname"]),  # a page never reads files of the server
    ],
)
def test_typed_class_names_are_parsed(text: str, names: list[str]) -> None:
    assert class_names.parse(text) == names


@pytest.mark.parametrize("text", ["", " \n ", "[1, 2]", "{", "[" * 100_000, "x" * 5_000_000])
def test_text_without_class_names_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^classes: "):
        class_names.check(class_names.parse(text), 3)
