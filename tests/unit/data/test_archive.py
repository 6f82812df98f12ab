"""Zip archives of images: refused before they are read, or read in place."""

import os
import pickle
import stat
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from explorer.data import archive as archive_module
from explorer.data import load
from explorer.data.archive import Archive, open_checked
from explorer.data.images import Encoded
from explorer.errors import InputError

pytestmark = pytest.mark.usefixtures("data_dir")


def png(value: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def packed(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def classes(count: int = 5) -> dict[str, bytes]:
    return {f"{label}/{i}.png": png(16 * i + j) for i in range(count) for j, label in enumerate(("cat", "dog"))}


def refused(path: Path, rule: str) -> None:
    for use in (open_checked, lambda path: load(str(path))):
        with pytest.raises(InputError, match=rule) as caught:
            use(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../out.png", "cat/../../out.png", "/etc/out.png", "C:\\out.png", "a\\..\\..\\out.png"]
)
def test_names_that_lead_out(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {**classes(), name: png(0)})
    refused(path, r"the entry '.*out\.png' is refused: its name points outside the archive")


def test_links(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes())
    link = zipfile.ZipInfo("cat/passwd.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "the entry 'cat/passwd.png' is refused: it is a link")


def test_passwords(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {"cat/1.png": png(0)})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    refused(path, "the entry 'cat/1.png' is refused: it needs a password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compression(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        archive.writestr("cat/1.png", png(0))
    refused(tmp_path / "set.zip", "the entry 'cat/1.png' is refused: its compression is neither stored nor deflated")


def test_a_name_twice(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("cat/0.png", png(1))
    refused(path, "the entry 'cat/0.png' is refused: the name occurs twice")


def declare(path: Path, size: int) -> None:
    """Change the size of the last entry in the directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\x01\x02") + 24, size)
    path.write_bytes(data)


def test_large_entries(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {**classes(), "dog/large.png": png(0)})
    declare(path, 2**28 + 1)
    refused(path, "the entry 'dog/large.png' is refused: it has 268435457 bytes, and at most 268435456 are allowed")


def test_bombs(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("cat/1.png", png(0))
        archive.writestr("dog/bomb.png", bytes(2**26))
    refused(path, r"would unpack to \d+ bytes, more than 100 times its size, above all the entry 'dog/bomb.png'")


def test_too_many_bytes_or_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "set.zip", classes())
    monkeypatch.setattr(archive_module, "MAX_TOTAL", 100)
    refused(path, r"would unpack to \d+ bytes; at most 100 are allowed")
    monkeypatch.setattr(archive_module, "MAX_FILES", 9)
    refused(path, "holds more than 9 files")


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("dog/bomb.png", bytes(2**26))
    declare(path, 1000)
    with pytest.raises(InputError, match=r"set.zip/dog/bomb.png can't be read: .*CRC"):  # of the first 1,000 bytes
        Archive(path).read("dog/bomb.png")


def test_files_that_are_no_archives(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes())
    whole = path.read_bytes()
    for data in (b"", b"hello", whole[: len(whole) // 2]):
        path.write_bytes(data)
        refused(path, "is not a zip archive that can be read")


@given(st.data())
def test_any_damage_is_an_archive_or_words(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    path = packed(tmp_path_factory.mktemp("damaged") / "set.zip", classes(2))
    data = bytearray(path.read_bytes())
    for _change in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    path.write_bytes(data)
    source = Archive(path)
    try:
        names = source.listing().names
    except InputError:
        return
    for name in names:
        try:
            source.read(name)
        except InputError as error:
            assert str(error).startswith(str(path / name))


def test_backslashes_of_old_packers_for_windows(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {name.replace("/", "\\"): data for name, data in classes().items()})
    data = path.read_bytes().replace(b"cat/", b"cat\\").replace(b"dog/", b"dog\\")
    path.write_bytes(data)
    assert load(str(path)).classes == ("cat", "dog")


def test_archives_in_archives_are_not_opened(tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.zip", classes()).read_bytes()
    found = load(str(packed(tmp_path / "set.zip", {**classes(), "cat/more.zip": inner})))
    assert len(found.train) + len(found.test) == 10
    assert any("cat/more.zip (1 in all)" in note for note in found.notes)


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes())
    load(str(path))
    assert [file.name for file in tmp_path.iterdir() if file.name != "data"] == ["set.zip"]


def test_a_broken_entry_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes(10))
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 255
    path.write_bytes(data)
    found = load(str(path))
    assert len(found.train) + len(found.test) == 19
    assert any(
        "1 of 20" in note and "set.zip/cat/0.png can't be read: its checksum (CRC-32)" in note for note in found.notes
    )


def test_a_removed_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", classes())
    files = Encoded(Archive(path), ("cat/0.png", "nonesuch.png"))
    path.unlink()
    with pytest.raises(InputError, match=r"set.zip/cat/0.png can't be read: .*No such file"):
        files[0]


def test_workers_and_copies_read_the_same(tmp_path: Path) -> None:
    entries = {f"cat/{i}.png": png(i) for i in range(64)}
    files = Encoded(Archive(packed(tmp_path / "set.zip", entries)), tuple(entries), 3)
    here = torch.stack([files[i] for i in range(64)])  # the archive is open before the workers fork
    assert here[:, 0, 0, 0].tolist() == list(range(64))
    loader: DataLoader[torch.Tensor] = DataLoader(cast("Dataset[torch.Tensor]", files), batch_size=4, num_workers=2)
    assert torch.equal(torch.cat(list(loader)), here)
    copy = pickle.loads(pickle.dumps(files))  # noqa: S301  our own
    assert torch.equal(copy.take([5, 3])[1], here[3])


def test_a_folder_may_be_named_twice(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {**classes(), "cat/": b""})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("cat/", b"")
    assert load(str(path)).classes == ("cat", "dog")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "set.zip")
    with pytest.raises(InputError):
        load(str(tmp_path / "set.zip"))


class Unmarked(zipfile.ZipInfo):
    """An entry whose name has no mark of its encoding."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  of zipfile
        return self.raw, self.flag_bits & ~0x800


def packed_in(codec: str, path: Path, entries: dict[str, bytes], extra: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, data) in enumerate(entries.items()):
            entry = Unmarked(str(number))
            entry.raw, entry.extra = name.encode(codec), extra
            archive.writestr(entry, data)
    return path


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("gbk", "猫 狗"),
        ("gbk", "动物/苹果 动物/香蕉"),
        ("gbk", "稻瘟病 白叶枯病 褐斑病"),
        ("gb18030", "合格 不合格"),
        ("cp932", "いぬ ねこ"),
        ("cp932", "リンゴ 表 良品"),
        ("cp950", "貓 狗 蘋果"),
        ("cp950", "許功蓋 測試"),
        ("cp949", "고양이 강아지"),
        ("cp949", "정상 불량"),
        ("cp1251", "Кошки Собаки"),
        ("cp866", "кошка собака"),
        ("cp866", "рак ель"),
        ("cp1252", "Äpfel Kühe"),
        ("cp1252", "maçã pêra"),
        ("cp850", "café thé"),
        ("cp437", "Äpfel Größe"),
        ("utf-8", "猫 狗"),
        ("utf-8", "кошка Äpfel"),
    ],
)
def test_names_of_any_windows(codec: str, names: str, tmp_path: Path) -> None:
    wanted = names.split()
    path = packed_in(codec, tmp_path / "set.zip", {f"{name}/1.png": png(7) for name in wanted})
    listing = Archive(path).listing()
    assert listing.names == tuple(sorted(f"{name}/1.png" for name in wanted))
    assert all(Archive(path).read(name) == png(7) for name in listing.names)
    assert len(listing.notes) == (codec != "utf-8")
    assert all("are not marked as UTF-8; they were read as" in note for note in listing.notes)


def test_a_note_names_the_chosen_encoding(tmp_path: Path) -> None:
    entries = {f"动物/{label}/{number}.png": png(number) for label in "猫狗" for number in range(10)}
    found = load(str(packed_in("gbk", tmp_path / "set.zip", entries)))
    assert found.classes == ("狗", "猫")
    assert any("they were read as GBK (Chinese)" in note for note in found.notes)


def test_a_unicode_path_field_replaces_the_name(tmp_path: Path) -> None:
    field = b"\1" + bytes(4) + "Ж/1.png".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    path = packed_in("latin-1", tmp_path / "set.zip", {"\xff/1.png": png(7)}, extra)
    assert Archive(path).listing().names == ("Ж/1.png",)


def test_empty_folders_are_listed(tmp_path: Path) -> None:
    path = packed(tmp_path / "set.zip", {**classes(), "emu/": b"", "cat/": b"", "a/b/": b"", "a/": b""})
    assert Archive(path).listing().empty == ("a/b", "emu")
    assert any("a/b/, emu/ (2 in all)" in note for note in load(str(path)).notes)
