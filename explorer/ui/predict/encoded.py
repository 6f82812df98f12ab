"""Pixels as the browser takes them."""

import base64
from io import BytesIO

from PIL import Image
from torch import Tensor

from explorer.prediction.pictures import shrunk

SMALL = 64  # pixels up to which an image is shown as squares of its own pixels


def address(image: Tensor, side: int) -> str:
    """A data URL.

    Args:
        image: uint8, (1 or 3, H, W).
        side: pixels of the longer side, to which a larger image is shrunk.
    """
    pixels = shrunk(image, side)
    picture = Image.fromarray((pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)).numpy())
    file = BytesIO()
    picture.save(file, "WEBP", lossless=max(picture.size) <= SMALL, quality=85)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
