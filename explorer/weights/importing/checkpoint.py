"""Reads any checkpoint file as named tensors."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import InputError, printable
from explorer.families.building import build, unfit
from explorer.i18n import _
from explorer.weights.files import CARD, Card
from explorer.weights.importing.conversion import Answer, convert
from explorer.weights.importing.kinds import Kind, kind_of
from explorer.weights.importing.mapped import check_kind, check_values, mapped
from explorer.weights.importing.reparametrised import computed
from explorer.weights.importing.tied_weights import second_copies, second_names
from explorer.weights.importing.wrappers import Found, unwrap


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file, checked and safe.

    Attributes:
        tensors: Tensors by their names without wrappers and prefixes, on the CPU, mapped from a safetensors file.
        ordered: Whether the order is that of registration in the original network. Safetensors files sort by name.
        beside: Other values of the file, JSON-ready: ``{"epoch": 12, "classes": ["cat", "dog"]}``.
        ignored: Names of what was left out: tied copies, and whole states such as ``optimizer``.
        notes: Sentences about what was opened, removed from names and left out.
        card: Card, if the file is one of this product and its tensors are those of the card's network.
    """

    tensors: dict[str, Tensor]
    ordered: bool
    beside: dict[str, Any]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    card: Card | None = None


@contextmanager
def opened(path: Path, name: str) -> Iterator[Checkpoint]:
    """Opens a checkpoint of any kind. Removes temporary files after the block.

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
    kind = kind_of(path)
    if kind is Kind.SAFETENSORS:
        tensors, metadata = mapped(path)
        metadata.pop("format", None)  # "pt" has no information
        text = metadata.pop(CARD, None)
        notes: tuple[str, ...] = ()
        if text is not None:
            try:
                return _checked(_with_card(tensors, text))
            except InputError as error:
                notes = (_("Its card counts for nothing: {fault}").format(fault=printable(error)),)
        found = unwrap(metadata | tensors)
        checkpoint = Checkpoint(found.tensors, ordered=False, **_around(found))
        checkpoint = replace(checkpoint, notes=(*notes, *checkpoint.notes))
    else:
        # Windows can't delete a mapped file, so errors of the cleanup are ignored.
        folder = tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True)
        output = Path(stack.enter_context(folder), "converted.safetensors")
        tensors, answer = convert(path, kind, output)
        checkpoint = Checkpoint(tensors, ordered=True, **_around(answer))
    return _checked(checkpoint)


def _with_card(tensors: dict[str, Tensor], text: str) -> Checkpoint:
    """Returns the checkpoint of a file with a card of this product. The card may be forged, so it is only data.

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
    return Checkpoint(tensors, ordered=False, beside={}, ignored=(), notes=(), card=card)


def _around(found: Found | Answer) -> dict[str, Any]:
    return {"beside": found.beside, "ignored": found.ignored, "notes": found.notes}


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    for name, tensor in checkpoint.tensors.items():
        check_kind(name, tensor)
        check_values(name, tensor)
    if checkpoint.card is not None:  # its network has every tensor, including tied copies
        return checkpoint
    tensors, notes = computed(checkpoint.tensors)
    if notes:
        for name, tensor in tensors.items():
            check_values(name, tensor)
    checkpoint = replace(checkpoint, tensors=tensors, notes=(*checkpoint.notes, *notes))
    copies = second_copies(checkpoint.tensors)
    if not copies:
        return checkpoint
    return replace(
        checkpoint,
        tensors={name: tensor for name, tensor in checkpoint.tensors.items() if name not in copies},
        ignored=(*checkpoint.ignored, *copies),
        notes=(*checkpoint.notes, second_names(len(copies))),
    )
