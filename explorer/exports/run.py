"""Export to a file or to memory; what allocates the network runs in a process within limits."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import psutil

from explorer.analysis import analyse
from explorer.errors import InputError, shown
from explorer.exports.formats import FORMATS
from explorer.families import Spec
from explorer.files import atomic_write
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.workers import subprocess_runner
from explorer.workers.subprocess_runner import Limits

PROTOBUF_LIMIT = 2**31 - 1  # bytes of one message, thus of an ONNX file without a second one beside it
ROOM_FOR_GRAPH = 10_000_000  # bytes of such a file that are not weights
BASE_MEMORY = 1_500_000_000  # bytes of a process that has imported torch and onnx
COPIES = 5  # of the weights: the network, ONNX's tensors and message, the file's bytes; one to spare
TIME_LIMIT = 600  # seconds

Progress = Callable[[str], None]

_one_at_a_time = Lock()  # several large exports at once would fill the machine's memory


def _silent(_note: str) -> None:
    """Where nobody listens."""


def batch_norm_note(spec: Spec, *, fold: bool) -> str:
    """What becomes of batch norm in an ONNX file; empty where the network has none."""
    if not any(layer.kind.startswith("BatchNorm") for layer in analyse(spec).layers):
        return ""
    if fold:
        return _("Batch norm is folded into the layers before it.")
    return _("Batch norm stays as layers of its own.")


def export(spec: Spec, name: str, path: Path, on_progress: Progress = _silent, *, fold: bool = False) -> int:
    """Write a network to a file in one of :data:`FORMATS`, whole or not at all.

    Args:
        spec: the network.
        name: key of the format.
        path: of the file; one that is there is replaced.
        on_progress: told a sentence, several times a second, while a process of its own is at work.
        fold: for ONNX, whether batch norm goes into the layers before it.

    Returns:
        Size of the file in bytes.

    Raises:
        InputError: where the file can't be written, the network is too large for the format or the machine, or
            other exports keep the machine.
        SpecError: where the network can't be written in this format.
        ExplorerError: where the process failed.
    """
    chosen = FORMATS[name]
    with translate_errors(path), atomic_write(path) as part:
        if chosen.weights:
            _beside(spec, part, on_progress, name, fold=fold)
        else:
            part.write_bytes(chosen.make(spec))
        return part.stat().st_size


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """What keeps a file from being written, as an error of the input.

    Raises:
        InputError: naming the file and the reason.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            _("file: can't write {path}: {reason}").format(path=shown(str(path)), reason=error.strerror or error)
        ) from error


def content(spec: Spec, name: str, on_progress: Progress = _silent, *, fold: bool = False) -> bytes:
    """The file of :func:`export` as bytes in memory.

    Raises:
        ExplorerError: as :func:`export` does.
    """
    if not FORMATS[name].weights:
        return FORMATS[name].make(spec)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export")
        export(spec, name, path, on_progress, fold=fold)
        return path.read_bytes()


def trained_onnx(weights: Path, spec: Spec, part: Path, on_progress: Progress, *, fold: bool = False) -> None:
    """Write weights as ONNX.

    Args:
        weights: path of their file.
        spec: of their network.
        part: the file.
        on_progress: as of :func:`export`.
        fold: as of :func:`export`.

    Raises:
        InputError: where the network is too large for the format or the machine, or other exports keep the machine.
        ExplorerError: where the process failed.
    """
    _beside(spec, part, on_progress, "onnx", str(weights.absolute()), fold=fold)


def _beside(spec: Spec, part: Path, on_progress: Progress, name: str, weights_file: str = "", *, fold: bool) -> None:
    totals = analyse(spec).totals
    weights = totals.weight_bytes + totals.buffer_bytes
    if weights > PROTOBUF_LIMIT - ROOM_FOR_GRAPH:
        raise InputError(
            _(
                "the weights take {size}, and one ONNX file holds at most {limit}; narrow the network, or export "
                "its source"
            ).format(size=bytes_short(weights), limit=bytes_short(PROTOBUF_LIMIT))
        )
    limit = BASE_MEMORY + COPIES * weights

    def wait() -> None:
        on_progress(_("Waiting for another export to end"))

    def writing(_step: str, _done: int, _total: int) -> None:
        on_progress(
            _("Writing {size} of weights, {seconds:.0f} s so far").format(
                size=bytes_short(weights), seconds=time.monotonic() - start
            )
        )

    with subprocess_runner.locked(_one_at_a_time, wait):
        if limit > (free := psutil.virtual_memory().available):
            raise InputError(
                _("this export may take {needed} of memory, and {free} are free on this machine").format(
                    needed=bytes_short(limit), free=bytes_short(free)
                )
            )
        start = time.monotonic()
        request = {"format": name, "file": str(part), "spec": spec.to_dict(), "weights": weights_file, "fold": fold}
        limits = Limits(TIME_LIMIT, limit)
        subprocess_runner.call("explorer.exports.worker", request, limits, writing, place=_("export"))
