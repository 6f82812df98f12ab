"""Detects the format of a file from its content only, because names may be wrong."""

import stat
import zipfile
from enum import Enum, auto
from pathlib import Path, PurePosixPath

from explorer.errors import InputError, shown
from explorer.files import DAMAGES
from explorer.i18n import _

MAX_BYTES = 4 * 2**30  # size of a file
MAX_HEADER = 16 * 2**20  # bytes of a safetensors header; 20,000 tensors need 3 MB
MAX_PICKLE = 64 * 2**20  # bytes of a checkpoint's pickle, which holds everything except the numbers
MAX_ENTRIES = 100_000  # entries of an archive: one for each tensor, including those of an optimizer's state
CHUNK = 2**20  # bytes


class FileFormat(Enum):
    """The file formats of checkpoints."""

    SAFETENSORS = auto()
    ZIP = auto()  # torch.save since PyTorch 1.6, or any other zip archive; archive_pickle checks this
    PICKLE = auto()  # torch.save before PyTorch 1.6, or any other pickle


def detect_format(path: Path) -> FileFormat:
    """Returns the format of a file, from its first bytes.

    Raises:
        InputError: If it is not a checkpoint. Says what the file is and what to do, without its name.
    """
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise InputError(_("it is a folder; name the checkpoint file in it"))
        if not stat.S_ISREG(state.st_mode):
            raise InputError(_("it is not a file"))
        if state.st_size > MAX_BYTES:
            raise InputError(
                _(
                    "it has {size:,} bytes, and at most {limit:,} are allowed; save only the network's state_dict"
                ).format(size=state.st_size, limit=MAX_BYTES)
            )
        with path.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError:
        raise InputError(_("there is no such file")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(_("it can't be read: {reason}").format(reason=reason)) from None
    if not head:
        raise InputError(_("it is empty; download or copy it again"))
    if head[8:9] == b"{" and b"\0" in head[:8]:  # the length of a safetensors header; text has no null byte
        _check_header(int.from_bytes(head[:8], "little"), state.st_size)
        return FileFormat.SAFETENSORS
    if head.startswith(b"PK\3\4"):
        return FileFormat.ZIP
    if head[0] == 0x80 and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return FileFormat.PICKLE
    raise InputError(_other(head))


def archive_pickle(path: Path) -> str:
    """Returns the name of the entry in a zip archive that is the pickle of a PyTorch checkpoint.

    Raises:
        InputError: If it is another archive. Says what the archive is, without its name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except DAMAGES:
        raise InputError(
            _("it begins as a zip archive and its end is missing: it was cut off; download or copy it again")
        ) from None
    names = [info.filename for info in entries]
    tails = {name.partition("/")[2]: name for name in names}
    if fault := _other_archive(names, tails):
        raise InputError(fault)
    if len(entries) > MAX_ENTRIES:
        raise InputError(
            _("it holds {count:,} entries, and at most {limit:,} are allowed").format(
                count=len(entries), limit=MAX_ENTRIES
            )
        )
    for info in entries:
        if info.compress_type != zipfile.ZIP_STORED:  # a compressed entry may expand without limit
            raise InputError(
                _("its entry {entry} is compressed, which torch.save never does; save it anew with torch.save").format(
                    entry=shown(info.filename)
                )
            )
    if sum(info.file_size for info in entries) > path.stat().st_size:
        raise InputError(_("its entries claim more bytes than the file has: it is damaged or malicious"))
    pickle = tails["data.pkl"]
    if (size := entries[names.index(pickle)].file_size) > MAX_PICKLE:
        raise InputError(
            _(
                "its pickle has {size:,} bytes besides the tensors, and at most {limit:,} are allowed; weights "
                "that are NumPy arrays are stored there: save them as tensors"
            ).format(size=size, limit=MAX_PICKLE)
        )
    if (damaged := _damaged(path)) is not None:
        raise InputError(
            _("its part {entry} is damaged, as its checksum shows; download or copy it again").format(
                entry=shown(damaged)
            )
        )
    return pickle


def _damaged(path: Path) -> str | None:
    """Returns the first entry with a wrong checksum. PyTorch itself does not check."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.CRC:  # torch.serialization.set_crc32_options(False) turns the checksum off
                continue
            try:
                with archive.open(info) as part:
                    while part.read(CHUNK):
                        pass
            except DAMAGES:
                return info.filename
    return None


def _check_header(length: int, size: int) -> None:
    if length > MAX_HEADER:
        raise InputError(
            _("its safetensors header claims {length:,} bytes, and at most {limit:,} are allowed").format(
                length=length, limit=MAX_HEADER
            )
        )
    if length > size - 8:
        raise InputError(
            _(
                "its safetensors header claims {length:,} bytes, and the file ends after {size:,}: it was cut off"
            ).format(length=length, size=size)
        )


def _other_archive(names: list[str], tails: dict[str, str]) -> str | None:
    """Returns a sentence that says what an archive other than a checkpoint is. None for a checkpoint."""
    if "archive_format" in tails or "serialized_exported_program.json" in names or "models/model.json" in tails:
        return _("it is a program of torch.export (.pt2), not weights; save model.state_dict() and import that")
    if "constants.pkl" in tails or any(tail.startswith("code/") for tail in tails):
        return _(
            "it is a TorchScript program, not weights; where you trust it, load it with torch.jit.load and save its "
            "state_dict() with torch.save"
        )
    if "data.pkl" in tails:
        return None
    if names and all(name.endswith(".npy") for name in names):
        return _(
            "it is a NumPy archive (.npz) without the order and types of a state_dict; save the state_dict with "
            "torch.save or as safetensors"
        )
    if any(name.endswith(".weights.h5") for name in names):
        return _("it is a Keras model (.keras), and the import reads PyTorch's; convert the weights to safetensors")
    inside = [name for name in names if PurePosixPath(name).suffix in (".pth", ".pt", ".th", ".ckpt", ".safetensors")]
    if inside:
        return _("it is a zip archive around a checkpoint; unpack it and import {entry}").format(entry=shown(inside[0]))
    return _("it is a zip archive, but no checkpoint that torch.save wrote")


def _other(head: bytes) -> str:
    """Returns a sentence that says what a file of another format is, from its first bytes."""
    for offset, signatures, description in _signatures():
        if head[offset:].startswith(signatures):
            return description
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x3a"):  # ir_version, then producer, domain or graph
        return _("it is an ONNX model; import the PyTorch checkpoint that it was exported from")
    if b"\0" not in head and _is_text(head):
        return _("it is text, not weights")
    return _(
        "it is none of the files that the import reads: safetensors, or a checkpoint that torch.save wrote "
        "(.pth, .pt, .th, .ckpt)"
    )


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"  # the head ends in the middle of a character
    return True


def _signatures() -> tuple[tuple[int, tuple[bytes, ...], str], ...]:
    """Returns the offset of the signature, all signatures and the description of each format."""
    image = _("it is an image, not weights; images go to predict")
    packed = _("it is a compressed file; unpack it and import the checkpoint inside")
    tensorflow = _("it is a TensorFlow file, and the import reads PyTorch's; convert the weights to safetensors")
    return (
        (0, (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"), image),
        (8, (b"WEBP",), image),
        (0, (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd"), packed),
        (257, (b"ustar",),
         _("it is a tar archive: unpack it and import the checkpoint inside; one that PyTorch before 0.2 saved "
           "must be loaded with that and saved anew")),
        (0, (b"PK\5\6",), _("it is an empty zip archive")),
        (0, (b"\x89HDF",),
         _("it is an HDF5 file, such as Keras writes, and the import reads PyTorch's; convert it to safetensors")),
        (4, (b"TFL3",), tensorflow),
        (0, (b"\x0a\x08saved_model",), tensorflow),
        (0, (b"\x93NUMPY",), _("it is a NumPy array (.npy) without names; save the state_dict with torch.save")),
        (0, (b"GGUF",), _("it is a GGUF file of a language model, not a convolutional network of PyTorch")),
        (0, (b"version https://git-lfs",),
         _("it is the pointer of Git LFS and not the file that it stands for; fetch that with git lfs pull")),
        (0, (b"<!DOCTYPE", b"<!doctype", b"<html"),
         _("it is a web page: the download link led to a page, not to the file; download the file itself")),
    )  # fmt: skip
