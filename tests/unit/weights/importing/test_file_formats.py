"""File formats: the import detects them by content, and refuses all other files with a reason."""

import os
import re
import zipfile
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx.helper import make_graph, make_model
from safetensors.torch import save

from explorer.errors import InputError
from explorer.weights.importing.checkpoint import open_checkpoint
from explorer.weights.importing.file_formats import MAX_BYTES, MAX_PICKLE, FileFormat, archive_pickle, detect_format
from explorer.weights.importing.mapped import MAX_NAME, map_tensors
from explorer.weights.importing.wrappers import MAX_TENSORS
from tests.helpers.foreign_files import archive, network, safetensors

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("forked")]

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize("ending", [".pth", ".th", ".ckpt", ".safetensors", ".png", ""])
def test_the_suffix_does_not_matter(tmp_path: Path, ending: str) -> None:
    for file_format, content in {
        FileFormat.SAFETENSORS: save(network()),
        FileFormat.ZIP: _saved(tmp_path, old=False),
        FileFormat.PICKLE: _saved(tmp_path, old=True),
    }.items():
        (path := tmp_path / f"file{ending}").write_bytes(content)
        assert detect_format(path) is file_format


def _saved(folder: Path, *, old: bool) -> bytes:
    torch.save(network(), folder / "x", _use_new_zipfile_serialization=not old)
    return (folder / "x").read_bytes()


