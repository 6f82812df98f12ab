"""Finds images, classes and splits by the names of files."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from explorer.data import branches
from explorer.data.branches import Branch, Classes, first_names
from explorer.data.formats import SUFFIXES
from explorer.data.labelled import summary
from explorer.data.names import ONE_PIECE, SPLITS, TEST, TRAIN, VAL, folded, is_system_name, split_of, to_nfc, words
from explorer.data.source import Source
from explorer.errors import InputError, printable, shown
from explorer.i18n import _, ngettext

INDICES = "class_indices.json"
HOLDERS = {"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "masks", "data"}  # not classes
TABLES = {".csv", ".tsv", ".txt", ".json", ".xml", ".xlsx", ".xls", ".mat", ".parquet", ".yaml", ".yml"}
PACKED = {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".npz"}


@dataclass(frozen=True)
class Tree:
    """Images by split.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        splits: Names of the files with their labels, by ``train``, ``val``, ``test``, or by ``ONE_PIECE``.
        summary: Message about the classes and splits.
        notes: Messages about unused files, and about classes without images in a split.
    """

    classes: tuple[str, ...]
    splits: dict[str, list[tuple[str, int]]]
    summary: str
    notes: tuple[str, ...]


@dataclass
class _Arrangement:
    """The class folders of each split, and the folders that are not used.

    Attributes:
        splits: Class folders by split, or by ``ONE_PIECE``.
        unlabelled: Folders with the name of a split and none of the classes.
        unknown: Folders next to the splits with other names.
        more: Further folders with the name of a split, which are not used.
        renamed: Names of classes in the training set by the spelling in another split.
    """

    splits: dict[str, Classes]
    unlabelled: list[Branch] = field(default_factory=list)
    unknown: list[Branch] = field(default_factory=list)
    more: list[Branch] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def arrange(source: Source, names: Iterable[str], empty: Sequence[str] = ()) -> Tree:
    """Sort files by their folders: splits with class folders, or only class folders, at any depth.

    Args:
        source: Source of the files.
        names: Names of the files with their folders.
        empty: Folders without files.

    Raises:
        InputError: If the images are in no class folders, the folders are no classes, there is only one class, the
            training images are missing, classes differ between splits, or a ``class_indices.json`` doesn't fit.
    """
    place = str(source.path)
    visible, system_files = [], []
    for name in names:
        parts = PurePosixPath(name).parts
        if any(map(is_system_name, parts)):
            if any(map(is_system_name, parts[:-1])) and _is_image(name) and not parts[-1].startswith("._"):
                system_files.append(name)
        else:
            visible.append(name)
    root = Branch()
    for name in visible:
        if _is_image(name):
            root.add(name)
    others = [name for name in visible if not _is_image(name) and PurePosixPath(name).name != INDICES]
    found = _arranged(place, root, others)
    labelled = {split: _labelled(part) for split, part in found.splits.items()}
    _match_classes(source, found, labelled)
    classes = _classes(source, labelled, [name for name in visible if PurePosixPath(name).name == INDICES])
    if len(classes) == 1:
        raise InputError(
            _(
                "{place} has one class only, {label} (images: {count}); there is nothing to tell apart: each class "
                "needs a folder of its name. {more}"
            ).format(
                place=place, label=shown(classes[0]), count=len(list(root.all())), more=_unread_files(others)
            ).strip()
        )  # fmt: skip
    index = {name: position for position, name in enumerate(classes)}
    splits = {
        split: [(name, index[found.renamed.get(label, label)]) for name, label in files]
        for split, files in labelled.items()
    }
    used = {name for files in splits.values() for name, _label in files}
    notes = [
        *_unused_images(root, used, found),
        *_note(_("Files other than images are not used: {names} ({count} in all)."), others),
        *_note(_("Files of the operating system or of other programs are not used: {names} ({count} in all)."),
               system_files),
        *_note(_("Folders without images: {names} ({count} in all)."), _empty(root, empty)),
        *_class_notes(found, splits, classes),
    ]  # fmt: skip
    return Tree(classes, splits, _summary(found, splits, classes), tuple(notes))


def class_indices(classes: Iterable[str]) -> dict[str, str]:
    """Names of classes by position, as in ``class_indices.json``."""
    return {str(position): name for position, name in enumerate(classes)}


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _note(sentence: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield sentence.format(count=len(names), names=first_names(list(names)))


def _arranged(place: str, root: Branch, others: Sequence[str]) -> _Arrangement:
    """The splits of a set, or the class folders of a set without splits."""
    holders = _split_parents(root)
    if len(holders) > 1:
        raise InputError(
            _("{place} holds several sets with splits: {places}; choose one of these folders").format(
                place=place, places=first_names([f"{holder.place}/" for holder in holders])
            )
        )
    if holders:
        return _arranged_in_splits(place, root, holders[0])
    folders = root.innermost().folders
    if not folders:
        raise InputError(_no_class_folders(place, root, others))
    roles = {name: split_of(name) or (folded(name) if folded(name) in HOLDERS else None) for name in folders}
    found_roles = set(roles.values())
    named = [f"{printable(folder.place)}/" for name, folder in folders.items() if roles[name]]
    if len(named) > 1 and len(found_roles - {None}) > 1 and (TRAIN in found_roles or len(named) == len(folders)):
        flat = not any(folder.folders for folder in folders.values())
        if flat:
            raise InputError(
                _(
                    "{place}: {folders} hold images and no class folders; each class needs a folder of its name in "
                    "them, as train/CLASS/image.png. {more}"
                ).format(place=place, folders=first_names(named), more=_unread_files(others)).strip()
            )  # fmt: skip
        if TRAIN not in found_roles:
            raise InputError(
                _("{place} has {folders}, but no folder with class folders to train with, such as train/").format(
                    place=place, folders=first_names(named)
                )
            )
    return _Arrangement({ONE_PIECE: branches.classes(place, root)})


def _no_class_folders(place: str, root: Branch, others: Sequence[str]) -> str:
    sentence = _(
        "{place} has no images in class folders; each class needs a folder of its name, at the top or in train/ and "
        "val/ or test/. {found}"
    )
    images = list(root.all())
    if images:
        found = _("Images that lie directly in {folder}: {images}. {more}").format(
            images=len(images), folder=f"{root.innermost().place / 'x'}"[:-1] or _("the top folder"),
            more=_unread_files(others),
        )  # fmt: skip
    else:
        found = _unread_files(others)
    return sentence.format(place=place, found=found).strip()


def _unread_files(others: Sequence[str]) -> str:
    """The message about other files that may hold images or labels and are not read; empty if there are none."""
    packed = [name for name in others if PurePosixPath(name).suffix.lower() in PACKED]
    if packed:
        return _("Archives in it are not opened: {names}.").format(names=first_names(packed))
    tables = [name for name in others if PurePosixPath(name).suffix.lower() in TABLES]
    return _("Labels in files are not read: {names}.").format(names=first_names(tables)) if tables else ""


def _split_parents(root: Branch) -> list[Branch]:
    """The outermost folders that contain splits."""
    level = [root]
    while level:
        if holders := [branch for branch in level if _holds_splits(branch)]:
            return holders
        level = [folder for branch in level for folder in branch.folders.values()]
    return []


def _holds_splits(branch: Branch) -> bool:
    """Whether a folder contains splits: a training folder with class folders, and other folders that fit it."""
    trains = [name for name in branch.folders if split_of(name) == TRAIN]
    if not trains or not all(branch.folders[name].has_class_folders() for name in trains):
        return False
    others = [name for name in branch.folders if name not in trains]
    if not others:
        return True
    labels = {folded(label) for name in trains for label in branch.folders[name].innermost().folders}
    return any(
        split_of(name) not in (TRAIN, None) or labels & set(map(folded, branch.folders[name].innermost().folders))
        for name in others
    )


def _arranged_in_splits(place: str, root: Branch, holder: Branch) -> _Arrangement:
    found = _Arrangement({})
    by_split: dict[str, list[Branch]] = {}
    for name, folder in holder.folders.items():
        if split := split_of(name):
            by_split.setdefault(split, []).append(folder)
        else:
            found.unknown.append(folder)
    if list(by_split) == [TRAIN]:  # the other splits may be in another folder
        for folder in _other_splits(root, holder):
            by_split.setdefault(split_of(folder.place.name) or TRAIN, []).append(folder)
    classes: set[str] = set()
    for split in SPLITS:  # the training set comes first, because it defines the classes
        candidates = []
        for folder in by_split.get(split, []):
            labels = {folded(label) for label in folder.innermost().folders}
            if folder.has_class_folders() and (split == TRAIN or labels & classes):
                candidates.append(folder)
            else:
                found.unlabelled.append(folder)
        if not candidates:
            continue
        candidates.sort(key=lambda folder: (len(words(folder.place.name)), folder.place))
        first, *rest = candidates
        if rest and len(words(rest[0].place.name)) == len(words(first.place.name)):
            raise InputError(
                _("{place} has several folders for the same split: {folders}; keep only one of them").format(
                    place=place, folders=first_names([f"{folder.place}/" for folder in candidates])
                )
            )
        found.more += rest
        found.splits[split] = branches.classes(place, first)
        classes = classes or {folded(label) for label in found.splits[TRAIN].images}
    if len(found.splits) == 1:
        found.splits = {ONE_PIECE: found.splits[TRAIN]}
    return found


def _other_splits(branch: Branch, holder: Branch) -> Iterator[Branch]:
    """Folders of the validation and test set outside of ``holder``, the folder of the training set."""
    for name, folder in branch.folders.items():
        if folder is not holder:
            if split_of(name) not in (TRAIN, None):
                yield folder
            else:
                yield from _other_splits(folder, holder)


def _labelled(part: Classes) -> list[tuple[str, str]]:
    return sorted((name, label) for label, names in part.images.items() for name in names)


def _match_classes(source: Source, found: _Arrangement, labelled: dict[str, list[tuple[str, str]]]) -> None:
    """Check that the training set has every class, and record other spellings in ``found.renamed``.

    Raises:
        InputError: If the training set lacks a class; names it.
    """
    training = next(iter(found.splits.values())).images
    spelled: dict[str, list[str]] = {}
    for label in training:
        spelled.setdefault(folded(label), []).append(label)
    for split, files in labelled.items():
        for name, label in files:
            if label in training or label in found.renamed:
                continue
            spellings = spelled.get(folded(label), [])
            if len(spellings) != 1:
                raise InputError(
                    _("{place}: the class {label} is in {split}/ but not in train/").format(
                        place=printable(source.path / name), label=shown(label), split=split
                    )
                )
            found.renamed[label] = spellings[0]


def _classes(source: Source, labelled: dict[str, list[tuple[str, str]]], indices: list[str]) -> tuple[str, ...]:
    classes = tuple(sorted({label for _name, label in labelled.get(TRAIN) or labelled[ONE_PIECE]}))
    for name in indices:
        classes = _ordered(classes, source.read(name), source.path / name)
    return classes


def _ordered(classes: tuple[str, ...], text: bytes, place: Path) -> tuple[str, ...]:
    """The classes in the order of a ``class_indices.json``.

    Raises:
        InputError: If the file does not name exactly these classes.
    """
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(_("{place} is not JSON: {reason}").format(place=place, reason=error)) from None
    if not isinstance(wanted, dict) or wanted.keys() != class_indices(classes).keys():
        raise InputError(
            ngettext(
                '{place}: it has to name {count} class, as {{"0": "first", "1": "second", …}}',
                '{place}: it has to name {count} classes, as {{"0": "first", "1": "second", …}}',
                len(classes),
            ).format(place=place, count=len(classes))
        )
    ordered = tuple(
        to_nfc(name) if isinstance(name := wanted[position], str) else name for position in class_indices(classes)
    )
    for name in ordered:
        if name not in classes or ordered.count(name) > 1:
            raise InputError(
                _("{place}: {name} is not the name of one class folder").format(place=place, name=shown(name))
            )
    return ordered


def _unused_images(root: Branch, used: set[str], found: _Arrangement) -> Iterator[str]:
    """Notes about unused images: their folders, and the reasons."""
    reported: set[str] = set()
    reasons = [
        (_("Left out, as it has no class folders that give the labels: {folder} (images: {count})."), found.unlabelled),
        (_("Left out, as its name is not that of a split: {folder} (images: {count})."), found.unknown),
        (_("Left out, as another folder is used for this split: {folder} (images: {count})."), found.more),
        (
            _("Left out, as it repeats the class folders next to it: {folder} (images: {count})."),
            [folder for part in found.splits.values() for folder in part.repeated],
        ),
    ]
    for sentence, folders in reasons:
        for folder in folders:
            names = set(folder.all())
            reported |= names
            yield sentence.format(folder=f"{printable(folder.place)}/", count=len(names))
    outside = [name for name in root.all() if name not in used and name not in reported]
    yield from _note(_("Images outside of class folders are not used: {names} ({count} in all)."), sorted(outside))


def _empty(root: Branch, empty: Sequence[str]) -> list[str]:
    """Empty folders that may be intended as classes or splits; folders of systems are left out."""
    if not root.folders:
        return []
    return [f"{name}/" for name in empty if not any(map(is_system_name, PurePosixPath(name).parts))]


def _class_notes(
    found: _Arrangement, splits: dict[str, list[tuple[str, int]]], classes: tuple[str, ...]
) -> Iterator[str]:
    if found.renamed:
        pairs = [f"{printable(other)} → {printable(label)}" for other, label in sorted(found.renamed.items())]
        yield _(
            "Classes that are spelled differently than in the training set are matched to its classes: {names}."
        ).format(names=first_names(pairs))
    deep = [f"{folder.place}/" for part in found.splits.values() for folder in part.deep]
    yield from _note(_("Folders in class folders count as parts of these classes: in {names} ({count} in all)."), deep)
    for split, files in splits.items():
        there = {label for _name, label in files}
        missing = [name for position, name in enumerate(classes) if position not in there]
        if missing:
            yield _("Classes without images in {split}/: {names} ({count} in all).").format(
                split=split, count=len(missing), names=first_names(missing)
            )


def _summary(found: _Arrangement, splits: dict[str, list[tuple[str, int]]], classes: tuple[str, ...]) -> str:
    sentences = {
        ONE_PIECE: _("All images: {count:,}, in {folder}."),
        TRAIN: _("Training images: {count:,}, in {folder}."),
        VAL: _("Validation images: {count:,}, in {folder}."),
        TEST: _("Test images: {count:,}, in {folder}."),
    }
    lines = [
        sentences[split].format(count=len(files), folder=_place(found.splits[split].branch))
        for split, files in splits.items()
    ]
    return summary(classes, lines)


def _place(branch: Branch) -> str:
    return f"{printable(branch.place)}/" if branch.place.parts else _("the top folder")
