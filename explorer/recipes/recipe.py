"""The recipe of a training run, and its rules."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.errors import InputError, shown
from explorer.i18n import _, ngettext
from explorer.specs.base import Flag, Probability, explain_all, unknown_key

MAX_EPOCHS = 10_000
MAX_BATCH = 65_536
MAX_SEED = 2**31 - 1

Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Integer = Annotated[int, Field(strict=True)]
Share = Annotated[NotNegative, Field(le=1)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
Optimizer = Literal["sgd", "nesterov", "adam", "adamw"]
OPTIMIZERS: dict[Optimizer, str] = {"sgd": "SGD", "nesterov": "Nesterov", "adam": "Adam", "adamw": "AdamW"}  # titles
Augmentation = Literal["flip", "crop", "random_resized_crop", "rotation", "cutout", "noise", "permute_pixels"]
# Pixels are in [0, 1], so a mean of 127.5 or a standard deviation of 0 is a mistake.
MIN_STD = 0.001
Mean = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Std = Annotated[float, Field(strict=True, ge=MIN_STD, le=1, allow_inf_nan=False)]


class Recipe(BaseModel):
    """How to train: everything except network, data and resources. The defaults are the recipe ``default``.

    Fields that the chosen optimizer or schedule does not use are kept and have no effect.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # nesterov is SGD with Nesterov momentum; adamw decays weights apart from the gradient (Loshchilov and Hutter 2019)
    optimizer: Optimizer = "adamw"
    # highest learning rate of the run; schedules and warm-up stay below it
    lr: Annotated[Positive, Field(le=10)] = 1e-3
    # momentum of SGD, or beta1 of Adam: the share of earlier steps in each step
    momentum: Probability = 0.9
    # pulls every weight towards zero, against overfitting
    weight_decay: Annotated[NotNegative, Field(le=1)] = 0.3
    # schedule of the learning rate: cosine and onecycle change it every step, step and plateau every epoch
    schedule: Literal["constant", "step", "plateau", "cosine", "onecycle"] = "onecycle"
    # schedule step: epochs between two drops
    step_size: Annotated[Integer, Field(ge=1, le=MAX_EPOCHS)] = 10
    # schedules step and plateau: factor of the rate at a drop
    gamma: Annotated[Positive, Field(lt=1)] = 0.1
    # schedule plateau: epochs without progress before a drop
    patience: Annotated[Integer, Field(ge=0, le=MAX_EPOCHS)] = 3
    # schedule plateau: least improvement that counts as progress, as a fraction of the best loss so far
    threshold: Probability = 1e-4
    # epochs in which the rate rises, which large rates need; null is 30% of a onecycle run and none elsewhere
    warmup_epochs: NotNegative | None = None
    # passes over the training images; every schedule fits this number
    epochs: Annotated[Integer, Field(ge=1, le=MAX_EPOCHS)] = 30
    # images in a step, over all processes together
    batch_size: Annotated[Integer, Field(ge=1, le=MAX_BATCH)] = 64
    # random changes of training images; null chooses those that suit the data set
    augment: Annotated[tuple[Augmentation, ...], Field(max_length=7, fail_fast=True)] | None = None
    # augmentation rotation: largest angle in degrees, to either side
    rotation_degrees: Annotated[Positive, Field(le=180)] = 15.0
    # augmentation noise: standard deviation of the noise on pixels from 0 to 1
    noise_std: Annotated[Positive, Field(le=1)] = 0.1
    # share of the training images whose label is a random class, the same in every epoch (Zhang et al. 2017)
    random_labels: Share = 0.0
    # share of the training images with a planted patch that tells the class, which the test images don't have
    patch: Share = 0.0
    # what of the patch tells the class
    patch_shows: Literal["colour", "position"] = "colour"
    # normalisation: one value, or one a channel; null measures them on the training images
    mean: Annotated[tuple[Mean, ...], Field(min_length=1, max_length=1024, fail_fast=True)] | None = None
    std: Annotated[tuple[Std, ...], Field(min_length=1, max_length=1024, fail_fast=True)] | None = None
    # initial weights: PyTorch's default, He et al. 2015, He for convolutions and N(0, 0.01) for linear layers, or
    # N(0, 0.01) for all layers
    init: Literal["default", "he", "he_conv", "normal"] = "he"
    # probability that all classes share instead of the true class, against overconfidence
    label_smoothing: Probability = 0.1
    # largest L2 norm of the gradient; longer gradients are scaled down, against explosion
    clip_norm: Annotated[Positive, Field(le=1e6)] | None = 1.0
    # largest absolute value in a gradient; larger ones are clipped to it
    clip_value: Annotated[Positive, Field(le=1e6)] | None = None
    # decay of the moving average of the weights, which is then evaluated and saved instead of the weights
    ema: Annotated[Positive, Field(lt=1)] | None = None
    # factor of each auxiliary head's loss (Szegedy et al. 2015, section 5)
    aux_weight: Annotated[NotNegative, Field(le=10)] = 0.3
    # names of modules or tensors that are not trained: features, layer1.0, conv1.weight
    freeze: Annotated[tuple[Name, ...], Field(max_length=1000, fail_fast=True)] = ()
    # starting weights: a name, a path, or a job's id
    weights: Name | None = None
    # auto is the fastest precision that trains as well on the device
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    # torch.compile: minutes at the start, faster steps on a GPU
    compile: Flag = False
    # seed of initial weights, order of images, augmentation and the held-out split
    seed: Annotated[Integer, Field(ge=0, le=MAX_SEED)] = 0
    # share of the training images that is held out to choose the best epoch, so that the test set stays unseen
    validation_fraction: Annotated[NotNegative, Field(le=0.5)] = 0.1

    @classmethod
    def parse(cls, data: object) -> Self:
        """Returns a recipe from decoded JSON. Missing keys have their defaults.

        Raises:
            InputError: If a value is invalid. Names key, value and rule of the first three faults.
        """
        if not isinstance(data, dict):
            raise InputError(_("recipe: {value} is not a JSON object").format(value=shown(data)))
        if unknown := [key for key in data if key not in cls.model_fields]:
            raise InputError(unknown_key(unknown[0], cls.model_fields))
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(explain_all(error)) from None

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as JSON-ready values."""
        return self.model_dump(mode="json")

    def changed(self, **fields: Any) -> Self:
        """Returns a validated copy with some fields replaced.

        Raises:
            InputError: If the result is invalid.
        """
        return self.parse({**self.to_dict(), **fields})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.optimizer == "nesterov" and self.momentum == 0:
            raise InputError(_("momentum: 0 leaves nesterov nothing to look ahead with; choose sgd, or more momentum"))
        if self.warmup_epochs is not None and self.warmup_epochs >= self.epochs:
            raise InputError(
                _("warmup_epochs: {value} is not below the number of epochs, {epochs:,}").format(
                    value=shown(self.warmup_epochs), epochs=self.epochs
                )
            )
        _check_normalisation(self.mean, self.std)
        _check_augmentations(self.augment or ())
        return self


def _check_normalisation(mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> None:
    if (mean is None) != (std is None):
        missing, given = ("mean", "std") if mean is None else ("std", "mean")
        raise InputError(
            _("{missing}: null while {given} is given; set both, or neither to have them measured").format(
                missing=missing, given=given
            )
        )
    if mean and std and len(mean) != len(std):
        raise InputError(
            ngettext(
                "std: has {count} entry while mean has {expected}; each takes one value, or one per channel",
                "std: has {count} entries while mean has {expected}; each takes one value, or one per channel",
                len(std),
            ).format(count=len(std), expected=len(mean))
        )


def _check_augmentations(names: tuple[str, ...]) -> None:
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(_("augment: {name} occurs twice").format(name=shown(repeated[0])))
    if {"crop", "random_resized_crop"} <= set(names):
        raise InputError(_("augment: crop and random_resized_crop both choose what is seen of an image; keep one"))
