"""The rules for all of the user's own data sets: splits, classes and notes."""

from pathlib import Path

from explorer.data.branches import some
from explorer.data.dataset import Dataset, Split, stratified
from explorer.errors import InputError, readable, shown
from explorer.i18n import _

TEST_FRACTION, SPLIT_SEED = 0.2, 0
UNEQUAL = 10  # ratio of the largest to the smallest class beyond which accuracy misleads


def assemble(
    name: str,
    classes: tuple[str, ...],
    channels: int,
    train: Split,
    test: Split | None,
    validation: Split | None,
    notes: list[str],
) -> Dataset:
    """A data set from its splits; without a test split, every class is split 80 to 20.

    Colour images are taken for photographs, whose mirror images belong to the same class; grey ones may be characters.

    Args:
        name: Name or path, as the user gave it.
        classes: Names of the classes, in the order of the labels.
        channels: 1 for grey, 3 for colour.
        train: Images for training, or all images.
        test: Images for the test; None if the set has none.
        validation: Images for choosing between epochs; None if the set has none.
        notes: Messages to the user.

    Raises:
        InputError: If there is only one class, a class has no training images or an invisible name, or the test set is
            empty.
    """
    place = Path(name)
    counts = train.per_class(len(classes))
    small, large = min(counts), max(counts)
    if len(classes) < 2:
        raise InputError(
            _("{place} has one class only, {label}; there is nothing to tell apart").format(
                place=place, label=shown(classes[0])
            )
        )
    for label in classes:
        if not readable(label):
            raise InputError(
                _(
                    "{place}: the name of the class {label} has characters that can't be seen, or that are no UTF-8"
                ).format(place=place, label=shown(label))
            )
    if small == 0:
        raise InputError(
            _("{place}: the class {label} has no images to train with").format(
                place=place, label=shown(classes[counts.index(0)])
            )
        )
    single = [label for label, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        notes = [
            *notes,
            _("Classes with a single image to train with: {names} ({count} in all).").format(
                count=len(single), names=some(single)
            ),
        ]
    if large > UNEQUAL * small:
        notes = [
            *notes,
            _("The classes are very unequal: {largest} has {most} images, {smallest} has {least}.").format(
                largest=classes[counts.index(large)],
                most=large,
                smallest=classes[counts.index(small)],
                least=small,
            ),
        ]
    if test is None:
        chosen, rest = stratified(train.labels, TEST_FRACTION, SPLIT_SEED)
        train, test = train.take(rest), train.take(chosen)
        notes = [
            *notes,
            _(
                "The set brings no labelled test images: {count} of its images, {percent}% of each class, are the "
                "test set."
            ).format(count=len(test), percent=round(100 * TEST_FRACTION)),
        ]
    if len(test) == 0:
        raise InputError(_("{place} has no images to test with").format(place=place))
    mirrored = True if channels == 3 else None
    # If no image in val/ is readable, a part of the training images is held out instead.
    return Dataset(name, classes, channels, mirrored, train, test, validation or None, tuple(notes))
