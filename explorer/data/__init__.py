"""Labelled images: bundled, downloaded, or the user's own."""

from difflib import get_close_matches
from pathlib import Path

from explorer.data import arrays, digits, users
from explorer.data.archive import Archive
from explorer.data.catalogue import NAMES, Entry
from explorer.data.dataset import Dataset, Files, Split
from explorer.data.source import Folder
from explorer.data.tree import arrange, class_indices
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.workers.progress import Progress, silent

__all__ = ["NAMES", "Dataset", "Entry", "Files", "Progress", "Split", "class_indices", "load", "locate", "understood"]

LONGEST_PATH = 300  # characters in a message


def load(name: str, progress: Progress = silent) -> Dataset:
    """A data set by name, or from the path of a folder, ``.zip`` or ``.npz``.

    Args:
        name: one of ``NAMES``, or a path.
        progress: told how far downloading and decoding are.

    Raises:
        InputError: naming what is missing or breaks a rule, and where.
    """
    if name in NAMES:
        entry = NAMES[name]
        if not entry.source:
            return digits.load(name, mirrored=entry.mirrored)
        from explorer.data import downloads  # with torchvision, which takes longer to import than torch

        return downloads.load(name, entry, progress)
    path = Path(locate(name))
    if path.is_dir():
        return users.load(name, Folder(path), progress)
    if path.is_file() and path.suffix.lower() == ".npz":  # opening a pipe would wait for ever
        return arrays.load(name, path)
    if path.is_file() and path.suffix.lower() == ".zip":
        return users.load(name, Archive(path), progress)
    raise InputError(_("data: {name} is neither a folder nor a .zip or .npz file").format(name=_quoted(name)))


def understood(name: str) -> tuple[str, ...]:
    """What a folder, an archive or arrays are taken for, in sentences, without decoding an image.

    Args:
        name: as :func:`load` takes it; nothing is said of other sets.

    Raises:
        InputError: naming what breaks a rule, and where.
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
    return (tree.understood, *listing.notes, *tree.notes)


def locate(name: str) -> str:
    """The name of a data set as it is, a path as an absolute one: what :func:`load` understands in any folder.

    Raises:
        InputError: where there is no such set and no such path.
    """
    if name in NAMES:
        return name
    try:
        path = Path(name).expanduser()
        if name and path.exists():
            return str(path.absolute())
    except (OSError, ValueError, RuntimeError):  # no access, a null character, a home that nobody has
        pass
    known = ", ".join(NAMES)
    near = get_close_matches(name.lower(), NAMES, 1)
    if near:
        raise InputError(
            _(
                "data: there is no {name}; did you mean {near}? Known are {known}; the path of a folder, .zip or .npz "
                "does as well"
            ).format(name=_quoted(name), near=near[0], known=known)
        )
    raise InputError(
        _("data: there is no {name}; known are {known}, and the path of a folder, .zip or .npz does as well").format(
            name=_quoted(name), known=known
        )
    )


def _quoted(name: str) -> str:
    """A path in full, where a line has room for it."""
    return repr(name) if len(name) <= LONGEST_PATH else shown(name)
