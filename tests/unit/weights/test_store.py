"""The weights store: publishing, renaming and deleting, also by several threads at once and with any name."""

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.jobs.store import Store
from explorer.settings import settings
from explorer.weights import registry, store, torchvision
from explorer.weights.files import load, read, save
from explorer.weights.registry import entries
from tests.helpers import made_runs
from tests.helpers.command import run as command
from tests.helpers.toys import VGG, prepared, toy_spec

TRAINED = prepared(toy_spec(VGG))
TENSORS = TRAINED.training.network.state_dict()
JOB = "abc123def456"


@pytest.fixture(autouse=True)
def folders(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One weights file of each origin, in temporary folders."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setattr(torchvision, "catalogue", dict)
    settings.cache_clear()
    for place in ("pretrained/ours", "weights/theirs", f"runs/{JOB}/best"):
        file = tmp_path / f"{place}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save(file, TENSORS, TRAINED.card)
    return tmp_path


def names() -> set[str]:
    return {entry.name for entry in entries()}


def test_a_published_run_can_be_deleted(folders: Path) -> None:
    path = store.publish(JOB, "kept.for-good_1", terms="MIT")
    for file in (folders / "runs" / JOB).iterdir():
        file.unlink()
    network, card = load(path)
    assert all(torch.equal(tensor, TENSORS[name]) for name, tensor in network.state_dict().items())
    assert (card.license, card.classes) == ("MIT", TRAINED.card.classes)
    assert json.loads(path.with_suffix(".json").read_text())["license"] == "MIT"
    assert names() == {"ours", "theirs", "kept.for-good_1"}


def test_published_weights_may_have_half_precision() -> None:
    tensors, card = read(store.publish(JOB, "small", half=True))
    assert {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} == {torch.float16}
    assert card.made_by["precision"] == "float16"


def test_renaming_also_renames_the_card(folders: Path) -> None:
    content = (folders / "weights/theirs.safetensors").read_bytes()
    store.rename("theirs", "Theirs.2")
    assert {file.name for file in (folders / "weights").iterdir()} == {
        "Theirs.2.safetensors", "Theirs.2.json", store.LOCK,
    }  # fmt: skip
    assert (folders / "weights/Theirs.2.safetensors").read_bytes() == content


def test_a_new_name_may_differ_only_in_upper_and_lower_case(folders: Path) -> None:
    assert store.rename("theirs", "Theirs").name == "Theirs.safetensors"
    assert names() == {"ours", "Theirs", JOB}
    (folders / "weights/THEIRS.safetensors").write_bytes(b"another file, if the file system distinguishes them")
    with pytest.raises(InputError):
        store.rename("Theirs", "THEIRS")
    for name in ("../Theirs", "OURS"):
        with pytest.raises(InputError):
            store.rename("Theirs", name)


@pytest.mark.parametrize("change", [partial(store.rename, new="mine"), store.delete])
def test_the_second_of_two_changes_fails_because_the_weights_are_gone(
    folders: Path, change: Callable[[str], object]
) -> None:
    """A change checks the weights after it has got the lock."""
    faults: list[str] = []

    def late() -> None:
        try:
            change("theirs")
        except InputError as error:
            faults.append(str(error))

    thread = threading.Thread(target=late)
    with store.reserve("other"):
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        (folders / "weights/theirs.safetensors").rename(folders / "weights/hers.safetensors")
    thread.join()
    assert faults == ["weights: there are no 'theirs' here; somebody may have renamed or deleted them"]


@pytest.mark.parametrize("error", [FileNotFoundError(2, "of the work"), OSError(28, "of the work")])
def test_an_error_while_a_name_is_reserved_is_not_translated(error: OSError) -> None:
    with pytest.raises(OSError, match="of the work"), store.reserve("mine"):
        raise error


def test_a_full_disk_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save", full)
    with pytest.raises(InputError, match=r"^weights: the folder .* can't be changed: No space left on device$"):
        store.publish(JOB, "mine")


def test_deleting_removes_weights_and_card(folders: Path) -> None:
    store.delete("theirs")
    assert [file.name for file in (folders / "weights").iterdir()] == [store.LOCK]
    with pytest.raises(InputError):
        store.delete("theirs")


def test_deleting_a_broken_file_leaves_other_json_files(folders: Path) -> None:
    (folders / "weights/theirs.safetensors").write_bytes(b"broken")
    (folders / "weights/theirs.json").write_text('{"mine": 1}')
    store.delete("theirs")
    assert (folders / "weights/theirs.json").exists()
    with pytest.raises(InputError):
        store.publish(JOB, "theirs")


@pytest.mark.parametrize("act", [store.delete, lambda name: store.rename(name, "mine")])
@pytest.mark.parametrize(("name", "words"), [("ours", "come with the product"), (JOB, "are a run's")])
def test_other_weights_can_not_be_changed(act: object, name: str, words: str) -> None:
    assert callable(act)
    before = names()
    with pytest.raises(InputError, match=words):
        act(name)
    assert names() == before


@pytest.mark.parametrize("name", ["ours", "OURS", "theirs", "Theirs", JOB])
def test_a_name_in_use_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^name: there are weights"):
        store.publish(JOB, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("theirs", "theirs-2"), ("Ünser Netz, lr 0.1", "nser-Netz-lr-0.1"), ("../../etc", "etc"), ("…", "weights"),
        ("x" * 200, "x" * 76), ("net.safetensors", "net"),
    ],
)  # fmt: skip
def test_suggested_names_are_valid(text: str, name: str) -> None:
    assert store.suggest_name(text) == name
    store.check(name)


