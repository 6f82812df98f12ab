"""The folder of weights with names: imports come into it, and jobs' weights are published there.

Whoever changes it holds its lock, so that of two who want the same name one has it and the other is told.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from explorer.errors import InputError, printable, shown
from explorer.i18n import _
from explorer.jobs.store import ACTIVE, store
from explorer.settings import settings
from explorer.specs.reading import read_json
from explorer.weights.files import CARD, Card, check_beside, prepared, read, save
from explorer.weights.heads import with_convolutions
from explorer.weights.registry import SUFFIX, Entry, Kind, entries

LOCK = ".lock"
PATIENCE = 60.0  # seconds: others write large files
LONGEST = 80  # characters of a name

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows, with any ending


@contextmanager
def reserved(name: str) -> Iterator[Path]:
    """The path of a new file of weights; meanwhile nobody else can take the name.

    Raises:
        InputError: where the name breaks a rule or is taken; where the file can't be written.
    """
    with _held() as folder:
        check(name)
        check_beside(path := folder / f"{name}{SUFFIX}")
        yield path


def publish(job: str, name: str, *, half: bool = False, terms: str | None = None) -> Path:
    """Copy a job's best weights, so that they stay when the run is deleted.

    Args:
        job: its id.
        name: of the copy.
        half: round to float16.
        terms: the license that goes on the card.

    Returns:
        The new file.

    Raises:
        InputError: where there are no such weights, the name breaks a rule or is taken, or the file can't be written.
    """
    source = _found(job)
    if source.kind is not Kind.JOB:
        raise InputError(_("{name} are no weights of a run: those alone are published").format(name=job))
    with reserved(name) as path, _in_words(path.parent):
        save(path, *prepared(source.path, half=half, terms=terms))
    return path


def convolve(source: Path, name: str) -> Path:
    """Keep a copy of weights whose dense head is one of convolutions, so that it takes images of any size.

    Args:
        source: the file of the weights.
        name: of the copy.

    Returns:
        The new file.

    Raises:
        InputError: where the head can't be turned, the name breaks a rule or is taken, or the file can't be written.
    """
    turned = with_convolutions(*read(source))
    with reserved(name) as path, _in_words(path.parent):
        save(path, *turned)
    return path


def rename(old: str, new: str) -> Path:
    """Give imported or published weights another name; their card stays as it is.

    Returns:
        The file under its new name.

    Raises:
        InputError: where they may not be changed, are gone or needed by a job; where the name breaks a rule or is
            taken.
    """
    with _held() as folder:
        source = _own(old).path
        check(new, given_up=old)
        check_beside(target := folder / f"{new}{SUFFIX}")
        with _in_words(folder):
            source.rename(target)
            if _is_card(beside := source.with_suffix(".json")):
                beside.rename(target.with_suffix(".json"))
    return target


def delete(name: str) -> None:
    """Delete imported or published weights with their card.

    Raises:
        InputError: where they may not be deleted, are gone already, or a job needs them.
    """
    with _held() as folder:
        path = _own(name).path
        with _in_words(folder):
            path.unlink()
            if _is_card(beside := path.with_suffix(".json")):
                beside.unlink()


def check(name: str, *, given_up: str = "") -> None:
    """See whether weights can have a name that none have yet.

    Args:
        name: that they shall have.
        given_up: the name that they have until then, which may differ in upper and lower case alone.

    Raises:
        InputError: where it breaks a rule, or is taken.
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name) or name.lower().endswith(SUFFIX):
        raise InputError(
            _(
                "name: {value} can't be one: it has up to {limit} letters (a to z), digits, dots, dashes and "
                "underscores, begins and ends with a letter or digit, and goes without {suffix}"
            ).format(value=shown(name), limit=LONGEST, suffix=SUFFIX)
        )
    if _DEVICE.fullmatch(name):
        raise InputError(_("name: {value} can't be one: Windows keeps it for a device").format(value=shown(name)))
    if name.casefold() in _taken(given_up):
        raise InputError(_("name: there are weights {value} already; choose another name").format(value=shown(name)))


def suggested(text: str) -> str:
    """A name that is free, like a text of any kind."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removesuffix(SUFFIX))[: LONGEST - 4].strip("._-") or "weights"
    if _DEVICE.fullmatch(stem):
        stem = f"weights-{stem}"
    taken = _taken()
    return next(name for name in chain([stem], (f"{stem}-{turn}" for turn in count(2))) if name.casefold() not in taken)


def fixed(entry: Entry) -> str | None:
    """Why weights can be neither renamed nor deleted here; none where they can."""
    match entry.kind:
        case Kind.IMPORTED:
            return None
        case Kind.PRETRAINED:
            return _("These weights come with the product and stay as they are.")
        case Kind.JOB:
            return _("These weights are a run's: publish them under a name to keep them, or delete the run.")
        case Kind.TORCHVISION:
            return _("These weights are torchvision's and stay as they are.")


def _taken(given_up: str = "") -> set[str]:
    """Names that are no longer free, in lower case: a file system may not tell it from upper."""
    return {
        name.casefold()
        for entry in entries()
        if entry.name != given_up
        # Of two files of a name one goes by its path in the list.
        for name in ((entry.name, printable(entry.path.stem)) if entry.kind is Kind.IMPORTED else (entry.name,))
    }


def _found(name: str) -> Entry:
    for entry in entries():
        if entry.name == name:
            return entry
    raise InputError(
        _("weights: there are no {value} here; somebody may have renamed or deleted them").format(value=shown(name))
    )


def _own(name: str) -> Entry:
    """Weights that may be changed, and are not needed as they are."""
    entry = _found(name)
    if reason := fixed(entry):
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
def _held() -> Iterator[Path]:
    """The folder, which nobody else changes meanwhile."""
    folder = settings().weights_dir
    with _in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(folder / LOCK).acquire(timeout=PATIENCE)
        except Timeout:
            raise InputError(_("others are writing weights; try again in a minute")) from None
    with lock:
        yield folder


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """What the folder's disk says becomes words."""
    try:
        yield
    except OSError as error:
        raise InputError(
            _("weights: the folder {folder} can't be changed: {reason}").format(
                folder=folder, reason=error.strerror or error
            )
        ) from None


def _is_card(path: Path) -> bool:
    """Whether a file beside weights is theirs, and not somebody's of the same name."""
    try:
        Card.model_validate(read_json(path, CARD))
    except (InputError, ValidationError):
        return False
    return True
