"""Data sets of labelled images: bundled, downloaded, or the user's own."""

from difflib import get_close_matches
from pathlib import Path

from explorer.data import arrays, digits, users
from explorer.data.archive import Archive
from explorer.data.catalogue import NAMES, CatalogueEntry
from explorer.data.dataset import Dataset, Files, Split
from explorer.data.source import Folder
from explorer.data.tree import arrange, class_indices
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.workers.progress import Progress, silent

__all__ = [
    "NAMES",
    "CatalogueEntry",
    "Dataset",
    "Files",
    "Progress",
    "Split",
    "class_indices",
    "describe",
    "load",
    "locate",
]

LONGEST_PATH = 300  # characters in a message


def load(name: str, progress: Progress = silent) -> Dataset:
    """A data set by name, or from the path of a folder, ``.zip`` or ``.npz``.

    Args:
        name: One of ``NAMES``, or a path.
        progress: Callback that receives the progress of downloading and decoding.

    Raises:
        InputError: If something is missing or breaks a rule; names it and its place.
    """
    if name in NAMES:
        entry = NAMES[name]
        if not entry.source:
            return digits.load(name, mirrored=entry.mirrored)
        from explorer.data import downloads  # not at the top: importing torchvision takes longer than importing torch

        return downloads.load(name, entry, progress)
    path = Path(locate(name))
    if path.is_dir():
        return users.load(name, Folder(path), progress)
    if path.is_file() and path.suffix.lower() == ".npz":  # is_file, because opening a pipe could wait for ever
        return arrays.load(name, path)
    if path.is_file() and path.suffix.lower() == ".zip":
        return users.load(name, Archive(path), progress)
    raise InputError(_("data: {name} is neither a folder nor a .zip or .npz file").format(name=_quoted(name)))


def describe(name: str) -> tuple[str, ...]:
    """Messages about the classes and splits in the user's own data, without decoding an image.

    Args:
        name: Name or path, as in :func:`load`. There are no messages about names in ``NAMES``.

    Raises:
        InputError: If the data break a rule; names the rule and the place.
    """
    path = Path(locate(name))
    if name in NAMES:
        return ()
    if path.is_file() and path.suffix.lower() == ".npz":
        return load(name).notes
    if not (path.is_dir() or path.suffix.lower() == ".zip"):
        return ()
    source = Folder(path) if path.is_dir() else Archive(path)
    listing = source.listing()
    tree = arrange(source, listing.names, listing.empty)
    return (tree.summary, *listing.notes, *tree.notes)


def locate(name: str) -> str:
    """The name or absolute path with which :func:`load` finds a data set from any working directory.

    Raises:
        InputError: If there is no such data set and no such path.
    """
    if name in NAMES:
        return name
    try:
        path = Path(name).expanduser()
        if name and path.exists():
            return str(path.absolute())
    except (OSError, ValueError, RuntimeError):  # no access, a null character, an unknown home folder
        pass
    known = ", ".join(NAMES)
    near = get_close_matches(name.lower(), NAMES, 1)
    if near:
        raise InputError(
            _(
                "data: there is no {name}; did you mean {near}? Known are {known}; the path of a folder, .zip or "
                ".npz also works"
            ).format(name=_quoted(name), near=near[0], known=known)
        )
    raise InputError(
        _("data: there is no {name}; known are {known}, and the path of a folder, .zip or .npz also works").format(
            name=_quoted(name), known=known
        )
    )


def _quoted(name: str) -> str:
    """A path in quotes, shortened if it is too long for a message."""
    return repr(name) if len(name) <= LONGEST_PATH else shown(name)
