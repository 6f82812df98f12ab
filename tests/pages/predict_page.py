"""Helpers for the tests of the Predict page: open the page, read it, and files to upload."""

import struct
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.weights import files as weights
from explorer.weights import registry
from tests.pages import helpers
from tests.pages.runs_page import words

open_page = partial(helpers.open_page, "predict")
JOB = "abc123def456"  # a finished run with weights, in the fixture weights_server

__all__ = [
    "BROKEN",
    "JOB",
    "READABLE",
    "box",
    "html",
    "open_page",
    "picture",
    "save_weights",
    "table",
    "upload",
    "words",
]


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """An encoded image with random pixels."""
    levels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(levels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def _sixteen_bits() -> bytes:
    file = BytesIO()
    Image.fromarray(np.linspace(0, 65535, 1200, dtype=np.uint16).reshape(30, 40)).save(file, "PNG")
    return file.getvalue()


def _animated() -> bytes:
    file = BytesIO()
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotated by 90 degrees
    return picture("JPEG", exif=exif)


def _bomb(side: int) -> bytes:
    """A PNG whose header states this side."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10**7))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _archive() -> bytes:
    import zipfile

    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cat.png", picture())
    return file.getvalue()


READABLE: dict[str, Callable[[], bytes]] = {
    "photograph.png": picture,
    "a jpeg called.png": lambda: picture("JPEG"),
    "no ending": picture,
    "animated.gif": _animated,
    "sixteen bits.png": _sixteen_bits,
    "cmyk.jpg": lambda: picture("JPEG", "CMYK"),
    "palette.png": lambda: picture(mode="P"),
    "transparent.png": lambda: picture(mode="RGBA"),
    "rotated.jpg": _rotated,
    "one pixel.png": lambda: picture(size=(1, 1)),
    "**bold** [link](https://example.org) :red[x] $x$ <b>.png": picture,
    f"{'long ' * 60}.png": picture,
}
BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {  # with a part of the error, unless another test asserts it
    "letter.png": (lambda: b"Dear Sir or Madam", ""),
    "truncated.png": (lambda: picture(size=(300, 300))[:5000], ""),
    "nothing.jpg": (lambda: b"", ""),
    "large.png": (lambda: _bomb(9_000), "9000 x 9000 pixels; at most 67108864 are allowed"),
    "larger.png": (lambda: _bomb(20_000), "far more than 67108864 pixels"),
    "bomb.png": (lambda: _bomb(2**31 - 1), "pixels"),
    "vector.png": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', ""),
    "page.jpg": (lambda: b"<!doctype html><script>alert(1)</script>", ""),
    "archive.png": (_archive, ""),
}


def upload(app: AppTest, files: dict[str, bytes]) -> AppTest:
    """Upload these files at once."""
    app.file_uploader[0].set_value([(name, content, "image/png") for name, content in files.items()])
    return app.run()


def box(app: AppTest, name: str) -> Any:
    """The select box of a field. Its key ends with a digest of the options."""
    assert not app.exception
    return next(one for one in app.selectbox if one.key and one.key.startswith(f"predict.{name}."))


def table(app: AppTest) -> Any:
    """The table of pictures, with their names as index."""
    assert not app.exception
    return app.dataframe[0].value.set_index("name")


def html(app: AppTest) -> str:
    """The HTML of the page's pictures and bars."""
    assert not app.exception
    return " ".join(part.proto.body for part in app.get("html"))


def save_weights(path: Path, **changes: object) -> None:
    """Save the weights of digits-cnn with changes to their card."""
    tensors, card = weights.read(registry.PRETRAINED / "digits-cnn.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    weights.save(path, tensors, card.model_copy(update=changes))
