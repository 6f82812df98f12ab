"""The tree of folders of images, and the choice of the folders that are classes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from explorer.data.names import folded, to_nfc
from explorer.errors import InputError, printable
from explorer.i18n import _

SHOWN = 3  # names in a sentence
LONGEST = 60  # characters of a name in a sentence


@dataclass
class Branch:
    """A folder and its content; folders whose names differ only in Unicode's form are the same folder.

    Attributes:
        place: Path of the folder, as the first file in it spells it.
        images: Names of the files directly in it.
        folders: Folders in it by name, in Unicode's composed form; each has images somewhere below.
    """

    place: PurePosixPath = field(default_factory=PurePosixPath)
    images: list[str] = field(default_factory=list)
    folders: "dict[str, Branch]" = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Add an image to the folder that its name gives."""
        here = self
        for part in PurePosixPath(name).parts[:-1]:
            here = here.folders.setdefault(to_nfc(part), Branch(here.place / part))
        here.images.append(name)

    def all(self) -> Iterator[str]:
        """All images in the folder and below."""
        yield from self.images
        for folder in self.folders.values():
            yield from folder.all()

    def innermost(self) -> "Branch":
        """The innermost folder that contains all class folders; an archive may contain them in further folders."""
        here = self
        while len(here.folders) == 1 and (only := next(iter(here.folders.values()))).folders:
            here = only
        return here

    def has_class_folders(self) -> bool:
        """Whether it contains folders with images, which may be classes."""
        return bool(self.innermost().folders)


@dataclass(frozen=True)
class Classes:
    """Class folders.

    Attributes:
        branch: Folder that contains them.
        images: Names of the images of each class, including those in deeper folders.
        repeated: Folders next to them that contain the same classes again.
        deep: Class folders with images in deeper folders.
    """

    branch: Branch
    images: dict[str, list[str]]
    repeated: tuple[Branch, ...]
    deep: tuple[Branch, ...]


def classes(root: str, branch: Branch) -> Classes:
    """The class folders in a folder or deeper.

    Args:
        root: Name of the data set in messages.
        branch: Folder to search.

    Raises:
        InputError: If its folders can't be classes, because several of them contain the same folders, or some contain
            images and others only folders.
    """
    branch = branch.innermost()
    folders = branch.folders
    flat = {
        name for name, folder in folders.items() if folder.images or [*map(folded, folder.folders)] == [folded(name)]
    }
    repeated = [
        name
        for name, folder in folders.items()
        if name not in flat and {folded(one) for one in folder.innermost().folders} <= {folded(one) for one in flat}
    ]
    left = {name: folder for name, folder in folders.items() if name not in repeated}
    places = {name: f"{printable(folder.place)}/" for name, folder in left.items()}
    deep = [name for name in left if name not in flat]
    if flat and deep:
        raise InputError(
            _(
                "{place}: the folders can't all be classes, as images lie directly in {flat} and one folder "
                    "deeper in {deep}; put all class folders side by side in one folder, or into folders named train "
                    "and test"
            ).format(place=root, flat=first_names([places[name] for name in left if name in flat]), deep=first_names(
                [places[name] for name in deep]
            ))
        )  # fmt: skip
    holders: dict[str, list[str]] = {}
    for name, folder in left.items():
        for inner in folder.folders:
            holders.setdefault(folded(inner), []).append(name)
    shared = {inner: names for inner, names in holders.items() if len(names) > 1}
    if shared:
        both = next(iter(shared.values()))
        raise InputError(
            _(
                "{place}: {folders} can't be classes, as they hold folders of the same names: {inner}; if these are "
                "the classes, the folders around them have to be named train and test (and val)"
            ).format(place=root, folders=first_names([places[name] for name in both]), inner=first_names(
                [name for name in left[both[0]].folders if folded(name) in shared]
            ))
        )  # fmt: skip
    return Classes(
        branch,
        {name: list(folder.all()) for name, folder in left.items()},
        tuple(folders[name] for name in repeated),
        tuple(folder for folder in left.values() if folder.folders),
    )


def first_names(names: list[str]) -> str:
    """The first of several names, for a sentence that also gives their number."""
    short = (name if len(name) <= LONGEST else f"{name[:LONGEST]}…" for name in map(printable, names[:SHOWN]))
    return ", ".join([*short, *(["…"] if len(names) > SHOWN else [])])
