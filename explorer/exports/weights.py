"""Trained weights as a file for another program, with their card beside."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from explorer.errors import InputError
from explorer.exports.run import trained_onnx, translate_errors
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.training.measure import measure
from explorer.weights.files import check_card_path, prepare_for_publication, read, read_card, save, save_card, write_pth
from explorer.workers.progress import Progress, silent

OF_WEIGHTS = ("safetensors", "pth", "onnx")


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
    """Write weights in one of :data:`OF_WEIGHTS` and their card as ``.json`` beside.

    Args:
        source: a weights file.
        name: of the format. ``pth`` and ``onnx`` are in float32.
        target: the file; one that is there is replaced.
        progress: told how far it is.
        half: round to float16; for ``safetensors``.
        data: measure the weights, rounded as they are written, on the test set of these data, and put that on the card.
        terms: the license that goes on the card.
        fold: for ``onnx``, whether batch norm goes into the layers before it.

    Returns:
        Size of the file in bytes.

    Raises:
        InputError: where weights, data and format don't fit, the file can't be written, or a ``.json`` beside it is
            no card and would be lost.
        ExplorerError: where the process that makes ONNX failed.
    """
    if half and name != "safetensors":
        raise InputError(_("half: {name} files are in float32; safetensors alone can be half").format(name=name))
    check_card_path(target)
    with tempfile.TemporaryDirectory() as folder:
        if half or data or terms:
            copy = Path(folder, "weights.safetensors")
            _publish(source, copy, progress, half=half, data=data, terms=terms)
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
    """Weights as an ONNX file in memory.

    Args:
        source: a weights file.
        on_progress: told a sentence, several times a second.
        fold: whether batch norm goes into the layers before it.

    Raises:
        InputError: where the file can't be read, or is too large for the format or the machine.
        ExplorerError: where the process failed.
    """
    spec = read_card(source).network_spec
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "weights.onnx")
        trained_onnx(source, spec, part, on_progress, fold=fold)
        return part.read_bytes()


def _publish(source: Path, copy: Path, progress: Progress, *, half: bool, data: str | None, terms: str | None) -> None:
    """Copy weights, rounded, and with a card that says what these get right and under which terms they are."""
    tensors, card = prepare_for_publication(source, half=half, terms=terms)
    if half and data:  # what is left after rounding is measured
        save(copy, tensors, card)
    if data:
        result = measure(copy if half else source, data, "test", "auto", progress).result
        measured = {f"test/{key}": result[key] for key in ("images", "correct", "top1", "topk")}
        card = card.model_copy(update={"metrics": card.metrics | measured})
    save(copy, tensors, card)
