"""The registry of all named weights: pretrained weights, imports, best weights of jobs, and torchvision's weights."""

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

# Next to the package in a checkout, inside it after an installation (setup.py).
_FOLDERS = [folder / "pretrained" for folder in Path(__file__).parents[1:3]]
PRETRAINED = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
TORCHVISION = torchvision.PREFIX
SUFFIX = ".safetensors"
FOREIGN = frozenset({".pth", ".pt", ".th", ".ckpt", ".bin", ".pkl", ".tar"})


class Origin(StrEnum):
    """The origin of weights."""

    PRETRAINED = "pretrained"
    IMPORTED = "imported"
    JOB = "job"
    TORCHVISION = "torchvision"


@dataclass(frozen=True)
class RegistryEntry:
    """One set of weights in the registry.

    Attributes:
        name: Name that :func:`find` understands.
        origin: Origin of the weights.
        path: Path of the file. torchvision's files are created at their first use.
        card: Card. None if the file is damaged.
        fault: Sentence that says what is wrong with a damaged file.
    """

    name: str
    origin: Origin
    path: Path
    card: Card | None
    fault: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether the weights can be used without a download. Only torchvision's may need one."""
        return self.origin is not Origin.TORCHVISION or self.path.is_file()

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values, with the parts of the card that distinguish weights."""
        values: dict[str, Any] = {
            "name": self.name, "kind": self.origin, "path": str(self.path), "is_there": self.is_there,
            "fault": self.fault,
        }  # fmt: skip
        if self.card is not None:
            card = self.card
            values |= {"title": card.name, "spec": card.spec, "classes": len(card.classes), "metrics": card.metrics}
        return values


def entries() -> list[RegistryEntry]:
    """Returns all named weights. Reads only the headers of files. A damaged file is included, with its fault."""
    listed: dict[str, RegistryEntry] = {}
    for origin, name, path in _files():
        if name in listed:  # the first file gets the name, later ones are named by their paths
            name = printable(path)
        listed[name] = _entry(name, origin, path)
    for name, weights in torchvision.catalogue().items():
        listed[name] = RegistryEntry(name, Origin.TORCHVISION, weights.path, torchvision.cards()[name])
    return list(listed.values())


def find_entry(text: str) -> RegistryEntry | None:
    """Returns the weights with this name, or the best weights of this torchvision model. None if there are none."""
    name = text
    if text.startswith(TORCHVISION):
        try:
            name = f"{TORCHVISION}{torchvision.find_weights(text).weights!r}"
        except InputError:
            return None
    return next((entry for entry in entries() if entry.name == name), None)


def find_local(text: str) -> Path | None:
    """Returns the weights file on this machine for a name, a job's id or a path. None if there is none."""
    try:
        for _origin, name, path in _files():
            if name == text and path.is_file():
                return path
        path = Path(text)
        return path if path.is_file() else None
    except (OSError, ValueError):  # no access, a name that is too long, a null character
        return None


def find(text: str, progress: Progress = silent) -> Path:
    """Returns the weights file that a user names. Downloads torchvision's weights when they are first used.

    Args:
        text: Name from :func:`entries`, a path, or the name of a torchvision model for its best weights
            (``torchvision:vgg16``).
        progress: Callback for the progress of a download.

    Raises:
        InputError: If there are no such weights, or torchvision's can't be downloaded.
    """
    if text.startswith(TORCHVISION):
        return torchvision.fetch(text, progress)
    path = find_local(text)
    if path is None:
        raise InputError(_missing(text))
    if path.suffix.lower() in FOREIGN:
        raise InputError(
            _("weights: {file} is another program's file; 'python -m explorer import' makes weights of it").format(
                file=path
            )
        )
    return path


def _files() -> Iterator[tuple[Origin, str, Path]]:
    for origin, folder in ((Origin.PRETRAINED, PRETRAINED), (Origin.IMPORTED, settings().weights_dir)):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            yield origin, printable(path.stem), path
    for path in sorted(settings().runs_dir.glob(f"*/best{SUFFIX}")):
        yield Origin.JOB, path.parent.name, path


def _entry(name: str, origin: Origin, path: Path) -> RegistryEntry:
    try:
        status = path.stat()
        return RegistryEntry(name, origin, path, _card(path, status.st_mtime_ns, status.st_size))
    except OSError as error:
        return RegistryEntry(
            name, origin, path, None, _("{file} can't be read: {reason}").format(file=path, reason=error.strerror)
        )
    except InputError as error:
        return RegistryEntry(name, origin, path, None, str(error))


@lru_cache(maxsize=1000)  # a page lists them after every click
def _card(path: Path, _changed: int, _size: int) -> Card:
    return read_card(path)


def _missing(text: str) -> str:
    names = [name for _origin, name, _path in _files()] + list(torchvision.names())
    close = [name for name in names if name == f"{TORCHVISION}{text}"]
    if close := close or get_close_matches(text[:60], names, n=3):
        return _("weights: there are no {value}; did you mean {names}?").format(
            value=shown(text), names=", ".join(close)
        )
    return _(
        "weights: {value} is neither a name in the list ('python -m explorer weights' shows it), nor a job's id, nor a "
        "file"
    ).format(value=shown(text))
