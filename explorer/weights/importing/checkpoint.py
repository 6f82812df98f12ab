"""A file from elsewhere, whatever it is, as named tensors."""

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
    """What a file from elsewhere holds, made safe.

    Attributes:
        tensors: by their names without wrappers and prefixes, on the CPU, mapped from a safetensors file.
        ordered: whether the order is that in which the file's maker registered them; safetensors files sort by name.
        beside: what stood beside the tensors, ready for JSON: ``{"epoch": 12, "classes": ["cat", "dog"]}``.
        ignored: names of what was left out: second copies, and whole states such as ``optimizer``.
        notes: what was opened, stripped and left out, in words.
        card: where the file is one of this product's, whose tensors are those of the card's network.
    """

    tensors: dict[str, Tensor]
    ordered: bool
    beside: dict[str, Any]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    card: Card | None = None


@contextmanager
def opened(path: Path, name: str) -> Iterator[Checkpoint]:
    """Open a checkpoint of any kind; temporary files are gone after the block.

    Args:
        path: of the file.
        name: what messages call the file.

    Raises:
        InputError: naming file and fault.
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
        metadata.pop("format", None)  # "pt" says nothing
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
        folder = tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True)  # a mapped file on Windows
        output = Path(stack.enter_context(folder), "converted.safetensors")
        tensors, answer = convert(path, kind, output)
        checkpoint = Checkpoint(tensors, ordered=True, **_around(answer))
    return _checked(checkpoint)


def _with_card(tensors: dict[str, Tensor], text: str) -> Checkpoint:
    """A file of this product's, or of somebody who says so: the card is no more than data.

    Raises:
        InputError: where the card breaks a rule, or is another network's.
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
    if checkpoint.card is not None:  # its network has every tensor, copies too
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
