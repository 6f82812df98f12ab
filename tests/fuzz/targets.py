"""The targets of fuzzing. Each takes any bytes, and may only raise the product's own errors.

No target unpickles, because only a sandboxed process does; tests/unit/weights/importing/test_hostile.py attacks it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

from explorer.data import arrays, decode
from explorer.data.archive import open_checked
from explorer.data.source import Source
from explorer.data.tree import arrange
from explorer.families import parse_json
from explorer.families.link import decode as decode_link
from explorer.families.link import from_text
from explorer.recipes import resolve as resolve_recipe
from explorer.specs.cfg_text import read_text
from explorer.weights.files import read_card
from explorer.weights.importing import class_names
from explorer.weights.importing.file_formats import FileFormat, archive_pickle, detect_format
from explorer.weights.importing.mapped import map_tensors

Target = Callable[[bytes, Path], None]


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="surrogateescape")


def cfg(content: bytes, _folder: Path) -> None:
    read_text(_text(content))


def spec(content: bytes, _folder: Path) -> None:
    parse_json(_text(content))


def link(content: bytes, _folder: Path) -> None:
    text = _text(content)
    decode_link(dict(parse_qsl(text)))
    from_text(text)


def recipe(content: bytes, _folder: Path) -> None:
    resolve_recipe(_text(content))


def names(content: bytes, _folder: Path) -> None:
    class_names.read(class_names.decode_file(content))


def image(content: bytes, _folder: Path) -> None:
    decode.decode(content, "image")


def npz(content: bytes, folder: Path) -> None:
    arrays.load("fuzzed", _file(content, folder, "x.npz"))


def archive(content: bytes, folder: Path) -> None:
    open_checked(_file(content, folder, "x.zip"))


def tree(content: bytes, folder: Path) -> None:
    """Takes names of files, one per line."""
    arrange(cast(Source, _Names(folder)), _text(content).splitlines())


def card(content: bytes, folder: Path) -> None:
    read_card(_file(content, folder, "x.safetensors"))


def checkpoint(content: bytes, folder: Path) -> None:
    path = _file(content, folder, "x.pth")
    match detect_format(path):
        case FileFormat.SAFETENSORS:
            map_tensors(path)
        case FileFormat.ZIP:
            archive_pickle(path)


class _Names:
    """A source of files whose only content is a list of classes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, _name: str) -> bytes:
        return json.dumps({"0": "a", "1": "b"}).encode()


def _file(content: bytes, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (cfg, spec, link, recipe, names, image, npz, archive, tree, card, checkpoint)
}
