"""Rules for all data sets of users: splits, classes and notes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from explorer.data.branches import first_names
from explorer.data.dataset import Dataset, Split, stratified
from explorer.data.names import ONE_PIECE, TEST, TRAIN, VAL
from explorer.errors import InputError, readable, shown
from explorer.i18n import _, ngettext

TEST_FRACTION, SPLIT_SEED = 0.2, 0
UNEQUAL = 10  # accuracy misleads beyond this ratio of the largest class to the smallest


def summary(classes: Sequence[str], splits: Iterable[str]) -> str:
    """The message about the classes and splits of a data set.

    Args:
        classes: Names of the classes.
        splits: Messages about the splits.
    """
    sentence = ngettext("Found {count:,} class: {names}.", "Found {count:,} classes: {names}.", len(classes))
    return " ".join([sentence.format(count=len(classes), names=first_names(list(classes))), *splits])


def assemble(
    name: str, classes: tuple[str, ...], channels: int, splits: Mapping[str, Split], notes: Sequence[str]
) -> Dataset:
    """A data set from its splits. Without validation and test images, a fifth of every class is the test set.

    Validation images without test images are the test set. Colour images are taken for photographs, whose mirror images
    belong to the same class; grey ones may be characters.

    Args:
        name: Name or path, as the user gave it.
        classes: Names of the classes, in the order of the labels.
        channels: 1 for grey, 3 for colour.
        splits: Images by ``train``, ``val`` and ``test``, or by ``ONE_PIECE``.
        notes: Messages to the user.

    Raises:
        InputError: If there is only one class, a class has no training images or an invisible name, or the test set is
            empty.
    """
    place, notes = Path(name), list(notes)
    train = splits[ONE_PIECE if ONE_PIECE in splits else TRAIN]
    test = splits.get(TEST, splits.get(VAL))
    validation = splits.get(VAL) if TEST in splits else None
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
                _("{place}: the name of the class {label} has invisible characters, or is not valid UTF-8").format(
                    place=place, label=shown(label)
                )
            )
    if small == 0:
        raise InputError(
            _("{place}: the class {label} has no images to train with").format(
                place=place, label=shown(classes[counts.index(0)])
            )
        )
    single = [label for label, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        notes.append(
            _("Classes with a single image to train with: {names} ({count} in all).").format(
                count=len(single), names=first_names(single)
            )
        )
    if large > UNEQUAL * small:
        notes.append(
            _("The classes are very unequal: {largest} has {most} images, {smallest} has {least}.").format(
                largest=classes[counts.index(large)], most=large, smallest=classes[counts.index(small)], least=small
            )
        )
    if test is None:
        chosen, rest = stratified(train.labels, TEST_FRACTION, SPLIT_SEED)
        train, test = train.take(rest), train.take(chosen)
        notes.append(
            _(
                "The data set has no labelled test images: {count} of its images, {percent}% of each class, are "
                "used as the test set."
            ).format(count=len(test), percent=round(100 * TEST_FRACTION))
        )
    if len(test) == 0:
        raise InputError(_("{place} has no images to test with").format(place=place))
    mirrored = True if channels == 3 else None
    # If no image in val/ is readable, a part of the training images is held out instead.
    return Dataset(name, classes, channels, mirrored, train, test, validation or None, tuple(notes))
