"""Saved architectures."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.families import PRESETS, resolve, saved
from explorer.settings import settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EXPLORER_SAVED_DIR", str(tmp_path / "deep" / "saved"))
    settings.cache_clear()
    yield tmp_path / "deep" / "saved"
    settings.cache_clear()


@pytest.mark.parametrize("name", PRESETS)
def test_saved_specs_are_loaded_unchanged(name: str) -> None:
    saved.save("mine", resolve(name))
    assert saved.load("mine") == resolve(name)
    assert resolve("saved:mine") == resolve(name)
    assert saved.names() == ["mine"]


def test_a_name_is_overwritten_only_on_request() -> None:
    saved.save("net", resolve("vgg11"))
    for name in ("net", "NET", " net "):
        with pytest.raises(InputError, match="name: 'net' is taken"):
            saved.save(name, resolve("vgg16"))
    assert saved.load("net") == resolve("vgg11")
    saved.save("net", resolve("vgg16"), replace=True)
    assert saved.load("net") == resolve("vgg16")


@pytest.mark.parametrize("name", ["", " ", "../net", "a/b", "a\\b", ".hidden", "x" * 61, "a\nb", "a\0b", "CON:"])
def test_names_that_could_leave_the_folder_are_refused(name: str, folder: Path) -> None:
    with pytest.raises(InputError, match="name: "):
        saved.save(name, resolve("vgg11"))
    with pytest.raises(InputError):
        saved.load(name)
    with pytest.raises(InputError):
        saved.delete(name)
    assert not folder.exists() or not list(folder.iterdir())


def test_the_name_of_a_preset_is_refused() -> None:
    with pytest.raises(InputError, match="'vgg16' is a preset"):
        saved.save("vgg16", resolve("vgg11"))


def test_delete_and_missing_names() -> None:
    saved.save("net", resolve("vgg11"))
    saved.delete("net")
    saved.delete("net")
    assert saved.names() == []
    with pytest.raises(InputError, match="there is no architecture 'net'"):
        saved.load("net")


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MAX_SAVED", 2)
    saved.save("one", resolve("vgg11"))
    saved.save("two", resolve("vgg11"))
    with pytest.raises(InputError, match="2 architectures are saved"):
        saved.save("three", resolve("vgg11"))
    saved.save("two", resolve("vgg13"), replace=True)


def test_a_damaged_file_is_explained(folder: Path) -> None:
    saved.save("net", resolve("vgg11"))
    (folder / "net.json").write_bytes(b'{"family": "vgg", "cfg": [64')
    with pytest.raises(InputError):
        saved.load("net")
    (folder / "net.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="can't read 'net'"):
        saved.load("net")


def test_a_folder_that_can_not_be_written(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file stands there")
    with pytest.raises(InputError):
        saved.save("net", resolve("vgg11"))


def test_the_second_session_that_saves_a_name_gets_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved.save("net", resolve("vgg11"))
    monkeypatch.setattr(saved, "names", list)  # the second session listed the names before the first one saved
    with pytest.raises(InputError):
        saved.save("net", resolve("vgg16"))
    assert saved.load("net") == resolve("vgg11")
    assert [path.name for path in folder.iterdir()] == ["net.json"]


def test_files_have_the_usual_mode(folder: Path) -> None:
    saved.save("net", resolve("vgg11"))
    (folder / "other").touch()
    assert (folder / "net.json").stat().st_mode == (folder / "other").stat().st_mode


def test_a_failure_leaves_nothing_and_shows_no_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    saved.save("net", resolve("vgg11"))
    monkeypatch.setattr(Path, "replace", full)
    monkeypatch.setattr(Path, "hardlink_to", full)
    saves: tuple[Callable[[], object], ...] = (
        lambda: saved.save("net", resolve("vgg16"), replace=True),
        lambda: saved.save("new", resolve("vgg16")),
    )
    for save in saves:
        with pytest.raises(InputError, match=r"saved: can't write '(net|new)': No space left on device$"):
            save()
    assert [path.name for path in folder.iterdir()] == ["net.json"]
    assert saved.load("net") == resolve("vgg11")


def test_a_folder_with_the_name_of_a_file(folder: Path) -> None:
    (folder / "d.json").mkdir(parents=True)
    assert saved.names() == []
    with pytest.raises(InputError, match=r"'d': [^/]+$"):
        saved.save("d", resolve("vgg11"))
    with pytest.raises(InputError, match=r"saved: can't read 'd': Is a directory$"):
        saved.load("d")
    with pytest.raises(InputError, match=r"saved: can't delete 'd': "):
        saved.delete("d")
