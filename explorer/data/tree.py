"""Which of a source's files are images, of which class and in which split: told by their names alone."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from explorer.data.formats import SUFFIXES
from explorer.data.source import Source
from explorer.errors import InputError, printable, shown
from explorer.i18n import _

INDICES = "class_indices.json"
SPLITS = ("train", "val", "test")
# Other words for these, as in sets that people share.
CALLED = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}
ONE_PIECE = ""  # key of a set that comes without splits
SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Tree:
    """Images by split.

    Attributes:
        classes: names, in the order of the labels.
        splits: names of the files with their labels, by ``train``, ``val``, ``test``, or by ``ONE_PIECE``.
        notes: on files that are not used, and classes that a split lacks.
    """

    classes: tuple[str, ...]
    splits: dict[str, list[tuple[str, int]]]
    notes: tuple[str, ...]


def arrange(source: Source, names: Iterable[str]) -> Tree:
    """Sort files by the folders they lie in, ``split/class/…`` or ``class/…``; other folders may be around these.

    Raises:
        InputError: where no images lie in class folders, a split is missing, classes differ between splits, or a
            ``class_indices.json`` doesn't fit.
    """
    visible = [name for name in names if not _hidden(name)]
    images = {name: path.parts for name in visible if (path := PurePosixPath(name)).suffix.lower() in SUFFIXES}
    depth = _folders_around(list(images.values()))
    inner = {name: parts[depth:] for name, parts in images.items()}
    found, unused = _sorted_into_splits(source.path, inner)
    if not found:
        raise InputError(
            _(
                "{place} has no images in class folders; each class needs a folder of its name, at the top or in "
                "train/ and val/ or test/"
            ).format(place=source.path)
        )
    others = [name for name in visible if name not in images and PurePosixPath(name).name != INDICES]
    notes = [
        text.format(count=len(files), names=some(files))
        for text, files in (
            (_("Files other than images are not used: {names} ({count} in all)."), others),
            (_("Images outside of class folders are not used: {names} ({count} in all)."), unused),
        )
        if files
    ]
    classes = _classes(source, found, [name for name in visible if PurePosixPath(name).name == INDICES])
    notes += _lacking(found, classes)
    index = {name: position for position, name in enumerate(classes)}
    splits = {split: [(name, index[label]) for name, label in files] for split, files in found.items()}
    return Tree(classes, splits, tuple(notes))


def some(names: list[str]) -> str:
    """The first of several names, for a sentence that tells their number as well."""
    return ", ".join([*map(printable, names[:SHOWN]), *(["…"] if len(names) > SHOWN else [])])


def class_indices(classes: Iterable[str]) -> dict[str, str]:
    """Names by position, as ``class_indices.json`` holds them."""
    return {str(position): name for position, name in enumerate(classes)}


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _folders_around(paths: list[tuple[str, ...]]) -> int:
    """How many folders hold all the set, one in another, as in an archive of a folder."""
    depth = 0
    while len({parts[depth] for parts in paths if len(parts) > depth + 1}) == 1 and any(
        len(parts) > depth + 2 for parts in paths
    ):
        depth += 1
    return depth


def _split(parts: tuple[str, ...]) -> str:
    """The split that the outermost folder is called after, if any."""
    return CALLED.get(parts[0].lower(), parts[0].lower())


def _sorted_into_splits(
    place: Path, files: dict[str, tuple[str, ...]]
) -> tuple[dict[str, list[tuple[str, str]]], list[str]]:
    """Names and classes by split, and the names that belong to none."""
    # A class may be called "train" as well: only a split has folders below.
    splits = {_split(parts) for parts in files.values() if len(parts) > 2} & set(SPLITS)
    if splits and ("train" not in splits or len(splits) == 1):
        raise InputError(
            _("{place} has {found}/, but a set in splits needs train/ and val/ or test/").format(
                place=place, found="/, ".join(sorted(splits))
            )
        )
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    unused = []
    for name, parts in files.items():
        split = _split(parts) if splits else ONE_PIECE
        label = parts[1:] if splits else parts
        if len(label) < 2 or (splits and split not in splits):
            unused.append(name)
        else:
            found[split].append((name, label[0]))
    return dict(found), unused


def _classes(source: Source, found: dict[str, list[tuple[str, str]]], indices: list[str]) -> tuple[str, ...]:
    training = {label for _name, label in found.get("train") or found[ONE_PIECE]}
    for split, files in found.items():
        for name, label in files:
            if label not in training:
                raise InputError(
                    _("{place}: the class {label} is in {split}/ but not in train/").format(
                        place=printable(source.path / name), label=shown(label), split=split
                    )
                )
    classes = tuple(sorted(training))
    for name in indices:
        classes = _ordered(classes, source.read(name), source.path / name)
    return classes


def _ordered(classes: tuple[str, ...], text: bytes, place: Path) -> tuple[str, ...]:
    """The classes in the order of a ``class_indices.json``."""
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(_("{place} is not JSON: {reason}").format(place=place, reason=error)) from None
    if not isinstance(wanted, dict) or wanted.keys() != class_indices(classes).keys():
        raise InputError(
            _('{place}: it has to name {count} classes, as {{"0": "first", "1": "second", …}}').format(
                place=place, count=len(classes)
            )
        )
    ordered = tuple(wanted[position] for position in class_indices(classes))
    for name in ordered:
        if name not in classes or ordered.count(name) > 1:
            raise InputError(
                _("{place}: {name} is not the name of one class folder").format(place=place, name=shown(name))
            )
    return ordered


def _lacking(found: dict[str, list[tuple[str, str]]], classes: tuple[str, ...]) -> Iterator[str]:
    for split, files in found.items():
        there = {label for _name, label in files}
        missing = [name for name in classes if name not in there]
        if missing:
            yield _("Classes without images in {split}/: {names} ({count} in all).").format(
                split=split, count=len(missing), names=some(missing)
            )
