"""Uploaded checkpoints: each is read once, asked about, and then written to the weights store or discarded.

A draft keeps the file and its mapped tensors in a temporary folder until it is closed.
"""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO
from weakref import WeakSet

from explorer.errors import InputError, printable
from explorer.families import Spec, nearest, resolve
from explorer.files import sha256
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights import store
from explorer.weights.importing.checkpoint import Checkpoint, opened
from explorer.weights.importing.importing import Imported, Proposal, propose
from explorer.weights.registry import SUFFIX
from explorer.workers.progress import Progress, silent
from explorer.workers.semaphore import slot

MAX_FILE = 600_000_000  # bytes: torchvision's largest VGG has 575 million
MAX_ALL = 4_000_000_000  # most bytes of all drafts on this server
SPARED = 1_000_000_000  # bytes of the disk that drafts leave free

_open: "WeakSet[Draft]" = WeakSet()
_counting = Lock()


class Draft:
    """An uploaded checkpoint before it is in the store.

    Attributes:
        name: Name of the file from its owner.
        size: Size of the file in bytes.
        proposal: Network that was found, once the file has been read. None if no network fits.
        fault: Reason why no network fits.
        spec: Network that its owner has named. None to use the network that is found.
    """

    def __init__(self, name: str, content: BinaryIO, size: int) -> None:
        """Copies an uploaded file.

        Args:
            name: Name for messages and the card.
            content: Content from its beginning.
            size: Size of the content in bytes.

        Raises:
            InputError: If it is too large, or the disk too full.
        """
        self.name, self.size = printable(name), size
        self.proposal: Proposal | None = None
        self.fault: InputError | None = None
        self.spec: Spec | None = None
        self._checkpoint: Checkpoint | None = None
        self._lock, self._closed, self._reading = Lock(), False, False
        self._stack = ExitStack()
        if size > MAX_FILE:
            raise InputError(
                _(
                    "{file}: {size} are more than the {limit} that are imported on this page; larger files: "
                    "'python -m explorer import' on the server"
                ).format(file=self.name, size=bytes_short(size), limit=bytes_short(MAX_FILE))
            )
        with _counting:
            if sum(draft.size for draft in _open) + size > MAX_ALL:
                raise InputError(
                    _("{file}: others import files of {limit} in all; try again when they are done").format(
                        file=self.name, limit=bytes_short(MAX_ALL)
                    )
                )
            _open.add(self)
        try:
            folder = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True))
            )
            weights = settings().weights_dir
            weights.mkdir(parents=True, exist_ok=True)
            for place, copies in ((folder, 2), (weights, 1)):  # the checkpoint is also converted to safetensors
                if shutil.disk_usage(place).free < copies * size + SPARED:
                    raise InputError(_("{file}: the server's disk is nearly full").format(file=self.name))
            self._path = folder / "checkpoint"
            with self._path.open("wb") as target:
                shutil.copyfileobj(content, target)
        except OSError as error:
            self._clear()
            raise InputError(
                _("{file} can't be kept: {reason}").format(file=self.name, reason=error.strerror)
            ) from None
        except InputError:
            self._clear()
            raise

    def read(self, progress: Progress = silent) -> None:
        """Opens the file and finds its network, if there is one. Slow for large files.

        Args:
            progress: Callback for the progress.

        Raises:
            InputError: If the file can't be read. Names file and fault.
            ExplorerError: If the fault is this machine's.
        """
        with self._lock:
            if self._closed:
                raise InputError(_("{file} is not wanted any more").format(file=self.name))
            self._reading = True
        try:
            progress(_("reading the file"), 0, 0)
            self._digest = sha256(self._path)
            self._checkpoint = self._stack.enter_context(opened(self._path, self.name))
            progress(_("finding the network"), 0, 0)
            self.take(None, lambda _ahead: None)
        finally:
            with self._lock:
                self._reading = False
                if self._closed:
                    self._clear()

    def take(self, spec: Spec | None, on_wait: Callable[[int], None]) -> None:
        """Finds the network for a spec, or sets ``fault``.

        Args:
            spec: Network that its owner names. None to use the network that is found.
            on_wait: Callback for the number of sessions ahead, as in :func:`explorer.workers.semaphore.slot`.

        Raises:
            InputError: If the draft is closed.
        """
        if self._checkpoint is None:
            raise InputError(_("{file} is not wanted any more").format(file=self.name))
        self.spec, self.proposal, self.fault = spec, None, None
        with slot(on_wait):
            try:
                self.proposal = propose(self._checkpoint, self.name, spec)
            except InputError as error:
                self.fault = error

    def write(self, answers: Mapping[str, Any], name: str, on_wait: Callable[[int], None]) -> Imported:
        """Writes the weights to the store.

        Args:
            answers: Answers by the key of the question.
            name: Name of the weights.
            on_wait: Callback for the number of sessions ahead, as in :func:`explorer.workers.semaphore.slot`.

        Raises:
            InputError: If an answer is invalid, the name is invalid or taken, or the file can't be written.
        """
        if self.proposal is None:
            raise InputError(_("{file} is not wanted any more").format(file=self.name))
        store.check(name)  # an early check; the name is reserved just before the file is written
        with slot(on_wait):
            proved = self.proposal.proved(answers, command(self.proposal, answers, name, self.spec), self._digest)
        with store.reserve(name) as path:
            return proved.save(path)

    def close(self) -> None:
        """Discards the file. If it is being read, it is discarded when that ends."""
        with self._lock:
            self._closed = True
            if not self._reading:
                self._clear()

    def _clear(self) -> None:
        self.proposal = self._checkpoint = None
        with _counting:
            _open.discard(self)
        self._stack.close()


def command(proposal: Proposal, answers: Mapping[str, Any], name: str, spec: Spec | None) -> str:
    """Returns the command that imports the file as this network with the same answers, for the card."""
    words = ["import", proposal.name, "-o", f"{name}{SUFFIX}"]
    if spec is not None:
        known = nearest(spec)
        words += ["--spec", known if resolve(known) == spec else spec.to_json()]
    likely: dict[str, Any] = {}
    while left := proposal.questions(likely):
        key, usual = left[0].key, left[0].likely
        likely[key] = answers.get(key, usual)
        if likely[key] == usual:
            continue
        text = "none" if likely[key] is None else _listed(likely[key])
        match key:
            case "classes":
                words += ["--classes", "classes.txt"]  # names may contain commas; the card lists them
            case "mean" | "std" | "resize":
                words += [f"--{key}", text]
            case _:
                words += ["--set", f"{key}={text}"]
    return shlex.join(["python", "-m", "explorer", *words])


def _listed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
