"""Exports of trained weights, each with its card in a second file."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from explorer.errors import InputError
from explorer.exports.run import trained_onnx, translate_errors
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import check_card_path, prepare_for_publication, read, read_card, save, save_card, write_pth
from explorer.workers.progress import Progress, silent

WEIGHT_FORMATS = ("safetensors", "pth", "onnx")


def export_weights(
    source: Path,
    name: str,
    target: Path,
    progress: Progress = silent,
    *,
    half: bool = False,
    data: str | None = None,
    terms: str | None = None,
    fold: bool = False,
) -> int:
    """Writes weights to a file, and their card to a ``.json`` file with the same name.

    Args:
        source: Path of the weights.
        name: Format, one of :data:`WEIGHT_FORMATS`; ``pth`` and ``onnx`` are in float32.
        target: Path of the file; an existing file is replaced.
        progress: Function that shows the progress.
        half: Whether to round to float16, for ``safetensors``.
        data: Data set whose test set measures the weights as written, for the card.
        terms: License for the card.
        fold: Whether to fold batch norm, for ``onnx``.

    Returns:
        Size of the file in bytes.

    Raises:
        InputError: If weights, data and format don't fit, the file can't be written, or an existing ``.json`` file is
            not a card and would be lost.
        ExplorerError: If the process of the ONNX export failed.
    """
    if half and name != "safetensors":
        raise InputError(
            _("half: {name} files are in float32; only safetensors can be in half precision").format(name=name)
        )
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
                        trained_onnx(source, card.network_spec, part, lambda note: progress(note, 0, 0), fold=fold)
                save_card(target, card)
            return target.stat().st_size


def onnx_bytes(source: Path, on_progress: Callable[[str], None], *, fold: bool = False) -> bytes:
    """Returns weights as the content of an ONNX file.

    Args:
        source: Path of the weights.
        on_progress: Function that shows a message, called several times a second.
        fold: Whether to fold batch norm.

    Raises:
        InputError: If the file can't be read, or is too large for the format or the machine.
        ExplorerError: If the process failed.
    """
    spec = read_card(source).network_spec
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "weights.onnx")
        trained_onnx(source, spec, part, on_progress, fold=fold)
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
