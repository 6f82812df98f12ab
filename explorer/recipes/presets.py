"""Named recipes, and the parser of recipes that users type."""

from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.recipes.recipe import Recipe
from explorer.specs.reading import decode, read_json


class RecipePreset(NamedTuple):
    """A named recipe and its source."""

    name: str
    title: str
    source: str
    recipe: Recipe


def _published(**fields: object) -> Recipe:
    """Returns the recipe of a publication. Fields that it does not mention have PyTorch's defaults."""
    plain = {"weight_decay": 0.0, "schedule": "constant", "clip_norm": None, "init": "default", "label_smoothing": 0.0}
    return Recipe.parse({**plain, **fields})


RECIPES: dict[str, RecipePreset] = {
    preset.name: preset
    for preset in (
        RecipePreset("default", "Best known for a network of your own", "Measured here", Recipe()),
        RecipePreset(
            "quick",
            "Good result in the least time",
            "Measured here",
            Recipe(lr=3e-3, weight_decay=0.01, epochs=15, label_smoothing=0.0),
        ),
        RecipePreset(
            "r0",
            "VGG on CIFAR-10: Adam at a constant rate",
            "VGG notes, which offer He's weights on request: their curve is that of He's, not of PyTorch's",
            _published(
                optimizer="adam",
                lr=1e-4,
                init="he",
                epochs=50,
                batch_size=32,
                augment=["random_resized_crop", "flip"],
                mean=[0.5],
                std=[0.5],
            ),
        ),
        RecipePreset(
            "r1",
            "ResNet on CIFAR-10: SGD, dropped on plateaus",
            "ResNet notes; the threshold is a fraction, so summed and mean loss drop the rate at the same epochs",
            _published(
                optimizer="sgd",
                lr=0.1,
                weight_decay=5e-4,
                schedule="plateau",
                threshold=0.1,
                patience=3,
                epochs=50,
                batch_size=128,
                augment=["flip"],
                mean=[0.5],
                std=[0.5],
            ),
        ),
        RecipePreset(
            "r2",
            "VGG-16 with batch norm at 224: SGD, dropped every 10 epochs",
            "VGG-16 notes; with weights and freeze set it is their transfer learning",
            _published(
                optimizer="sgd",
                lr=1e-3,
                schedule="step",
                step_size=10,
                epochs=100,
                batch_size=64,
                augment=["random_resized_crop", "flip"],
                mean=[0.485, 0.456, 0.406],
                std=[0.229, 0.224, 0.225],
            ),
        ),
        RecipePreset(
            "r3",
            "Simplified VGG-11 on CIFAR-10: Adam, 10 epochs",
            "Course homework; its small CNN takes batches of 64 and no augmentation",
            _published(
                optimizer="adam",
                lr=1e-3,
                epochs=10,
                batch_size=128,
                augment=["crop", "flip"],
                mean=[0.4914, 0.4822, 0.4465],
                std=[0.2023, 0.1994, 0.2010],
            ),
        ),
        RecipePreset(
            "r3-mnist",
            "Handwritten digits, fully connected or convolutional: Adam, nothing mirrored",
            "Course homework, MNIST: the mean and standard deviation of its pixels, and no augmentation",
            _published(optimizer="adam", lr=1e-3, epochs=10, batch_size=64, augment=[], mean=[0.1307], std=[0.3081]),
        ),
        RecipePreset(
            "r4",
            "GoogLeNet on flowers: Adam with auxiliary heads",
            "GoogLeNet notes, which start from He's weights, and the linear layers from N(0, 0.01)",
            _published(
                optimizer="adam",
                lr=3e-4,
                init="he_conv",
                epochs=30,
                batch_size=32,
                augment=["random_resized_crop", "flip"],
                mean=[0.5],
                std=[0.5],
                aux_weight=0.3,
            ),
        ),
    )
}


def resolve(text: str) -> Recipe:
    """Returns a recipe by a text that a user types: a preset's name, inline JSON, or the path of a .json file.

    Raises:
        InputError: If the text is none of these, or the recipe breaks a rule.
    """
    text = text.strip()
    if text.startswith(("{", "[")):
        return Recipe.parse(decode(text, "recipe"))
    if text in RECIPES:
        return RECIPES[text].recipe
    if text.endswith(".json"):
        return Recipe.parse(read_json(Path(text), "recipe"))
    known = ", ".join(RECIPES)
    if close := get_close_matches(text[:60], RECIPES, n=1):
        raise InputError(
            _("recipe: {value} is not one of {known}; did you mean {name}?").format(
                value=shown(text), known=known, name=close[0]
            )
        )
    raise InputError(
        _("recipe: {value} is not one of {known}, a .json file or inline JSON").format(value=shown(text), known=known)
    )
