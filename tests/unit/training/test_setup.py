"""Spec, recipe and data are adapted to each other, and notes describe the changes."""

from dataclasses import replace

import pytest
import torch

from explorer.data.dataset import Dataset, Split
from explorer.data.preprocessing import channel_statistics
from explorer.errors import InputError
from explorer.families import Spec, parse_spec
from explorer.recipes import RECIPES, Recipe
from explorer.recipes.recipe import MIN_STD
from explorer.training.fitting import adapt, complete_recipe
from explorer.training.loop import step
from tests.helpers.toys import GOOGLENET, RESNET, VGG, prepared, toy_data, toy_spec

GREY, COLOUR = toy_data(), toy_data(channels=3)


@pytest.mark.parametrize(
    "family", [VGG, RESNET, GOOGLENET, {**VGG, "cfg": []}, {**VGG, "cfg": [], "classifier": []}], ids=range(5)
)
def test_classes_and_channels_are_adapted_to_the_data(family: dict[str, object]) -> None:
    spec = toy_spec(family, num_classes=1000)
    found, dataset, notes = adapt(spec, COLOUR, keep_channels=False)
    assert found == spec.changed(num_classes=4, in_channels=3)
    assert dataset is COLOUR
    assert notes == [
        "The network has 4 classes, like the data; the spec had 1,000.",
        "The network takes images of 3 channels, like the data; the spec had 1.",
    ]
    ready = prepared(spec, COLOUR)
    assert ready.job.spec == found
    assert ready.card.network_spec == found
    assert list(ready.notes) == notes
    assert step(ready.training, next(ready.training.batches.epoch(0))).isfinite().all()


def test_a_fitting_network_is_unchanged() -> None:
    spec = toy_spec(VGG)
    assert adapt(spec, GREY, keep_channels=False) == (spec, GREY, [])


def test_notes_of_the_data_are_passed_on() -> None:
    assert prepared(toy_spec(VGG), replace(GREY, notes=("One is missing.",))).notes == ("One is missing.",)


@pytest.mark.parametrize(
    ("spec", "keep"),
    [
        (parse_spec({"family": "torchvision", "name": "resnet18", "num_classes": 4}), False),
        (toy_spec(VGG, in_channels=3), True),
    ],
)
def test_images_are_recoloured_if_the_network_keeps_its_channels(spec: Spec, keep: bool) -> None:
    found, dataset, notes = adapt(spec, GREY, keep_channels=keep)
    assert found == spec
    assert notes == ["The images are given to the network with 3 channels; the data has 1."]
    assert dataset.channels == 3
    for former, split in ((GREY.train, dataset.train), (GREY.test, dataset.test)):
        assert isinstance(former.images, torch.Tensor)
        assert isinstance(split.images, torch.Tensor)
        assert torch.equal(split.images, former.images.expand(-1, 3, -1, -1))


def test_images_have_one_channel_or_three() -> None:
    with pytest.raises(InputError, match="images have 1 channel or 3, and the network takes 2"):
        adapt(toy_spec(VGG, in_channels=2), GREY, keep_channels=True)


def test_images_are_resized_and_the_spec_is_unchanged() -> None:
    ready = prepared(toy_spec(VGG, image_size=12), toy_data(size=8))
    assert ready.job.spec.image_size == 12
    assert next(ready.training.batches.epoch(0)).images.shape[2:] == (12, 12)
    assert ready.card.preprocessing["size"] == 12


def test_a_fully_connected_network_for_other_images() -> None:
    ready = prepared(toy_spec({**VGG, "cfg": []}, image_size=28), COLOUR)
    assert ready.training.network.get_parameter("classifier.0.weight").shape == (6, 3 * 28 * 28)


# Recipes


def constant(value: int, others: int = 0) -> Dataset:
    """Returns images of one value, except for some pixels of the first image."""
    images = torch.full((40, 1, 8, 8), value, dtype=torch.uint8)
    images[0].view(-1)[:others] += 1
    return replace(GREY, train=Split(images, GREY.train.labels))


def test_normalisation_is_measured_if_the_recipe_has_none() -> None:
    recipe, notes = complete_recipe(Recipe(augment=()), COLOUR)
    assert (recipe.mean, recipe.std) == channel_statistics(COLOUR.train)
    pixels = COLOUR.train.images / 255 if isinstance(COLOUR.train.images, torch.Tensor) else None
    assert pixels is not None
    assert recipe.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-4)
    assert recipe.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-4)
    assert notes == []


