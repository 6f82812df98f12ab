"""Every set of weights that has a name: those of the product, the user's imports, jobs' and torchvision's."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.errors import InputError, printable, shown
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights import torchvision
from explorer.weights.files import Card, read_card
from explorer.workers.progress import Progress, silent

# Beside the package in a checkout, within it where it is installed (setup.py).
_FOLDERS = [folder / "pretrained" for folder in Path(__file__).parents[1:3]]
PRETRAINED = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
TORCHVISION = torchvision.PREFIX
SUFFIX = ".safetensors"
FOREIGN = frozenset({".pth", ".pt", ".th", ".ckpt", ".bin", ".pkl", ".tar"})


class Kind(StrEnum):
    """Where weights come from."""

    PRETRAINED = "pretrained"
    IMPORTED = "imported"
    JOB = "job"
    TORCHVISION = "torchvision"


@dataclass(frozen=True)
class Entry:
    """One set of weights in the list.

    Attributes:
        name: that :func:`find` understands.
        path: of the file; torchvision's come there when they are first used.
        card: none where the file is broken.
        fault: what is wrong with a broken file, in words.
    """

    name: str
    kind: Kind
    path: Path
    card: Card | None
    fault: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether using it needs no download; a file of others' may have gone since, as its reader will say."""
        return self.kind is not Kind.TORCHVISION or self.path.is_file()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; of the card what tells weights apart."""
        told: dict[str, Any] = {
            "name": self.name, "kind": self.kind, "path": str(self.path), "is_there": self.is_there, "fault": self.fault
        }  # fmt: skip
        if self.card is not None:
            card = self.card
            told |= {"title": card.name, "spec": card.spec, "classes": len(card.classes), "metrics": card.metrics}
        return told


def entries() -> list[Entry]:
    """Everything that has a name, of files the header alone read; one that is broken is listed as such."""
    found: dict[str, Entry] = {}
    for kind, name, path in _files():
        if name in found:  # the first of a name has it, the others go by their paths
            name = printable(path)
        found[name] = _entry(name, kind, path)
    for name, entry in torchvision.catalogue().items():
        found[name] = Entry(name, Kind.TORCHVISION, entry.path, torchvision.cards()[name])
    return list(found.values())


def known(text: str) -> Entry | None:
    """The weights of a name in the list, or torchvision's best of a model; None where there are none, as for a path."""
    name = text
    if text.startswith(TORCHVISION):
        try:
            name = f"{TORCHVISION}{torchvision.choose(text).weights!r}"
        except InputError:
            return None
    return next((entry for entry in entries() if entry.name == name), None)


def local(text: str) -> Path | None:
    """The file of weights on this machine that a user names, by name, a job's id or path; None where there is none."""
    try:
        for _kind, name, path in _files():
            if name == text and path.is_file():
                return path
        path = Path(text)
        return path if path.is_file() else None
    except (OSError, ValueError):  # no access, a name longer than names may be, a null character
        return None


def find(text: str, progress: Progress = silent) -> Path:
    """The file of the weights that a user names; torchvision's are downloaded when first asked for.

    Args:
        text: a name of :func:`entries`, the name of a torchvision model for its best weights
            (``torchvision:vgg16``), or a path.
        progress: told how far a download is.

    Raises:
        InputError: where there are none such; where torchvision's can't be had.
    """
    if text.startswith(TORCHVISION):
        return torchvision.fetch(text, progress)
    path = local(text)
    if path is None:
        raise InputError(_missing(text))
    if path.suffix.lower() in FOREIGN:
        raise InputError(
            _("weights: {file} is another program's file; 'python -m explorer import' makes weights of it").format(
                file=path
            )
        )
    return path


def _files() -> Iterator[tuple[Kind, str, Path]]:
    for kind, folder in ((Kind.PRETRAINED, PRETRAINED), (Kind.IMPORTED, settings().weights_dir)):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            yield kind, printable(path.stem), path
    for path in sorted(settings().runs_dir.glob(f"*/best{SUFFIX}")):
        yield Kind.JOB, path.parent.name, path


def _entry(name: str, kind: Kind, path: Path) -> Entry:
    try:
        status = path.stat()
        return Entry(name, kind, path, _card(path, status.st_mtime_ns, status.st_size))
    except OSError as error:
        return Entry(
            name, kind, path, None, _("{file} can't be read: {reason}").format(file=path, reason=error.strerror)
        )
    except InputError as error:
        return Entry(name, kind, path, None, str(error))


@lru_cache(maxsize=1000)  # a page lists them with every click
def _card(path: Path, _changed: int, _size: int) -> Card:
    return read_card(path)


def _missing(text: str) -> str:
    names = [name for _kind, name, _path in _files()] + list(torchvision.names())
    close = [name for name in names if name == f"{TORCHVISION}{text}"]
    if close := close or get_close_matches(text[:60], names, n=3):
        return _("weights: there are no {value}; did you mean {names}?").format(
            value=shown(text), names=", ".join(close)
        )
    return _(
        "weights: {value} is neither a name in the list ('python -m explorer weights' shows it), nor a job's id, nor a "
        "file"
    ).format(value=shown(text))
