"""A few images of a data set, as they are and as the training sees them."""

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from explorer.data.preprocessing import Normalise, Preprocessing
from explorer.data.preview import Preview
from explorer.i18n import _
from explorer.recipes import Recipe
from explorer.training.augment import Strength, disturbed, draw, hidden, show, windows
from explorer.training.fitting import augmentations

SIDE = 96  # pixels of an image that is sent to the browser
SMALL = 64  # pixels up to which an image is shown as squares of its own pixels
REMEMBERED = 32
STYLE = """<style>
  .samples { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 5px; margin: 0 }
  .samples figure { margin: 0; min-width: 0; text-align: center }
  .samples img { width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 3px; display: block }
  .samples img.pixels { image-rendering: pixelated }
  .samples figcaption { font-size: 0.72rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
</style>"""


def augmented(preview: Preview, recipe: Recipe, size: int, epoch: int) -> list[Tensor]:
    """The images as the training sees them in an epoch, with the normalisation taken back: uint8, (C, size, size)."""
    names = augmentations(recipe, preview.mirrored)
    mean, std = recipe.mean or preview.mean, recipe.std or preview.std
    if len(mean) not in (1, preview.channels):  # as the run decides, too
        mean, std = preview.mean, preview.std
    seed = recipe.seed if "permute_pixels" in names else None
    normalise = Normalise(Preprocessing(size, mean, std, seed), torch.device("cpu"))
    draws = draw([name for name in names if name != "permute_pixels"], len(preview.images), recipe.seed, epoch)
    strength = Strength(recipe.rotation_degrees, recipe.noise_std)
    back = [torch.tensor(values).view(-1, 1, 1) for values in (std, mean)]
    results = []
    for turn, image in enumerate(preview.images):
        own = draws.part(slice(turn, turn + 1), torch.device("cpu"))
        pixels = show(image[None], windows(own.numbers, image.shape[1], image.shape[2], size), size)
        holes = hidden(own.numbers["cutout"], size) if "cutout" in own.numbers else None
        seen = normalise(disturbed(pixels, own, strength), holes)[0] * back[0] + back[1]
        results.append((seen * 255).round().clamp(0, 255).byte())
    return results


def pictures(images: Sequence[Tensor], names: Sequence[str]) -> str:
    """Images with their classes below, as HTML."""
    figures = "".join(
        f'<figure><img class="{"pixels" if max(image.shape) <= SMALL else ""}" src="{_address(image)}" '
        f'alt="{escape(name)}" title="{escape(name)}"><figcaption>{escape(name)}</figcaption></figure>'
        for image, name in zip(images, names, strict=True)
    )
    return f'{STYLE}<div class="samples">{figures}</div>'


def _address(image: Tensor) -> str:
    pixels = image[0].numpy() if len(image) == 1 else image.permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    file = BytesIO()
    picture.save(file, "WEBP", lossless=max(picture.size) <= SMALL, quality=85)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def as_given(_preview: Preview, key: str) -> str:  # noqa: ARG001  the cache tells by the key
    """HTML of the images as they are; ``key`` stands for the preview."""
    return pictures(_preview.images, [_preview.classes[label] for label in _preview.labels])


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def as_trained(
    _preview: Preview,
    key: str,  # noqa: ARG001  the cache tells by it
    _recipe: Recipe,
    what: tuple[object, ...],  # noqa: ARG001  likewise
    size: int,
    epoch: int,
) -> str:
    """HTML of the images as the training sees them; ``what`` are the parts of the recipe that matter for that."""
    images = augmented(_preview, _recipe, size, epoch)
    return pictures(images, [_preview.classes[label] for label in _preview.labels])


def words(names: Sequence[str]) -> str:
    """The augmentations in a caption."""
    return ", ".join(names) if names else _("none")
