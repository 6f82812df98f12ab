"""Drawings that a browser sends: images as data URLs, with a limit on their size."""

import base64
import binascii
from collections.abc import Hashable
from dataclasses import replace

from explorer.prediction.pictures import Picture

PNG = "data:image/png;base64,"
MAX_TEXT = 400_000  # characters; a drawing of the field takes some 10,000


def decode(url: str) -> bytes:
    """Returns the file of a data URL. Any other text gives an empty file, which can't be read as a picture."""
    if len(url) > MAX_TEXT or not url.startswith(PNG):
        return b""
    try:
        return base64.b64decode(url.removeprefix(PNG), validate=True)
    except binascii.Error:
        return b""


def picture(name: str, key: Hashable, data: bytes) -> Picture:
    """Returns the picture of a drawing: bright strokes on black, in any format of an image."""
    return replace(Picture.of_file(name, key, data), is_drawing=True)
