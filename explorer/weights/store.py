"""The weights store: a folder of named weights, for imports and published weights of jobs.

Every change holds the store's lock. So if two processes want the same name, one gets it and the other gets an error.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from filelock import FileLock, Timeout

from explorer import access, logs
from explorer.errors import InputError, printable, shown
from explorer.i18n import _
from explorer.jobs import quota
from explorer.jobs.store import ACTIVE, store
from explorer.settings import settings
from explorer.weights.files import check_card_path, is_card, prepare_for_publication, read, save
from explorer.weights.heads import with_convolutions
from explorer.weights.registry import SUFFIX, Origin, RegistryEntry, entries

LOCK = ".lock"
LOCK_TIMEOUT = 60.0  # seconds; others may write large files
MAX_NAME_LENGTH = 80

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # reserved on Windows, with any suffix


@contextmanager
def reserve(name: str) -> Iterator[Path]:
    """Reserves a name and yields the path for a new weights file. Nobody else can take the name meanwhile.

    The file belongs to the user who writes it.

    Raises:
        AccessError: If this user may write none.
        InputError: If the name breaks a rule or is taken, or the file can't be written.
    """
    access.check()
    quota.check_bytes()
    with _locked() as folder:
        check(name)
        check_card_path(path := folder / f"{name}{SUFFIX}")
        yield path
        with _translated_errors(folder):
            access.take(path)
    logs.event("weights added", name=name, user=access.actor().email)


def publish(job: str, name: str, *, half: bool = False, terms: str | None = None) -> Path:
    """Copies a job's best weights to the store, where they stay when the run is deleted.

    Args:
        job: Id of the job.
        name: Name of the copy.
        half: Whether to round to float16.
        terms: License for the card.

    Returns:
        Path of the new file.

    Raises:
        InputError: If there are no such weights, the name breaks a rule or is taken, or the file can't be written.
    """
    source = _entry(job)
    if source.origin is not Origin.JOB:
        raise InputError(_("{name} are not weights of a run: only those can be published").format(name=job))
    with reserve(name) as path, _translated_errors(path.parent):
        save(path, *prepare_for_publication(source.path, half=half, terms=terms))
    return path


def convert_head(source: Path, name: str) -> Path:
    """Stores a copy of weights with the dense head converted to convolutions, which takes images of any size.

    Args:
        source: Weights file.
        name: Name of the copy.

    Returns:
        Path of the new file.

    Raises:
        InputError: If the head can't be converted, the name breaks a rule or is taken, or the file can't be written.
    """
    converted = with_convolutions(*read(source))
    with reserve(name) as path, _translated_errors(path.parent):
        save(path, *converted)
    return path


def rename(old: str, new: str) -> Path:
    """Renames imported or published weights. Their card stays the same.

    Returns:
        Path of the renamed file.

    Raises:
        AccessError: If they belong to another user.
        InputError: If they may not be changed, are missing or in use by a job, or the name breaks a rule or is taken.
    """
    with _locked() as folder:
        source = _changeable_entry(old).path
        check(new, current=old)
        check_card_path(target := folder / f"{new}{SUFFIX}")
        with _translated_errors(folder):
            source.rename(target)
            if is_card(card := source.with_suffix(".json")):
                card.rename(target.with_suffix(".json"))
            access.move(source, target)
    logs.event("weights renamed", name=old, new=new, user=access.actor().email)
    return target


def delete(name: str) -> None:
    """Deletes imported or published weights with their card.

    Raises:
        AccessError: If they belong to another user.
        InputError: If they may not be deleted, are missing, or in use by a job.
    """
    with _locked() as folder:
        path = _changeable_entry(name).path
        with _translated_errors(folder):
            path.unlink()
            if is_card(card := path.with_suffix(".json")):
                card.unlink()
            access.disown(path)
    logs.event("weights deleted", name=name, user=access.actor().email)


def check(name: str, *, current: str = "") -> None:
    """Checks that a new name is valid and free.

    Args:
        name: New name.
        current: Current name of the weights. The new name may differ from it only in upper and lower case.

    Raises:
        InputError: If the name breaks a rule, or is taken.
    """
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or name.lower().endswith(SUFFIX):
        raise InputError(
            _(
                "name: {value} is not allowed: a name has up to {limit} letters (a to z), digits, dots, dashes "
                "and underscores, begins and ends with a letter or digit, and goes without {suffix}"
            ).format(value=shown(name), limit=MAX_NAME_LENGTH, suffix=SUFFIX)
        )
    if _DEVICE.fullmatch(name):
        raise InputError(_("name: {value} is not allowed: Windows reserves it for a device").format(value=shown(name)))
    if name.casefold() in _names_in_use(current):
        raise InputError(_("name: there are weights {value} already; choose another name").format(value=shown(name)))


def suggest_name(text: str) -> str:
    """Returns a valid and free name that resembles a text."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removesuffix(SUFFIX))[: MAX_NAME_LENGTH - 4].strip("._-") or "weights"
    if _DEVICE.fullmatch(stem):
        stem = f"weights-{stem}"
    used = _names_in_use()
    return next(name for name in chain([stem], (f"{stem}-{n}" for n in count(2))) if name.casefold() not in used)


def immutable_reason(entry: RegistryEntry) -> str | None:
    """Returns a sentence that says why weights can't be renamed or deleted. None if they can."""
    match entry.origin:
        case Origin.IMPORTED:
            return None
        case Origin.PRETRAINED:
            return _("These weights come with the product and stay as they are.")
        case Origin.JOB:
            return _("These weights are a run's: publish them under a name to keep them, or delete the run.")
        case Origin.TORCHVISION:
            return _("These weights are torchvision's and stay as they are.")


def _names_in_use(current: str = "") -> set[str]:
    """Returns all names except the current one, in lower case, because a file system may ignore the case."""
    return {
        name.casefold()
        for entry in entries()
        if entry.name != current
        # If two files have one name, the list names the second by its path.
        for name in ((entry.name, printable(entry.path.stem)) if entry.origin is Origin.IMPORTED else (entry.name,))
    }


def _entry(name: str) -> RegistryEntry:
    for entry in entries():
        if entry.name == name:
            return entry
    raise InputError(
        _("weights: there are no {value} here; somebody may have renamed or deleted them").format(value=shown(name))
    )


def _changeable_entry(name: str) -> RegistryEntry:
    """Returns weights that may be changed and are not in use."""
    access.check()
    entry = _entry(name)
    access.check_file(entry.path)
    if reason := immutable_reason(entry):
        raise InputError(_("{name}: {reason}").format(name=name, reason=reason))
    for record in store().records(ACTIVE):
        if record.recipe.get("weights") in {name, str(entry.path)}:
            raise InputError(
                _("{name} is what the run {run} starts from; wait until it has ended, or stop it").format(
                    name=name, run=shown(record.name)
                )
            )
    return entry


@contextmanager
def _locked() -> Iterator[Path]:
    """Locks the folder and yields it."""
    folder = settings().weights_dir
    with _translated_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(folder / LOCK).acquire(timeout=LOCK_TIMEOUT)
        except Timeout:
            raise InputError(_("others are writing weights; try again in a minute")) from None
    with lock:
        yield folder


@contextmanager
def _translated_errors(folder: Path) -> Iterator[None]:
    """Translates disk errors of the folder to InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(
            _("weights: the folder {folder} can't be changed: {reason}").format(
                folder=folder, reason=error.strerror or error
            )
        ) from None
