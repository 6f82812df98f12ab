"""Resizing against torchvision and Pillow, normalising against torchvision, statistics against numpy."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import pad
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as reference

from explorer.data.dataset import Split
from explorer.data.preprocessing import (
    Normalise,
    Preprocessing,
    channel_statistics,
    fitted,
    rearranged,
    resample,
    resize,
    weights,
)
from explorer.errors import InputError
from explorer.specs.size import Size
from tests.helpers.pixels import Decoded, noise

CPU = torch.device("cpu")


SIZES = [
    (32, 32, 224),
    (224, 224, 32),
    (28, 28, 32),
    (8, 8, 32),
    (375, 500, 224),
    (61, 47, 64),
    (97, 131, 50),
    (1200, 900, 64),
]


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_resizes_as_torchvision(height: int, width: int, size: int) -> None:
    images = noise(2, 3, height, width)
    ours, theirs = resize(images, size), reference.resize(images, [size, size], antialias=True).float()
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= 1
    assert (ours != theirs).float().mean() < 0.005


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_resizes_as_pillow(height: int, width: int, size: int) -> None:
    image = noise(3, height, width)
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    theirs = torch.from_numpy(np.array(picture.resize((size, size), Image.Resampling.BILINEAR))).permute(2, 0, 1)
    ours = resize(image[None], size)[0]
    assert (ours - theirs).abs().max() <= 1
    assert (ours != theirs).float().mean() < 0.005


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    images = noise(3, 1, 32, 32)
    assert resize(images, 32) is images


def test_an_image_of_one_colour_stays_one_colour() -> None:
    for level in (0, 1, 127, 254, 255):
        assert (resize(torch.full((1, 1, 3000, 17), level, dtype=torch.uint8), 24) == level).all()


def product(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The resampled images, computed with complete matrices in float64."""
    across = (images.double() @ columns.double().mT + 0.5).floor()
    return (rows.double() @ across + 0.5).floor().float()


def full_weights(size: int, side: int, part: range | None = None) -> torch.Tensor:
    return weights(size, side, torch.tensor([[0, side]]), part)


def test_products_are_exact() -> None:
    images, rows, columns = noise(1, 3, 375, 500), full_weights(224, 375), full_weights(224, 500)
    expected = product(images, rows, columns)
    assert torch.equal(resample(images, rows, columns), expected)
    for _seen_before in range(2):
        assert torch.equal(resize(images, 224), expected)
        assert torch.equal(resize(images, Size(50, 9)), product(images, full_weights(50, 375), full_weights(9, 500)))
        for size in (200, 224):
            middle = Preprocessing(size, (0.5,), (0.5,), resize=240)
            part = range((240 - size) // 2, (240 + size) // 2)
            wide = range((320 - size) // 2, (320 + size) // 2)
            assert torch.equal(
                fitted(images, middle), product(images, full_weights(240, 375, part), full_weights(320, 500, wide))
            )


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(-45, 45), st.integers(-45, 45))
def test_a_shift_adds_black(size: int, height: int, width: int, down: int, across: int) -> None:
    images, places = noise(1, 1, height, width), torch.arange(size)[None]
    rows, columns = (
        rearranged(full_weights(size, height), places + down),
        rearranged(full_weights(size, width), places + across),
    )
    assert torch.equal(resample(images, rows, columns), product(images, rows, columns))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 30), st.integers(0, 30))
def test_a_window_sees_nothing_outside(size: int, length: int, before: int, after: int) -> None:
    """The weights of a window equal, bit by bit, the weights of the image that is cropped first."""
    inside = weights(size, length, torch.tensor([[0, length]]))
    framed = weights(size, before + length + after, torch.tensor([[before, length]]))
    assert torch.equal(framed, pad(inside, (before, after)))
    assert (inside.sum(2) - 1).abs().max() < length * 2**-17 + 1e-9


def test_the_batch_and_its_precision_change_no_pixel() -> None:
    images = noise(40, 3, 50, 70)
    together = resize(images, 32)
    assert torch.equal(together, torch.cat([resize(image[None], 32) for image in images]))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(together, resize(images, 32))


def test_normalises_as_torchvision() -> None:
    images, mean, std = noise(4, 3, 16, 16), (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    theirs = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])(images)
    ours = Normalise(Preprocessing(16, mean, std), CPU)
    torch.testing.assert_close(ours(images), theirs)
    assert torch.equal(ours(images), ours(images.float()))


