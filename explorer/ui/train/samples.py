"""Sample images of a data set, original and augmented."""

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from explorer.data.altered import alter_examples
from explorer.data.preprocessing import Normalise, Preprocessing
from explorer.data.preview import Preview
from explorer.i18n import _
from explorer.recipes import Recipe
from explorer.specs.size import Size
from explorer.training.augment import (
    Strength,
    compute_windows,
    cutout_mask,
    resample_windows,
    rotate_and_add_noise,
    sample_parameters,
)
from explorer.training.fitting import augmentations

SIDE = 96  # largest side in pixels of an image that is sent to the browser
MAX_PIXELATED = 64  # largest side in pixels of an image whose pixels are shown as squares
MAX_CACHED = 32
STYLE = """<style>
  .samples { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 5px; margin: 0 }
  .samples figure { margin: 0; min-width: 0; text-align: center }
  .samples img { width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 3px; display: block }
  .samples img.pixels { image-rendering: pixelated }
  .samples figcaption { font-size: 0.8rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
</style>"""


def augmented(preview: Preview, images: Sequence[Tensor], recipe: Recipe, size: int | Size, epoch: int) -> list[Tensor]:
    """Returns images as the network sees them in an epoch, before normalisation: uint8, (C, height, width).

    Args:
        preview: Facts about their data set.
        images: Images, uint8, (C, H, W).
        recipe: Recipe of the run.
        size: Size of the network's images in pixels.
        epoch: Epoch, from 0.
    """
    names = augmentations(recipe, preview.mirrored)
    mean, std = recipe.mean or preview.mean, recipe.std or preview.std
    if len(mean) not in (1, preview.channels):  # a run does the same
        mean, std = preview.mean, preview.std
    seed = recipe.seed if "permute_pixels" in names else None
    normalise = Normalise(Preprocessing(size, mean, std, seed), torch.device("cpu"))
    augment = [name for name in names if name != "permute_pixels"]
    sampled = sample_parameters(augment, len(images), recipe.seed, epoch)
    strength = Strength(recipe.rotation_degrees, recipe.noise_std)
    statistics = [torch.tensor(values).view(-1, 1, 1) for values in (std, mean)]
    results = []
    for index, image in enumerate(images):
        parameters = sampled.select(slice(index, index + 1), torch.device("cpu"))
        windows = compute_windows(parameters.uniform, image.shape[1], image.shape[2], size)
        pixels = resample_windows(image[None], windows, size)
        holes = cutout_mask(parameters.uniform["cutout"], size) if "cutout" in parameters.uniform else None
        seen = normalise(rotate_and_add_noise(pixels, parameters, strength), holes)[0] * statistics[0] + statistics[1]
        results.append((seen * 255).round().clamp(0, 255).byte())
    return results


def images_html(images: Sequence[Tensor], names: Sequence[str]) -> str:
    """Returns images with their classes as HTML."""
    figures = "".join(
        f'<figure><img class="{"pixels" if max(image.shape) <= MAX_PIXELATED else ""}" src="{_data_url(image)}" '
        f'alt="{escape(name)}" title="{escape(name)}"><figcaption>{escape(name)}</figcaption></figure>'
        for image, name in zip(images, names, strict=True)
    )
    return f'{STYLE}<div class="samples">{figures}</div>'


def _data_url(image: Tensor) -> str:
    pixels = image[0].numpy() if len(image) == 1 else image.permute(1, 2, 0).numpy()
    thumbnail = Image.fromarray(pixels)
    thumbnail.thumbnail((SIDE, SIDE))
    file = BytesIO()
    thumbnail.save(file, "WEBP", lossless=max(thumbnail.size) <= MAX_PIXELATED, quality=85)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


@st.cache_data(max_entries=MAX_CACHED, show_spinner=False)
def original_html(_preview: Preview, key: str) -> str:  # noqa: ARG001  part of the cache key
    """Returns the original images as HTML. ``key`` identifies the preview in the cache."""
    return images_html(_preview.images, [_preview.classes[label] for label in _preview.labels])


@st.cache_data(max_entries=MAX_CACHED, show_spinner=False)
def augmented_html(
    _preview: Preview,
    key: str,  # noqa: ARG001  part of the cache key
    _recipe: Recipe,
    settings_key: tuple[object, ...],  # noqa: ARG001  part of the cache key
    size: int | Size,
    epoch: int,
) -> str:
    """Returns the augmented images as HTML. ``settings_key`` has all fields of the recipe that affect them.

    Raises:
        InputError: If the recipe's patch can't tell that many classes apart.
    """
    images, labels = alter_examples(
        _preview.images, _preview.labels, len(_preview.classes), random_labels=_recipe.random_labels,
        patch=_recipe.patch, shows=_recipe.patch_shows, seed=_recipe.seed,
    )  # fmt: skip
    return images_html(augmented(_preview, images, _recipe, size, epoch), [_preview.classes[label] for label in labels])


def augmentation_text(names: Sequence[str]) -> str:
    """Returns the names of augmentations for a caption."""
    return ", ".join(names) if names else _("none")
