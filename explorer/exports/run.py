"""Exports of networks to files or memory; a limited process makes files with weights."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import psutil

from explorer.analysis import analyse
from explorer.errors import InputError, shown
from explorer.exports.figure import FigureOptions, Network
from explorer.exports.formats import FORMATS, Format
from explorer.exports.onnx_options import NO_OPTIONS, OnnxOptions
from explorer.families import Spec
from explorer.files import atomic_write
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.workers import subprocess_runner
from explorer.workers.subprocess_runner import Limits

PROTOBUF_LIMIT = 2**31 - 1  # bytes of a message, and so of an ONNX model in one file
ROOM_FOR_GRAPH = 10_000_000  # bytes of such a file besides the weights
BASE_MEMORY = 1_500_000_000  # bytes of a process with torch and onnx
COPIES = 5  # copies of the weights: network, ONNX's tensors and message, content of the file, and one in reserve
TIME_LIMIT = 600  # seconds

Progress = Callable[[str], None]

_export_lock = Lock()  # several large exports at a time would fill the memory


def _silent(_note: str) -> None:
    """Ignores a message."""


def batch_norm_note(spec: Spec, *, fold: bool) -> str:
    """Returns a note on batch norm in an ONNX file; empty if the network has none."""
    if not any(layer.kind.startswith("BatchNorm") for layer in analyse(spec).layers):
        return ""
    if fold:
        return _("Batch norm is folded into the layer before it; where no convolution is before it, it stays.")
    return _("Batch norm stays as layers of its own.")


def export(
    network: Network,
    name: str,
    path: Path,
    on_progress: Progress = _silent,
    *,
    onnx: OnnxOptions = NO_OPTIONS,
    figure: FigureOptions | None = None,
) -> int:
    """Writes a network to a file, atomically.

    Args:
        network: Spec of the network, or the analysis of a network without one.
        name: Key of :data:`FORMATS`.
        path: Path of the file; an existing file is replaced.
        on_progress: Function that shows a message, called several times a second while the process runs.
        onnx: Options of ONNX.
        figure: Options of a figure.

    Returns:
        Size of the file in bytes.

    Raises:
        InputError: If the file can't be written, the network is too large for the format or the machine, other
            exports take too long, or the format needs a spec.
        SpecError: If the network can't be written in this format.
        ExplorerError: If the process failed.
    """
    chosen = _format_for(network, name)
    with translate_errors(path), atomic_write(path) as part:
        if chosen.has_weights:
            assert isinstance(network, Spec)  # noqa: S101  such a format needs a spec
            _export_in_process(network, part, on_progress, name, onnx=onnx)
        else:
            part.write_bytes(_made(chosen, network, figure))
        return part.stat().st_size


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translates errors of the operating system.

    Raises:
        InputError: If the file can't be written.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            _("file: can't write {path}: {reason}").format(path=shown(str(path)), reason=error.strerror or error)
        ) from error


def _format_for(network: Network, name: str) -> Format:
    if FORMATS[name].needs_spec and not isinstance(network, Spec):
        known = ", ".join(key for key, one in FORMATS.items() if not one.needs_spec)
        raise InputError(
            _("format: {value} needs a network of this product; of any other there are {known}").format(
                value=shown(name), known=known
            )
        )
    return FORMATS[name]


def _made(chosen: Format, network: Network, figure: FigureOptions | None) -> bytes:
    return chosen.draw(network, figure) if chosen.draw and figure else chosen.make(network)


def content(
    network: Network,
    name: str,
    on_progress: Progress = _silent,
    *,
    onnx: OnnxOptions = NO_OPTIONS,
    figure: FigureOptions | None = None,
) -> bytes:
    """Returns the content of the file that :func:`export` writes, with the same arguments.

    Raises:
        ExplorerError: As in :func:`export`.
    """
    if not (chosen := _format_for(network, name)).has_weights:
        return _made(chosen, network, figure)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export")
        export(network, name, path, on_progress, onnx=onnx)
        return path.read_bytes()


def trained(
    weights: Path, spec: Spec, name: str, part: Path, on_progress: Progress, *, onnx: OnnxOptions = NO_OPTIONS
) -> None:
    """Writes weights in one of the :data:`FORMATS` that have weights.

    Args:
        weights: Path of the weights.
        spec: Spec of their network.
        name: Key of the format.
        part: Path of the file.
        on_progress: Function that shows a message, as in :func:`export`.
        onnx: Options of ONNX.

    Raises:
        InputError: If the network is too large for the format or the machine, or other exports take too long.
        ExplorerError: If the process failed.
    """
    _export_in_process(spec, part, on_progress, name, str(weights.absolute()), onnx=onnx)


def _export_in_process(
    spec: Spec, part: Path, on_progress: Progress, name: str, weights_file: str = "", *, onnx: OnnxOptions
) -> None:
    onnx.check()
    totals = analyse(spec).totals
    weights = totals.weight_bytes + totals.buffer_bytes
    if name == "onnx" and weights > PROTOBUF_LIMIT - ROOM_FOR_GRAPH:
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

    with subprocess_runner.locked(_export_lock, wait):
        if limit > (free := psutil.virtual_memory().available):
            raise InputError(
                _("this export may take {needed} of memory, and {free} are free on this machine").format(
                    needed=bytes_short(limit), free=bytes_short(free)
                )
            )
        start = time.monotonic()
        request = {"format": name, "file": str(part), "spec": spec.to_dict(), "weights": weights_file}
        request["onnx"] = onnx.to_dict()
        limits = Limits(TIME_LIMIT, limit)
        subprocess_runner.call("explorer.exports.worker", request, limits, writing, place=_("export"))