def test_weights_in_use_by_a_job_can_not_be_changed(jobs: Store) -> None:
    (job,) = made_runs.jobs("mine", weights="theirs")
    jobs.add([job])
    for act in (lambda: store.delete("theirs"), lambda: store.rename("theirs", "mine")):
        with pytest.raises(InputError, match=r"^theirs is what the run 'mine"):
            act()
    assert "theirs" in names()


@given(st.text(max_size=100) | st.from_regex(r"[a-c./\\~%: -]{1,20}", fullmatch=True))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = settings().weights_dir
    try:
        with store.reserve(name) as path:
            assert path.parent == folder.absolute()
            assert path.name == f"{name}.safetensors"
            assert name.isascii()
            assert not name.startswith(".")
    except InputError as error:
        assert str(error).startswith("name: ")
        assert "\n" not in str(error)


def test_only_one_of_several_threads_gets_a_name() -> None:
    faults: list[str] = []
    start = threading.Barrier(4)

    def publish(half: bool) -> None:
        start.wait()
        try:
            store.publish(JOB, "wanted", half=half)
        except InputError as error:
            faults.append(str(error))

    threads = [threading.Thread(target=publish, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(faults) == 3
    assert all(fault.startswith("name: ") for fault in faults)
    path = settings().weights_dir / "wanted.safetensors"
    assert json.loads(path.with_suffix(".json").read_text()) == json.loads(load(path)[1].model_dump_json())


def test_a_folder_that_can_not_be_created_is_an_input_error(folders: Path) -> None:
    (folders / "weights").rename(folders / "elsewhere")
    (folders / "weights").write_text("no folder")
    with pytest.raises(InputError):
        store.publish(JOB, "mine")


def test_the_commands_publish_rename_and_delete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = partial(command, capsys, monkeypatch, "weights")
    assert json.loads(run("publish", JOB, "mine", "--json")[1])["name"] == "mine"
    assert run("rename", "mine", "yours") == (0, "mine is now yours\n", "")
    assert run("delete", "yours")[::2] == (2, "error: delete: add --yes; the weights 'yours' would be lost\n")
    assert run("delete", "yours", "--yes") == (0, "yours is deleted\n", "")
    assert {one["name"] for one in json.loads(run("--json")[1])} == {"ours", "theirs", JOB}


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "LPT9.net"])
def test_names_reserved_on_windows_are_refused_and_not_suggested(name: str) -> None:
    with pytest.raises(InputError, match=r"Windows reserves it"):
        store.rename("theirs", name)
    store.check(store.suggest_name(name))
    store.check(f"{name}x" if "." not in name else "lpt10")
