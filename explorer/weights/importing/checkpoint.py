"""Reads any checkpoint file as named tensors."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import InputError, printable
from explorer.families.building import build, unfit
from explorer.i18n import _
from explorer.weights.files import CARD, Card
from explorer.weights.importing.conversion import convert
from explorer.weights.importing.file_formats import FileFormat, detect_format
from explorer.weights.importing.mapped import check_type, check_values, map_tensors
from explorer.weights.importing.reparametrised import compute_weights
from explorer.weights.importing.tied_weights import tied_copies, tied_note
from explorer.weights.importing.wrappers import unwrap


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file, checked and safe.

    Attributes:
        tensors: Tensors by their names without wrappers and prefixes, on the CPU, mapped from a safetensors file.
        ordered: Whether the order is that of registration in the original network. Safetensors files sort by name.
        metadata: Other values of the file, JSON-ready: ``{"epoch": 12, "classes": ["cat", "dog"]}``.
        ignored: Names of left-out tensors and states: tied copies, ``optimizer`` and so on.
        notes: Sentences about the tensors that were chosen, their names, and left-out values.
        card: Card, if the file is one of this product and its tensors are those of the card's network.
    """

    tensors: dict[str, Tensor]
    ordered: bool
    metadata: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    card: Card | None = None


@contextmanager
def open_checkpoint(path: Path, name: str) -> Iterator[Checkpoint]:
    """Opens a checkpoint of any format. Removes temporary files after the block.

    Args:
        path: Path of the file.
        name: Name of the file for messages.

    Raises:
        InputError: If it can't be read. Names file and fault.
    """
    with ExitStack() as stack:
        try:
            checkpoint = _read(path, stack)
        except InputError as error:
            raise InputError(_("{file}: {fault}").format(file=printable(name), fault=error)) from None
        yield checkpoint


def _read(path: Path, stack: ExitStack) -> Checkpoint:
    file_format = detect_format(path)
    if file_format is FileFormat.SAFETENSORS:
        tensors, metadata = map_tensors(path)
        metadata.pop("format", None)  # always "pt"
        text = metadata.pop(CARD, None)
        notes: tuple[str, ...] = ()
        if text is not None:
            try:
                return _checked(_with_card(tensors, text))
            except InputError as error:
                notes = (_("Its card is ignored: {fault}").format(fault=printable(error)),)
        unwrapped = unwrap(metadata | tensors)
        notes = (*notes, *unwrapped.notes)
        checkpoint = Checkpoint(
            unwrapped.tensors, ordered=False, metadata=unwrapped.metadata, ignored=unwrapped.ignored, notes=notes
        )
    else:
        # Windows can't delete a mapped file, so errors of the cleanup are ignored.
        folder = tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True)
        output = Path(stack.enter_context(folder), "converted.safetensors")
        tensors, answer = convert(path, file_format, output)
        checkpoint = Checkpoint(
            tensors, ordered=True, metadata=answer.metadata, ignored=answer.ignored, notes=answer.notes
        )
    return _checked(checkpoint)


def _with_card(tensors: dict[str, Tensor], text: str) -> Checkpoint:
    """Returns the checkpoint of a file with a card of this product. The card may be forged, so it is not trusted.

    Raises:
        InputError: If the card breaks a rule, or belongs to another network.
    """
    card = Card.parse(text, Path(CARD))
    try:
        card.model_dump_json()
    except ValueError:
        raise InputError(_("it is nested too deeply")) from None
    if fault := unfit(build(card.network_spec, "meta"), tensors):
        raise InputError(fault)
    return Checkpoint(tensors, ordered=False, card=card)


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    for name, tensor in checkpoint.tensors.items():
        check_type(name, tensor)
        check_values(name, tensor)
    if checkpoint.card is not None:  # its network needs all tensors, including tied copies
        return checkpoint
    tensors, notes = compute_weights(checkpoint.tensors)
    if notes:
        for name, tensor in tensors.items():
            check_values(name, tensor)
    checkpoint = replace(checkpoint, tensors=tensors, notes=(*checkpoint.notes, *notes))
    copies = tied_copies(checkpoint.tensors)
    if not copies:
        return checkpoint
    return replace(
        checkpoint,
        tensors={name: tensor for name, tensor in checkpoint.tensors.items() if name not in copies},
        ignored=(*checkpoint.ignored, *copies),
        notes=(*checkpoint.notes, tied_note(len(copies))),
    )
