"""How a network is trained: one frozen recipe, and what makes sense in it."""

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
Whole = Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
Optimizer = Literal["sgd", "nesterov", "adam", "adamw"]
OPTIMIZERS: dict[Optimizer, str] = {"sgd": "SGD", "nesterov": "Nesterov", "adam": "Adam", "adamw": "AdamW"}  # titles
Augmentation = Literal["flip", "crop", "random_resized_crop", "rotation", "cutout", "noise", "permute_pixels"]
# Of pixels in [0, 1]: a mean of 127.5 or a std of 0 is a slip.
MIN_STD = 0.001
Mean = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Std = Annotated[float, Field(strict=True, ge=MIN_STD, le=1, allow_inf_nan=False)]


class Recipe(BaseModel):
    """Everything that decides a training run besides network and data; the defaults are the recipe ``default``.

    Keys that the chosen optimizer or schedule has no use for are kept and change nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # nesterov is SGD that looks ahead; adamw decays weights apart from the gradient (Loshchilov and Hutter 2019)
    optimizer: Optimizer = "adamw"
    # the highest rate of the run; schedules and warm-up go below it
    lr: Annotated[Positive, Field(le=10)] = 1e-3
    # of SGD, or beta1 of Adam: how much of the last steps goes on
    momentum: Probability = 0.9
    # pulls every weight to zero, against overfitting
    weight_decay: Annotated[NotNegative, Field(le=1)] = 0.3
    # how the rate falls: cosine and onecycle by the step, step and plateau by the epoch
    schedule: Literal["constant", "step", "plateau", "cosine", "onecycle"] = "onecycle"
    # schedule step: epochs between two drops
    step_size: Annotated[Whole, Field(ge=1, le=MAX_EPOCHS)] = 10
    # schedules step and plateau: what a drop leaves of the rate
    gamma: Annotated[Positive, Field(lt=1)] = 0.1
    # schedule plateau: epochs without progress before a drop
    patience: Annotated[Whole, Field(ge=0, le=MAX_EPOCHS)] = 3
    # schedule plateau: the fraction of the best loss so far that counts as progress
    threshold: Probability = 1e-4
    # the rate's way up, which large rates need; null is 30% of a onecycle run and none elsewhere
    warmup_epochs: NotNegative | None = None
    # passes over the training images; every schedule fits this number
    epochs: Annotated[Whole, Field(ge=1, le=MAX_EPOCHS)] = 30
    # images in a step, over all processes
    batch_size: Annotated[Whole, Field(ge=1, le=MAX_BATCH)] = 64
    # random changes of training images; null is what suits the data set
    augment: Annotated[tuple[Augmentation, ...], Field(max_length=7, fail_fast=True)] | None = None
    # augmentation rotation: degrees, to either side at most
    rotation_degrees: Annotated[Positive, Field(le=180)] = 15.0
    # augmentation noise: standard deviation of what is added to pixels that go from 0 to 1
    noise_std: Annotated[Positive, Field(le=1)] = 0.1
    # normalisation, one value or one a channel; null is measured on the training images
    mean: Annotated[tuple[Mean, ...], Field(min_length=1, max_length=1024, fail_fast=True)] | None = None
    std: Annotated[tuple[Std, ...], Field(min_length=1, max_length=1024, fail_fast=True)] | None = None
    # weights at the start: PyTorch's own, He et al. 2015, He for convolutions and N(0, 0.01) for linear layers, or
    # N(0, 0.01) for all
    init: Literal["default", "he", "he_conv", "normal"] = "he"
    # probability taken from the true class and shared by all, against overconfidence
    label_smoothing: Probability = 0.1
    # longest gradient, as its L2 norm: longer ones are shortened, against explosion
    clip_norm: Annotated[Positive, Field(le=1e6)] | None = 1.0
    # largest number in a gradient: what is beyond it, on either side of 0, is set to it
    clip_value: Annotated[Positive, Field(le=1e6)] | None = None
    # decay of a running average of the weights, which is then what is evaluated and kept
    ema: Annotated[Positive, Field(lt=1)] | None = None
    # share of each auxiliary head's loss (Szegedy et al. 2015, section 5)
    aux_weight: Annotated[NotNegative, Field(le=10)] = 0.3
    # parts that keep their weights, by name: features, layer1.0, conv1.weight
    freeze: Annotated[tuple[Name, ...], Field(max_length=1000, fail_fast=True)] = ()
    # starting weights: a name, a path, or a job's id
    weights: Name | None = None
    # auto is the fastest that trains as well on the device
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    # torch.compile: minutes at the start, faster steps on a GPU
    compile: Flag = False
    # of weights, order, augmentation and the held-out split
    seed: Annotated[Whole, Field(ge=0, le=MAX_SEED)] = 0
    # held out of the training images to choose the best epoch, so that the test set stays unseen
    validation_fraction: Annotated[NotNegative, Field(le=0.5)] = 0.1

    @classmethod
    def parse(cls, data: object) -> Self:
        """A recipe from decoded JSON; keys left out have their defaults.

        Raises:
            InputError: naming key, value and rule of the first three faults.
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
        """The recipe as JSON-ready values."""
        return self.model_dump(mode="json")

    def changed(self, **fields: Any) -> Self:
        """A validated copy with some fields replaced.

        Raises:
            InputError: where the result breaks a rule.
        """
        return self.parse({**self.to_dict(), **fields})

    @model_validator(mode="after")
    def _fits(self) -> Self:
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
                "std: has {count} entry while mean has {expected}; each takes one value, or one a channel",
                "std: has {count} entries while mean has {expected}; each takes one value, or one a channel",
                len(std),
            ).format(count=len(std), expected=len(mean))
        )


def _check_augmentations(names: tuple[str, ...]) -> None:
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(_("augment: {name} stands twice").format(name=shown(repeated[0])))
    if {"crop", "random_resized_crop"} <= set(names):
        raise InputError(_("augment: crop and random_resized_crop both choose what is seen of an image; keep one"))
