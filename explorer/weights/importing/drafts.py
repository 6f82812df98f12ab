"""Uploaded checkpoints. Each is read once; after the questions it is saved in the weights store or discarded.

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

from explorer import access
from explorer.errors import InputError, printable
from explorer.families import Spec, nearest, resolve
from explorer.files import sha256
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import quota
from explorer.settings import settings
from explorer.weights import store
from explorer.weights.importing.checkpoint import Checkpoint, open_checkpoint
from explorer.weights.importing.importing import Proposal, propose
from explorer.weights.importing.questions import format_answer
from explorer.weights.importing.result import ImportResult
from explorer.weights.registry import SUFFIX
from explorer.workers.progress import Progress, silent
from explorer.workers.semaphore import slot

MAX_FILE = 600_000_000  # bytes: torchvision's largest VGG has 575 million
MAX_ALL = 4_000_000_000  # bytes of all drafts on this server
MIN_FREE_DISK = 1_000_000_000  # bytes

_open: "WeakSet[Draft]" = WeakSet()
_open_lock = Lock()


class Draft:
    """An uploaded checkpoint before it is in the store.

    Attributes:
        name: Name of the uploaded file.
        size: Size of the file in bytes.
        proposal: Network of the checkpoint. None before the file is read, and if no network fits.
        fault: Reason why no network fits.
        spec: Network that the user has named. None for the network that is found.
    """

    def __init__(self, name: str, content: BinaryIO, size: int) -> None:
        """Copies an uploaded file.

        Args:
            name: Name for messages and the card.
            content: Open file at its beginning.
            size: Size of the content in bytes.

        Raises:
            AccessError: If this user may import nothing.
            InputError: If it is too large, or the disk is nearly full.
        """
        access.check()
        quota.check_bytes(size)
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
                    "{file}: {size} is more than the {limit} that this page imports; larger files: 'python -m "
                    "explorer import' on the server"
                ).format(file=self.name, size=bytes_short(size), limit=bytes_short(MAX_FILE))
            )
        with _open_lock:
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
            for disk, copies in ((folder, 2), (weights, 1)):  # the checkpoint is also converted to safetensors
                if shutil.disk_usage(disk).free < copies * size + MIN_FREE_DISK:
                    raise InputError(_("{file}: the server's disk is nearly full").format(file=self.name))
            self._path = folder / "checkpoint"
            with self._path.open("wb") as target:
                shutil.copyfileobj(content, target)
        except OSError as error:
            self._clear()
            raise InputError(
                _("{file} can't be saved: {reason}").format(file=self.name, reason=error.strerror)
            ) from None
        except InputError:
            self._clear()
            raise

    def read(self, progress: Progress = silent) -> None:
        """Opens the file and finds its network, if there is one. This is slow for large files.

        Args:
            progress: Callback for the progress.

        Raises:
            InputError: If the file can't be read. Names file and fault.
            ExplorerError: If this machine can't read it now.
        """
        with self._lock:
            if self._closed:
                raise InputError(_("the import of {file} was cancelled").format(file=self.name))
            self._reading = True
        try:
            progress(_("reading the file"), 0, 0)
            self._digest = sha256(self._path)
            self._checkpoint = self._stack.enter_context(open_checkpoint(self._path, self.name))
            progress(_("finding the network"), 0, 0)
            self.find_network(None, lambda _ahead: None)
        finally:
            with self._lock:
                self._reading = False
                if self._closed:
                    self._clear()

    def find_network(self, spec: Spec | None, on_wait: Callable[[int], None]) -> None:
        """Finds the network for a spec, or sets ``fault``.

        Args:
            spec: Network that the user names. None for the network that is found.
            on_wait: Callback for the number of sessions ahead, as in :func:`explorer.workers.semaphore.slot`.

        Raises:
            InputError: If the draft is closed.
        """
        if self._checkpoint is None:
            raise InputError(_("the import of {file} was cancelled").format(file=self.name))
        self.spec, self.proposal, self.fault = spec, None, None
        with slot(on_wait):
            try:
                self.proposal = propose(self._checkpoint, self.name, spec)
            except InputError as error:
                self.fault = error

    def save(self, answers: Mapping[str, Any], name: str, on_wait: Callable[[int], None]) -> ImportResult:
        """Saves the weights in the store.

        Args:
            answers: Answers by the key of the question.
            name: Name of the weights.
            on_wait: Callback for the number of sessions ahead, as in :func:`explorer.workers.semaphore.slot`.

        Raises:
            InputError: If an answer is invalid, the name is invalid or taken, or the file can't be written.
        """
        if self.proposal is None:
            raise InputError(_("the import of {file} was cancelled").format(file=self.name))
        store.check(name)  # early; the name is reserved later, just before the file is written
        with slot(on_wait):
            proved = self.proposal.prove(answers, import_command(self.proposal, answers, name, self.spec), self._digest)
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
        with _open_lock:
            _open.discard(self)
        self._stack.close()


def import_command(proposal: Proposal, answers: Mapping[str, Any], name: str, spec: Spec | None) -> str:
    """Returns the command that imports the file as this network with the same answers, for the card."""
    words = ["import", proposal.name, "-o", f"{name}{SUFFIX}"]
    if spec is not None:
        preset = nearest(spec)
        words += ["--spec", preset if resolve(preset) == spec else spec.to_json()]
    accepted: dict[str, Any] = {}
    while left := proposal.questions(accepted):
        key, likely = left[0].key, left[0].likely
        accepted[key] = answers.get(key, likely)
        if accepted[key] == likely:
            continue
        text = format_answer(accepted[key])
        match key:
            case "classes":
                words += ["--classes", "classes.txt"]  # names may contain commas; the card lists them
            case "mean" | "std" | "resize":
                words += [f"--{key}", text]
            case _:
                words += ["--set", f"{key}={text}"]
    return shlex.join(["python", "-m", "explorer", *words])
