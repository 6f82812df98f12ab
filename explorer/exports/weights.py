"""Exports of trained weights, each with its card in a second file."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from explorer.errors import InputError
from explorer.exports.hub import hub_folder
from explorer.exports.onnx_options import NO_OPTIONS, OnnxOptions
from explorer.exports.run import trained, translate_errors
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import check_card_path, prepare_for_publication, read, read_card, save, save_card, write_pth
from explorer.workers.progress import Progress, silent

WEIGHT_FORMATS = ("safetensors", "pth", "onnx", "pt2", "hub")
PAGE = "page"  # the format of explorer.prediction.home_page


def export_weights(
    source: Path,
    name: str,
    target: Path,
    progress: Progress = silent,
    *,
    half: bool = False,
    data: str | None = None,
    terms: str | None = None,
    onnx: OnnxOptions = NO_OPTIONS,
) -> int:
    """Writes weights to a file, and their card to a ``.json`` file with the same name.

    Args:
        source: Path of the weights.
        name: Format, one of :data:`WEIGHT_FORMATS`; ``pth`` and ``pt2`` are in float32. ``hub`` has its card inside.
        target: Path of the file; an existing file is replaced.
        progress: Function that shows the progress.
        half: Whether to round to float16, for ``safetensors``, ``hub`` and ``onnx``.
        data: Data set whose test set measures the weights as written, for the card.
        terms: License for the card.
        onnx: Options of ``onnx``.

    Returns:
        Size of the file in bytes.

    Raises:
        InputError: If weights, data and format don't fit, the file can't be written, or an existing ``.json`` file is
            not a card and would be lost.
        ExplorerError: If the process of the ONNX export failed.
    """
    if half and name in ("pth", "pt2"):
        raise InputError(
            _("half: {name} files are in float32; safetensors, hub and onnx can be in half precision").format(name=name)
        )
    onnx = replace(onnx, half=half or onnx.half)
    if name == "hub":
        return _export_hub(source, target, progress, half=half, data=data, terms=terms)
    check_card_path(target)
    with tempfile.TemporaryDirectory() as folder:
        if half or data or terms:
            copy = Path(folder, "weights.safetensors")
            _prepare_copy(source, copy, progress, half=half, data=data, terms=terms)
            source = copy
        tensors, card = read(source)
        with translate_errors(target):
            if name == "safetensors":
                save(target, tensors, card)
            else:
                with atomic_write(target) as part:
                    if name == "pth":
                        write_pth(source, part)
                    else:
                        trained(source, card.network_spec, name, part, lambda note: progress(note, 0, 0), onnx=onnx)
                save_card(target, card)
            return target.stat().st_size


def _export_hub(
    source: Path, target: Path, progress: Progress, *, half: bool, data: str | None, terms: str | None
) -> int:
    with tempfile.TemporaryDirectory() as folder:
        if half or data or terms:
            copy = Path(folder, "weights.safetensors")
            _prepare_copy(source, copy, progress, half=half, data=data, terms=terms)
            source = copy
        content = hub_folder(source)
        with translate_errors(target), atomic_write(target) as part:
            part.write_bytes(content)
    return len(content)


def trained_bytes(
    source: Path, name: str, on_progress: Callable[[str], None], *, onnx: OnnxOptions = NO_OPTIONS
) -> bytes:
    """Returns weights as the content of an ONNX or ``.pt2`` file.

    Args:
        source: Path of the weights.
        name: Format, ``onnx`` or ``pt2``.
        on_progress: Function that shows a message, called several times a second.
        onnx: Options of the export.

    Raises:
        InputError: If the file can't be read, or is too large for the format or the machine.
        ExplorerError: If the process failed.
    """
    spec = read_card(source).network_spec
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "weights")
        trained(source, spec, name, part, on_progress, onnx=onnx)
        return part.read_bytes()


def _prepare_copy(
    source: Path, copy: Path, progress: Progress, *, half: bool, data: str | None, terms: str | None
) -> None:
    """Copies weights, optionally in half precision, with a card that has the measured accuracy and the license."""
    tensors, card = prepare_for_publication(source, half=half, terms=terms)
    if half and data:  # measure the rounded weights
        save(copy, tensors, card)
    if data:
        result = evaluate_weights(copy if half else source, data, "test", "auto", progress).result
        measured = {f"test/{key}": result[key] for key in ("images", "correct", "top1", "topk")}
        card = card.model_copy(update={"metrics": card.metrics | measured})
    save(copy, tensors, card)
