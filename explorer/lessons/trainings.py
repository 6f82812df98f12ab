"""The networks that lessons train side by side, by the name of the comparison.

All learn the bundled digits. The two of one size can learn MNIST too, which is downloaded at its first use.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from explorer.data import NAMES
from explorer.families import PRESETS, Spec
from explorer.i18n import _
from explorer.recipes import Recipe

DATASET, LARGER = "digits", "mnist"
IMAGE = {"image_size": 8, "in_channels": 1, "num_classes": 10}
CHAIN, BLOCKS = PRESETS["lenet5"].spec, PRESETS["resnet20"].spec  # what the networks are made from
SOME_LABELS = 0.5  # share of random labels between none and all
RATE_FACTOR = 30  # between the rate of a lesson and the high and the low one
HELD_OUT = 0.5  # share of the training images for the solid curves: with fewer they would jump


class Variant(NamedTuple):
    """One of the trainings that are compared."""

    name: str
    spec: Spec
    recipe: Recipe


class Options(NamedTuple):
    """The options that all comparisons have.

    Attributes:
        epochs: Epochs of each training.
        rate: Learning rate.
        permute: Whether one fixed permutation is applied to the pixels of every image.
        seed: Seed of everything that is random.
        data: Name of the data set.
    """

    epochs: int
    rate: float
    permute: bool
    seed: int
    data: str = DATASET


def variants(comparison: str, options: Options) -> list[Variant]:
    """Returns the trainings of a comparison."""
    return COMPARISONS[comparison](options)


def _recipe(options: Options, **fields: Any) -> Recipe:
    common: dict[str, Any] = {
        "lr": options.rate, "epochs": options.epochs, "seed": options.seed, "weight_decay": 0.01, "batch_size": 32,
        "label_smoothing": 0.0, "validation_fraction": HELD_OUT, "precision": "fp32",
        "augment": ["permute_pixels"] if options.permute else [],
    }  # fmt: skip
    return Recipe.parse({**common, **fields})


def _chain(cfg: list[Any], classifier: list[int], **fields: Any) -> Spec:
    return CHAIN.changed(cfg=cfg, classifier=classifier, pool_to=None, dropout=0.0, **IMAGE, **fields)


def _dense_and_convolutional(options: Options) -> list[Variant]:
    # The widths give both networks about as many parameters; the lesson shows the exact numbers.
    recipe, is_larger = _recipe(options), options.data == LARGER
    if is_larger:
        recipe = recipe.changed(batch_size=128)  # so that two minutes are enough
    image = {"image_size": NAMES[options.data].size}
    return [
        Variant(_("Fully connected"), _chain([], [12 if is_larger else 25]).changed(**image), recipe),
        Variant(_("Convolutional"), _chain([8, "M", 16, "M"], []).changed(**image), recipe),
    ]


def _remedies(options: Options) -> list[Variant]:
    cfg, plain = [16, 16, "M", 32, 32, "M"], _recipe(options, clip_norm=None)
    return [
        Variant(_("Plain"), _chain(cfg, [64]), plain),
        Variant(_("Batch norm"), _chain(cfg, [64], batch_norm=True), plain),
        Variant(_("Dropout"), _chain(cfg, [64]).changed(dropout=0.5), plain),
        Variant(
            _("Augmentation"), _chain(cfg, [64]),
            plain.changed(augment=["rotation", "crop"], rotation_degrees=10.0),
        ),
        Variant(
            _("{factor} × the rate").format(factor=RATE_FACTOR), _chain(cfg, [64]),
            plain.changed(lr=options.rate * RATE_FACTOR),
        ),
        Variant(
            _("1/{factor} of the rate").format(factor=RATE_FACTOR), _chain(cfg, [64]),
            plain.changed(lr=options.rate / RATE_FACTOR),
        ),
    ]  # fmt: skip


def _depth(options: Options) -> list[Variant]:
    recipe = _recipe(options, optimizer="sgd", batch_size=64, weight_decay=1e-4)

    def network(blocks: int, *, residual: bool) -> Spec:
        return BLOCKS.changed(blocks=[blocks] * 3, widths=[8, 16, 32], residual=residual, **IMAGE)

    return [
        Variant(name.format(layers=6 * blocks + 2), network(blocks, residual=residual), recipe)
        for name, residual in ((_("Plain, {layers} layers"), False), (_("Residual, {layers} layers"), True))
        for blocks in (1, 9)
    ]


def _he(options: Options, *, shortcuts: bool) -> list[Variant]:
    """The networks of He et al. 2016, section 4.2, on digits. :mod:`explorer.lessons.recorded` has results."""
    recipe = _recipe(options, optimizer="sgd", batch_size=64, weight_decay=1e-4)

    def network(blocks: int, **fields: Any) -> Spec:
        return BLOCKS.changed(blocks=[blocks] * 3, widths=[8, 16, 32], **fields, **IMAGE)

    if shortcuts:
        return [
            Variant(_("Shortcuts {option}, {layers} layers").format(layers=6 * 9 + 2, option=option),
                    network(9, shortcut=option), recipe)
            for option in ("A", "B", "C")
        ]  # fmt: skip
    return [
        Variant(name.format(layers=6 * blocks + 2), network(blocks, residual=residual), recipe)
        for name, residual in ((_("Plain, {layers} layers"), False), (_("Residual, {layers} layers"), True))
        for blocks in (3, 9)
    ]


def _labels(options: Options) -> list[Variant]:
    # No images are held out: their labels would be random too, and the test images tell what was learnt.
    recipe = _recipe(options, validation_fraction=0.0, weight_decay=0.0)
    network = _chain([], [256, 256])  # large enough to learn every image by heart, and fast
    return [
        Variant(_("True labels"), network, recipe),
        Variant(_("Some random"), network, recipe.changed(random_labels=SOME_LABELS)),
        Variant(_("All random"), network, recipe.changed(random_labels=1.0)),
    ]


COMPARISONS: dict[str, Callable[[Options], list[Variant]]] = {
    "dense": _dense_and_convolutional,
    "remedies": _remedies,
    "depth": _depth,
    "labels": _labels,
    "recorded": lambda options: _he(options, shortcuts=False),
    "options": lambda options: _he(options, shortcuts=True),
}
RECORDED = ("recorded", "options")  # comparisons whose results ship with the lessons
RECORDING = Options(epochs=12, rate=0.1, permute=False, seed=0)  # their settings
