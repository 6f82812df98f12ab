"""Images that a browser sends as data URLs, with a limit on their size: drawings, and frames of a camera."""

import base64
import binascii
from collections.abc import Hashable
from dataclasses import replace

from explorer.prediction.pictures import Picture

PNG, JPEG = "data:image/png;base64,", "data:image/jpeg;base64,"
MAX_TEXT = 400_000  # characters; a drawing of the field takes some 10,000, and a frame 20,000


def decode(url: str, kind: str = PNG) -> bytes:
    """Returns the file of a data URL. Any other text gives an empty file, which can't be read as a picture."""
    if len(url) > MAX_TEXT or not url.startswith(kind):
        return b""
    try:
        return base64.b64decode(url.removeprefix(kind), validate=True)
    except binascii.Error:
        return b""


def drawing(name: str, key: Hashable, data: bytes) -> Picture:
    """Returns the picture of a drawing: bright strokes on black, in any format of an image."""
    return replace(Picture.of_file(name, key, data), is_drawing=True)