def test_normalising_leaves_the_pixels_alone() -> None:
    pixels = noise(1, 1, 4, 4).float()
    before = pixels.clone()
    Normalise(Preprocessing(4, (0.5,), (0.5,)), CPU)(pixels, torch.ones(1, 1, 4, 4, dtype=torch.bool))
    assert torch.equal(pixels, before)


def test_one_permutation_for_all_images_and_channels() -> None:
    images = noise(3, 2, 8, 8)
    plain = Preprocessing(8, (0.5, 0.5), (0.5, 0.5))
    hide = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
    hide[1, :, 2:5, :4] = True
    order = torch.randperm(64, generator=torch.Generator().manual_seed(7))
    assert not torch.equal(order, torch.arange(64))
    expected = Normalise(plain, CPU)(images, hide).flatten(2)[:, :, order].view(3, 2, 8, 8)
    assert torch.equal(Normalise(plain._replace(permutation_seed=7), CPU)(images, hide), expected)
    assert not torch.equal(Normalise(plain._replace(permutation_seed=8), CPU)(images, hide), expected)


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_preprocessing_survives_a_card(seed: int | None) -> None:
    preprocessing = Preprocessing(224, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), seed)
    card = preprocessing.to_dict()
    assert ("permutation_seed" in card) is (seed is not None)
    assert Preprocessing.from_dict(json.loads(json.dumps(card))) == preprocessing


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"mean": [0.5], "std": [0.5]}, "size: "),
        ({"size": 0, "mean": [0.5], "std": [0.5]}, "size: 0 "),
        ({"size": "32", "mean": [0.5], "std": [0.5]}, "size: '32' "),
        ({"size": 32, "mean": 0.5, "std": [0.5]}, "mean: 0.5 "),
        ({"size": 32, "mean": ["x"], "std": [0.5]}, "mean, entry 1: 'x' "),
        ({"size": 32, "mean": [0.5], "std": [0]}, "std, entry 1: 0 "),
        ({"size": 32, "mean": [], "std": []}, "mean: "),
        ({"size": 32, "mean": [0.5], "std": [0.5], "crop": 28}, "crop: "),
        ({"size": 32, "mean": [0.5, 0.5], "std": [0.5]}, "std: has 1 entry while mean has 2"),
    ],
)
def test_invalid_cards_are_refused(card: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Preprocessing.from_dict(card)
    assert str(error.value).startswith(message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["size", "mean", "std", "permutation_seed", "x"]), json_values))
def test_any_card_is_read_or_refused(card: dict[str, object]) -> None:
    try:
        preprocessing = Preprocessing.from_dict(card)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing


def test_statistics_as_numpy() -> None:
    images = torch.cat((noise(30, 1, 9, 11), noise(30, 1, 9, 11, seed=1) // 3), dim=1)
    mean, std = channel_statistics(Split(images, torch.zeros(30, dtype=torch.long)))
    values = images.numpy() / 255
    assert mean == tuple(values.mean((0, 2, 3)).round(4))
    assert std == tuple(values.std((0, 2, 3)).round(4))


def test_a_mean_for_all_channels() -> None:
    images = noise(2, 3, 4, 4)
    one, each = Preprocessing(4, (0.4,), (0.2,)), Preprocessing(4, (0.4,) * 3, (0.2,) * 3)
    assert torch.equal(Normalise(one, CPU)(images), Normalise(each, CPU)(images))


def test_statistics_of_one_colour_can_divide() -> None:
    images = torch.full((5, 1, 4, 4), 51, dtype=torch.uint8)
    assert channel_statistics(Split(images, torch.zeros(5, dtype=torch.long))) == ((0.2,), (1.0,))


def test_statistics_of_files_count_each_image_alike() -> None:
    small, large = torch.zeros(1, 2, 2, dtype=torch.uint8), torch.full((1, 50, 50), 255, dtype=torch.uint8)
    split = Split(Decoded([small, large]), torch.tensor([0, 1]))
    assert channel_statistics(split) == ((0.5,), (0.5,))


def test_statistics_of_many_files_come_from_a_sample() -> None:
    images = [noise(3, 4, 4, seed=seed) for seed in range(600)]
    split = Split(Decoded(images), torch.zeros(600, dtype=torch.long))
    mean, std = channel_statistics(split)
    assert (mean, std) == channel_statistics(split)
    assert mean == pytest.approx(torch.stack(images).double().mean((0, 2, 3)).div(255).tolist(), abs=0.01)
    assert std == pytest.approx(torch.stack(images).double().std((0, 2, 3)).div(255).tolist(), abs=0.01)
