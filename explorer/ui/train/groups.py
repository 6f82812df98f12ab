"""The fields of a recipe in groups, in the order of the page."""

from collections.abc import Callable

from explorer.i18n import _
from explorer.recipes.recipe import OPTIMIZERS, Recipe
from explorer.ui.glossary import explain
from explorer.ui.train.fields import Field, Kind


def main_fields() -> tuple[Field, ...]:
    """Returns the fields that most people change. They are always visible."""
    return (
        Field("epochs", _("Epochs"), explain("epoch"), Kind.INTEGER, 1.0),
        Field("lr", _("Learning rate"), explain("learning-rate"), step=0.0005),
        Field("batch_size", _("Batch size"), explain("batch"), Kind.INTEGER, 1.0),
    )


def groups(*, auxiliary: bool, gpu: bool, trained: bool) -> dict[str, tuple[Field, ...]]:
    """Returns all other fields by heading.

    Args:
        auxiliary: Whether the network has auxiliary heads.
        gpu: Whether this machine has a GPU.
        trained: Whether training starts from weights.
    """
    return {
        _("Start"): _start(),
        _("Optimizer"): _optimizer(),
        _("Schedule"): _schedule(),
        _("Images"): _images(trained=trained),
        _("Regularisation"): _regularisation(auxiliary=auxiliary),
        _("Precision"): _precision(gpu=gpu),
    }


def _optimizer() -> tuple[Field, ...]:
    return (
        Field("optimizer", _("Optimizer"), explain("optimizer"), Kind.CHOICE, names=OPTIMIZERS),
        Field("momentum", _("Momentum"), explain("momentum"), step=0.05),
        Field("weight_decay", _("Weight decay"), explain("weight-decay"), step=0.0005),
    )


def _schedule() -> tuple[Field, ...]:
    names = {
        "constant": _("Constant"),
        "step": _("Step"),
        "plateau": _("Plateau"),
        "cosine": _("Cosine"),
        "onecycle": _("One cycle"),
    }
    step, plateau = _has_schedule("step"), _has_schedule("plateau")
    return (
        Field("schedule", _("Schedule"), explain("schedule"), Kind.CHOICE, names=names),
        Field(
            "warmup_epochs", _("Warm-up epochs"),
            explain("warm-up", _("Empty: 30% of the run for One cycle, otherwise none.")),
            step=1.0, empty=_("auto"),
        ),
        Field("step_size", _("Epochs per step"), _("Epochs between two drops."), Kind.INTEGER, 1.0, is_used=step),
        Field("gamma", _("Factor"), _("The rate is "
"multiplied by this at each drop."), is_used=_has_schedule("step", "plateau")),
        Field(
            "patience", _("Patience"), _("Epochs without progress before a drop."), Kind.INTEGER, 1.0, is_used=plateau,
        ),
        Field(
            "threshold", _("Threshold"), _("The relative fall below the best loss "
"so far that counts as progress."), step=0.001,
            is_used=plateau,
        ),
    )  # fmt: skip


def _images(*, trained: bool) -> tuple[Field, ...]:
    names = {
        "flip": _("Flip"),
        "crop": _("Shift"),
        "random_resized_crop": _("Random resized crop"),
        "rotation": _("Rotation"),
        "cutout": _("Cutout"),
        "noise": _("Noise"),
        "permute_pixels": _("Permute pixels"),
    }
    measured = _(
        "One number for all channels, or one for each, for pixels from 0 to 1. Empty: the values of the starting "
        "weights, or else measured on the images."
    )
    empty = _("as the weights") if trained else _("measured")
    return (
        Field("augment", _("Augment as suits the data"), explain("augmentation"), Kind.AUGMENTATIONS, names=names),
        Field(
            "rotation_degrees", _("Degrees"),
            _("Each image is rotated by a random angle of up to this many degrees to the left or right."), step=5.0,
            is_used=_has_augmentation("rotation"),
        ),
        Field(
            "noise_std", _("Noise"), _("Standard deviation of the noise added to pixels from 0 to 1."), step=0.05,
            is_used=_has_augmentation("noise"),
        ),
        Field(
            "random_labels", _("Random labels"),
            explain("random-labels", _("The share of the training images, from 0 to 1, whose class is random.")),
            step=0.1,
        ),
        Field(
            "patch", _("Planted patch"),
            explain(
                "shortcut-learning",
                _("The share of the training images, from 0 to 1, with a small patch that gives the class away."),
            ),
            step=0.1,
        ),
        Field(
            "patch_shows", _("Patch tells by"), _("What of the patch tells the class."), Kind.CHOICE,
            names={"colour": _("Its colour"), "position": _("Its position")}, is_used=_has_patch,
        ),
        Field("mean", _("Mean"), measured, Kind.NUMBERS, empty=empty),
        Field("std", _("Standard deviation"), measured, Kind.NUMBERS, empty=empty),
        Field(
            "validation_fraction", _("Held out"),
            explain("validation", _("The part of every class that is used to choose the best epoch.")), step=0.05,
        ),
    )  # fmt: skip


def _regularisation(*, auxiliary: bool) -> tuple[Field, ...]:
    off = _("off")
    return (
        Field("label_smoothing", _("Label smoothing"), explain("label-smoothing"), step=0.05),
        Field("clip_norm", _("Clip gradients"), explain("clipping"), step=0.5, empty=off),
        Field(
            "clip_value",
            _("Clip values"),
            _("The largest absolute value in a gradient: larger values, positive or negative, are set to it."),
            step=0.5,
            empty=off,
        ),
        Field("ema", _("Average weights"), explain("ema"), step=0.001, empty=off),
        *([Field("aux_weight", _("Auxiliary weight"), explain("auxiliary-head"))] if auxiliary else []),
    )


def _start() -> tuple[Field, ...]:
    names = {
        "default": _("PyTorch's own"),
        "he": _("He"),
        "he_conv": _("He; linear layers normal, 0.01"),
        "normal": _("Normal, 0.01"),
    }
    return (
        Field("init", _("Initial weights"), explain("initialisation"), Kind.CHOICE, names=names, is_used=_is_random),
        Field(
            "seed", _("Seed"), _("For initial weights, order, augmentation and the images held out."), Kind.INTEGER, 1.0
        ),
    )  # fmt: skip


def _precision(*, gpu: bool) -> tuple[Field, ...]:
    names = {"auto": _("Auto"), "fp32": "float32", "bf16": "bfloat16", **({"fp16": "float16"} if gpu else {})}
    return (
        Field("precision", _("Precision"), explain("mixed-precision"), Kind.CHOICE, names=names),
        Field(
            "compile", _("Compile"), _("torch.compile: minutes at the start, then faster steps on a GPU."), Kind.FLAG
        ),
    )


def _has_schedule(*schedules: str) -> Callable[[Recipe], bool]:
    return lambda recipe: recipe.schedule in schedules


def _has_augmentation(name: str) -> Callable[[Recipe], bool]:
    return lambda recipe: name in (recipe.augment or ())


def _has_patch(recipe: Recipe) -> bool:
    return recipe.patch > 0


def _is_random(recipe: Recipe) -> bool:
    return recipe.weights is None