@pytest.mark.parametrize(("others", "std"), [(0, 1.0), (1, MIN_STD), (30, MIN_STD)])
def test_images_of_one_colour_can_be_normalised(others: int, std: float) -> None:
    data = constant(100, others)
    recipe, _notes = complete_recipe(Recipe(), data)
    assert recipe.std == (std,)
    ready = prepared(toy_spec(VGG), data, validation_fraction=0.0)
    assert next(ready.training.batches.epoch(0)).images.isfinite().all()


@pytest.mark.parametrize(
    ("mean", "dataset", "expected"),
    [((0.5,), COLOUR, (0.5, 0.5, 0.5)), ((0.5,), GREY, (0.5,)), ((0.1, 0.2, 0.3), COLOUR, (0.1, 0.2, 0.3))],
)
def test_one_value_applies_to_every_channel(
    mean: tuple[float, ...], dataset: Dataset, expected: tuple[float, ...]
) -> None:
    recipe, notes = complete_recipe(Recipe(mean=mean, std=mean, augment=()), dataset)
    assert recipe.mean == recipe.std == expected
    assert notes == []


@pytest.mark.parametrize(("count", "dataset"), [(3, GREY), (2, COLOUR), (4, GREY)])
def test_values_for_other_channels_are_replaced(count: int, dataset: Dataset) -> None:
    recipe, notes = complete_recipe(Recipe(mean=(0.5,) * count, std=(0.5,) * count, augment=()), dataset)
    assert (recipe.mean, recipe.std) == channel_statistics(dataset.train)
    assert notes == [f"The recipe's mean and std are for {count} channels: those of the data are used."]


def test_photographs_are_mirrored_and_shifted_and_digits_left_as_they_are() -> None:
    recipe, notes = complete_recipe(Recipe(), replace(GREY, mirrored=True))
    assert recipe.augment == ("flip", "crop")
    assert notes == ["Augmentation that suits the data: flip, crop."]
    recipe, notes = complete_recipe(Recipe(), replace(GREY, mirrored=False))
    assert (recipe.augment, notes) == ((), [])


@pytest.mark.parametrize("name", [name for name, preset in RECIPES.items() if "flip" in (preset.recipe.augment or ())])
def test_no_recipe_mirrors_digits_and_a_note_says_why(name: str) -> None:
    recipe_before = RECIPES[name].recipe
    digits, notes = complete_recipe(recipe_before, replace(GREY, mirrored=False))
    assert digits.augment == tuple(one for one in recipe_before.augment or () if one != "flip")
    assert "The recipe's flip is left out: a mirrored digit is another digit or none." in notes[0]
    unknown, notes = complete_recipe(recipe_before, replace(GREY, mirrored=None))  # grey images of a user
    assert unknown.augment == recipe_before.augment
    assert "if they show characters, a mirror image is another character or none" in notes[0]
    photographs, notes = complete_recipe(recipe_before, replace(COLOUR, mirrored=True))
    assert photographs.augment == recipe_before.augment
    assert not any("mirror" in note for note in notes)


def test_the_recipe_for_mnist_is_unchanged() -> None:
    recipe, notes = complete_recipe(RECIPES["r3-mnist"].recipe, replace(GREY, mirrored=False))
    assert (recipe.augment, recipe.mean, recipe.std, notes) == ((), (0.1307,), (0.3081,), [])


def test_an_empty_list_of_augmentations_is_kept() -> None:
    assert complete_recipe(Recipe(augment=()), GREY)[0].augment == ()


def test_statistics_and_choice_of_epoch_ignore_the_test_set() -> None:
    bright = Split(torch.full((20, 1, 8, 8), 255, dtype=torch.uint8), GREY.test.labels)
    ready = prepared(toy_spec(VGG), replace(GREY, test=bright))
    assert ready.preprocessing == prepared(toy_spec(VGG), GREY).preprocessing
    assert ready.card.data == {"name": "toys", "train_images": 36, "validation_images": 4, "test_images": 20}


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second, third = (prepared(toy_spec(VGG), seed=seed).training.network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["features.0.weight"], third["features.0.weight"])
