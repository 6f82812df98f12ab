"""Adapts network, recipe and data to each other, and describes the changes in sentences."""

from dataclasses import replace

from explorer.data.altered import plant_patches, randomise_labels
from explorer.data.dataset import Dataset
from explorer.data.preprocessing import Preprocessing, channel_statistics
from explorer.families import Spec
from explorer.i18n import _, ngettext
from explorer.jobs.job import Job
from explorer.recipes.recipe import Recipe
from explorer.training.start import starting_preprocessing

PHOTOGRAPHS = ("flip", "crop")
CHARACTERS = ()  # a mirrored digit is another digit or none, and small networks profit from a fixed position


def fit_job(job: Job, dataset: Dataset) -> tuple[Job, Dataset, tuple[str, ...]]:
    """Adapts a job to its data, and the data to the job.

    Returns:
        The job with adapted spec and recipe, the adapted data, and sentences about the changes.

    Raises:
        InputError: If job and data can't be made to fit.
    """
    recipe = job.recipe
    dataset = randomise_labels(dataset, recipe.random_labels, recipe.seed)
    dataset = plant_patches(dataset, recipe.patch, recipe.patch_shows, recipe.seed)
    spec, dataset, notes = adapt(job.spec, dataset, keep_channels=recipe.weights is not None)
    dataset = dataset.hold_out(recipe.validation_fraction, recipe.seed)
    recipe, more = complete_recipe(recipe, dataset, starting_preprocessing(recipe))
    return replace(job, spec=spec, recipe=recipe), dataset, (*notes, *more)


def preprocessing_of(job: Job) -> Preprocessing:
    """Returns the preprocessing of each image for an adapted job, in training and in prediction."""
    recipe = job.recipe
    permutation = recipe.seed if "permute_pixels" in (recipe.augment or ()) else None
    return Preprocessing(job.spec.image_size, recipe.mean or (), recipe.std or (), permutation)


def adapt(spec: Spec, dataset: Dataset, *, keep_channels: bool) -> tuple[Spec, Dataset, list[str]]:
    """Adapts spec and data to each other.

    Args:
        spec: Spec of the job.
        dataset: Data of the job.
        keep_channels: Convert the images to grey or colour instead of changing the network's first layer.

    Returns:
        The spec, the data, and sentences about the changes.

    Raises:
        InputError: If the network can't have that many classes.
    """
    notes = list(dataset.notes)
    classes = len(dataset.classes)
    if spec.num_classes != classes:
        notes.append(
            ngettext(
                "The network has {classes:,} class, like the data; the spec had {former:,}.",
                "The network has {classes:,} classes, like the data; the spec had {former:,}.",
                classes,
            ).format(classes=classes, former=spec.num_classes)
        )
        spec = spec.changed(num_classes=classes)
    if spec.in_channels == dataset.channels:
        return spec, dataset, notes
    if keep_channels or not spec.any_channels:
        notes.append(
            ngettext(
                "The images are given to the network with {channels:,} channel; the data has {former}.",
                "The images are given to the network with {channels:,} channels; the data has {former}.",
                spec.in_channels,
            ).format(channels=spec.in_channels, former=dataset.channels)
        )
        return spec, dataset.recoloured(spec.in_channels), notes
    notes.append(
        ngettext(
            "The network takes images of {channels:,} channel, like the data; the spec had {former:,}.",
            "The network takes images of {channels:,} channels, like the data; the spec had {former:,}.",
            dataset.channels,
        ).format(channels=dataset.channels, former=spec.in_channels)
    )
    return spec.changed(in_channels=dataset.channels), dataset, notes


def augmentations(recipe: Recipe, mirrored: bool | None) -> tuple[str, ...]:
    """Returns the augmentations of a run: the recipe's own, or those that suit the data.

    Leaves out mirroring if a mirror image belongs to another class.

    Args:
        recipe: Recipe of the run.
        mirrored: Whether a mirror image belongs to the same class. None if unknown.
    """
    if recipe.augment is None:
        return PHOTOGRAPHS if mirrored else CHARACTERS
    return tuple(name for name in recipe.augment if name != "flip" or mirrored is not False)


def flip_notes(recipe: Recipe, mirrored: bool | None) -> list[str]:
    """Returns sentences about a recipe's flips that a user should know."""
    if mirrored or "flip" not in (recipe.augment or ()):
        return []
    if mirrored is None:
        return [
            _(
                "The recipe mirrors half of the images. These are grey: if they show characters, a mirror image "
                "is another character or none, and flip should be removed from augment."
            )
        ]
    return [
        _(
            "The recipe's flip is left out: a mirrored digit is another digit or none. The recipe r3-mnist is "
            "made for digits."
        )
    ]


def complete_recipe(recipe: Recipe, dataset: Dataset, former: Preprocessing | None = None) -> tuple[Recipe, list[str]]:
    """Completes a recipe: sets the fields that depend on the data.

    Args:
        recipe: Recipe of the job.
        dataset: Data as the network takes it.
        former: Preprocessing with which the starting weights were trained. It is used if the recipe has no mean of its
            own.

    Returns:
        The recipe, and sentences about the choices.
    """
    augment, notes = augmentations(recipe, dataset.mirrored), flip_notes(recipe, dataset.mirrored)
    if recipe.augment is None and augment:
        notes.append(_("Augmentation that suits the data: {names}.").format(names=", ".join(augment)))
    recipe = recipe.changed(augment=augment)
    if recipe.mean is not None and len(recipe.mean) not in (1, dataset.channels):
        notes.append(
            ngettext(
                "The recipe's mean and std are for {count} channel: those of the data are used.",
                "The recipe's mean and std are for {count} channels: those of the data are used.",
                len(recipe.mean),
            ).format(count=len(recipe.mean))
        )
        recipe = recipe.changed(mean=None, std=None)
    if former and (recipe.mean is None or recipe.std is None) and len(former.mean) in (1, dataset.channels):
        recipe = recipe.changed(mean=former.mean, std=former.std)
        notes.append(
            _("Mean and standard deviation are those of the starting weights: {mean} and {std}.").format(
                mean=format_values(former.mean), std=format_values(former.std)
            )
        )
    if recipe.mean is None or recipe.std is None:
        mean, std = channel_statistics(dataset.train)
        return recipe.changed(mean=mean, std=std), notes
    each = dataset.channels // len(recipe.mean)
    recipe = recipe.changed(mean=recipe.mean * each, std=recipe.std * each)
    if former and (note := normalisation_note(recipe, former)):
        notes.append(note)
    return recipe, notes


def normalisation_note(recipe: Recipe, former: Preprocessing) -> str:
    """Returns a sentence if the recipe normalises images differently from the starting weights. Otherwise empty."""
    if recipe.mean is None or recipe.std is None:
        return ""

    def spread(values: tuple[float, ...]) -> tuple[float, ...]:
        return values * 3 if len(values) == 1 else values

    if (spread(recipe.mean), spread(recipe.std)) == (spread(former.mean), spread(former.std)):
        return ""
    return _(
        "The starting weights were trained on images normalised with mean {mean} and standard deviation {std}; "
            "this recipe has {own_mean} and {own_std}."
    ).format(
        mean=format_values(former.mean), std=format_values(former.std), own_mean=format_values(recipe.mean),
        own_std=format_values(recipe.std),
    )  # fmt: skip


def format_values(values: tuple[float, ...]) -> str:
    """Returns numbers as text, with commas between them."""
    return ", ".join(f"{value:g}" for value in values)
