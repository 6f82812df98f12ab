"""From labelled images to a data set: the rules that all of the user's own sets share."""

from pathlib import Path

from explorer.data.branches import some
from explorer.data.dataset import Dataset, Split, stratified
from explorer.errors import InputError, readable, shown
from explorer.i18n import _

TEST_FRACTION, SPLIT_SEED = 0.2, 0
UNEQUAL = 10  # times the images of the smallest class, from where on accuracy misleads


def assemble(
    name: str,
    classes: tuple[str, ...],
    channels: int,
    train: Split,
    test: Split | None,
    validation: Split | None,
    notes: list[str],
) -> Dataset:
    """A data set from its splits, or from one that is still to be split: 80 to 20 in every class.

    Colour images pass for photographs, whose mirror images belong to the same class; grey ones may be characters.

    Raises:
        InputError: where there is one class only, or a class or the test set would be empty.
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
    # Where nothing in val/ can be read, a part of the training images stands in for it.
    return Dataset(name, classes, channels, mirrored, train, test, validation or None, tuple(notes))
