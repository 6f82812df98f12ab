"""Pixels as data URLs for the browser."""

import base64
from io import BytesIO

from PIL import Image
from torch import Tensor

from explorer.prediction.pictures import shrunk

SMALL = 64  # pixels; a larger image is smoothed and compressed with losses


def data_url(image: Tensor, side: int) -> str:
    """Return an image as a data URL.

    Args:
        image: Image, uint8, (1 or 3, H, W).
        side: Largest longer side in pixels. Larger images are shrunk.
    """
    pixels = shrunk(image, side)
    picture = Image.fromarray((pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)).numpy())
    file = BytesIO()
    picture.save(file, "WEBP", lossless=max(picture.size) <= SMALL, quality=85)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