def test_files_with_a_wrong_suffix_open(tmp_path: Path) -> None:
    (path := tmp_path / "really safetensors.pth").write_bytes(save(network(), {"epoch": "3", "format": "pt"}))
    with open_checkpoint(path, "it") as found:
        assert (found.tensors.keys(), found.ordered, found.metadata) == (network().keys(), False, {"epoch": "3"})
        assert torch.equal(found.tensors["fc.bias"], network()["fc.bias"])
    (path := tmp_path / "really pickled.safetensors").write_bytes(_saved(tmp_path, old=False))
    with open_checkpoint(path, "it") as found:
        assert (list(found.tensors), found.ordered) == (list(network()), True)
        assert torch.equal(found.tensors["fc.bias"], network()["fc.bias"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "an image"),
        (b"\x1f\x8b\x08\0\0\0", "compressed file"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "compressed file"),
        (b"pickle" + bytes(251) + b"ustar\0", "tar archive"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x1c\0\0\0TFL3", "TensorFlow"),
        (b"\x0a\x08saved_model", "TensorFlow"),
        (b"\x93NUMPY\1\0", "NumPy array"),
        (b"GGUF\3\0\0\0", "GGUF"),
        (b"\x08\x0a\x12\x07pytorch\x1a\x052.1.0", "ONNX"),  # the beginning of a file of torch.onnx.export
        (make_model(make_graph([], "g", [], [])).SerializeToString(), "ONNX"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><head>", "web page"),
        ('{"epoch": "épuisé"}'.encode(), "text"),
        (b"cos\nsystem\n(S'touch ran'\ntR.", "text"),  # a pickle of protocol 0 is text
        (("é" * 600).encode(), "text"),
        (b"weights:{1, 2}", "text"),
        (bytes(range(1, 200)), "none of the files"),
        (bytes(16), "none of the files"),
        (b"\x80", "none of the files"),
        (
            safetensors(b"{}", length=2**63),
            "claims 9,223,372,036,854,775,808 bytes, and at most 16,777,216 are allowed",
        ),
        (safetensors(b"{}", length=200), "claims 200 bytes, and the file ends after 10"),
        (save(network())[:100], "was cut off"),
        (save(network())[:-1], "is damaged"),
        (save(network()) + b"more", "is damaged"),
        (safetensors(b'{"a": '), "is damaged"),
        (safetensors({"a": {**F32, "shape": [2**40, 2**40]}}, bytes(8)), "is damaged"),
        (safetensors({"a": {**F32, "data_offsets": [0, 2**50]}}, bytes(8)), "is damaged"),
        (safetensors({"a": F32, "b": F32}, bytes(8)), "is damaged"),  # overlapping
        (safetensors(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' * 2, bytes(8)), "is damaged"),
        (safetensors({"a": {**F32, "dtype": "F31"}}, bytes(8)), "is damaged"),
        (safetensors({"a\nb": F32}, bytes(8)), "can't be the name of a tensor"),
        (safetensors({"a" * (MAX_NAME + 1): F32}, bytes(8)), "can't be the name of a tensor"),
        (safetensors({"": F32}, bytes(8)), "can't be the name of a tensor"),
        (safetensors({"a": F32}, bytes(8)), "no network"),
        (
            safetensors({str(i): {**F32, "shape": [0], "data_offsets": [0, 0]} for i in range(MAX_TENSORS + 1)}),
            "20,001",
        ),
        (save({"a": torch.ones(2, 2, dtype=torch.complex64)}), "'a' is complex64"),
        (save({"a": torch.ones(2, 2).to(torch.float8_e5m2)}), "'a' is float8_e5m2"),
        (save({"a": torch.ones(2, 2), "b": torch.tensor([1.0, float("nan")])}), "'b' holds NaN"),
        (save({"a": torch.full((2, 2), float("-inf"), dtype=torch.float16)}), "'a' holds NaN or infinity"),
        (save({"a": torch.ones(2, 2), "m.running_var": torch.full((2,), torch.inf)}), "'m.running_var' holds NaN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    (path := tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(words)) as caught, open_checkpoint(path, "my file"):
        pytest.fail("opened")
    assert str(caught.value).startswith("my file: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["m/data.pkl", "m/code/__torch__.py", "m/constants.pkl", "m/version"], "TorchScript"),
        (["m/archive_format", "m/models/model.json", "m/data/weights/weight_0"], "torch.export"),
        (["version", "serialized_exported_program.json", "serialized_state_dict.pt"], "torch.export"),
        (["conv1.npy", "fc.npy"], "NumPy archive"),
        (["metadata.json", "config.json", "model.weights.h5"], "Keras"),
        (["readme.txt", "runs/best.pth"], "unpack it and import 'runs/best.pth'"),
        (["word/document.xml"], "no checkpoint"),
    ],
)
def test_other_archives_are_refused_with_their_format(tmp_path: Path, entries: list[str], words: str) -> None:
    path = archive(tmp_path / "file.pth", dict.fromkeys(entries, b"content"))
    assert detect_format(path) is FileFormat.ZIP
    with pytest.raises(InputError, match=re.escape(words)):
        archive_pickle(path)


def test_a_numpy_archive_is_refused(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "weights.npz", fc=numpy.ones(3))
    with pytest.raises(InputError, match="NumPy archive"):
        archive_pickle(tmp_path / "weights.npz")


def test_archives_that_expand_are_refused(tmp_path: Path) -> None:
    """A zip bomb is compressed, or its entries overlap. torch.save does neither."""
    bomb = archive(tmp_path / "bomb.pth", {"m/data.pkl": b"", "m/data/0": bytes(2**26)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match=r"'m/data\.pkl' is compressed"):
        archive_pickle(bomb)
    overlapping = archive(tmp_path / "overlap.pth", {"m/data.pkl": b"", "m/data/0": bytes(5000), "m/data/1": bytes(9)})
    content = overlapping.read_bytes()
    sizes = (9).to_bytes(4, "little") * 2
    overlapping.write_bytes(content.replace(sizes, (6000).to_bytes(4, "little") * 2))
    with pytest.raises(InputError, match="claim more bytes than the file has"):
        archive_pickle(overlapping)


def test_archives_with_too_many_entries_or_a_large_pickle_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.weights.importing.file_formats.MAX_ENTRIES", 3)
    many = archive(tmp_path / "many.pth", {"m/data.pkl": b""} | {f"m/data/{i}": b"" for i in range(3)})
    with pytest.raises(InputError, match="4 entries, and at most 3"):
        archive_pickle(many)
    long = archive(tmp_path / "long.pth", {"m/data.pkl": bytes(MAX_PICKLE + 1)})
    with pytest.raises(InputError, match="67,108,865 bytes besides the tensors"):
        archive_pickle(long)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    content = _saved(tmp_path, old=False)
    (path := tmp_path / "cut.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="was cut off"):
        archive_pickle(path)


def test_paths_that_are_not_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in {
        tmp_path: "a folder",
        tmp_path / "none": "no such file",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "a\0b": "can't be read",
        tmp_path / "pipe": "not a file",
    }.items():
        with pytest.raises(InputError, match=words), open_checkpoint(path, "it"):
            pytest.fail("opened")


def test_a_file_beyond_the_size_limit_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "large.pth").touch()
    os.truncate(path, MAX_BYTES + 1)  # a sparse file
    with pytest.raises(InputError, match="4,294,967,297 bytes, and at most 4,294,967,296 are allowed"):
        detect_format(path)


@given(st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"\x80\2", save({"a": torch.ones(2, 2)})]), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    for content in (start + rest, start[: len(rest)] + rest[len(start) // 2 :]):
        path.write_bytes(content)
        try:
            file_format = detect_format(path)
            if file_format is FileFormat.ZIP:
                archive_pickle(path)
            elif file_format is FileFormat.SAFETENSORS:
                map_tensors(path)
        except InputError as error:
            assert "\n" not in str(error)


def test_checksums_detect_damage_that_pytorch_does_not_see(tmp_path: Path) -> None:
    torch.save(network(), path := tmp_path / "theirs.pth")
    with zipfile.ZipFile(path) as file:
        inside = file.getinfo("theirs/data/0")
    content = bytearray(path.read_bytes())
    place = content.index(network()["stem.weight"].numpy().tobytes())
    content[place : place + 40] = bytes(byte ^ 255 for byte in content[place : place + 40])
    path.write_bytes(content)
    assert inside.file_size == 4 * network()["stem.weight"].numel()
    assert torch.load(path, weights_only=True)  # PyTorch does not notice
    with pytest.raises(InputError, match=r"its part 'theirs/data/0' is damaged, as its checksum shows"):
        archive_pickle(path)


def test_a_checkpoint_without_checksums_is_read(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(compute_crc32=False)
    try:
        torch.save(network(), path := tmp_path / "theirs.pth")
    finally:
        torch.serialization.set_crc32_options(compute_crc32=True)
    assert archive_pickle(path) == "theirs/data.pkl"
