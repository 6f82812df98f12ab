"""The result of an import: a network that runs, and the weights file to which it is saved."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.weights.files import Card, check_card_path, save
from explorer.weights.registry import SUFFIX


@dataclass(frozen=True)
class ImportResult:
    """The result of an import.

    Attributes:
        weights: Path of the weights file.
        card: Card in its header.
        ignored: Names of tensors and states that were left out.
        notes: Sentences about the steps and assumptions of the import.
    """

    weights: Path
    card: Card
    ignored: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values."""
        return {
            "spec": self.card.spec,
            "weights": str(self.weights),
            "classes": list(self.card.classes),
            "preprocessing": self.card.preprocessing,
            "ignored": list(self.ignored),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ProvedNetwork:
    """A network that was run successfully, before it is saved.

    Attributes:
        tensors: Tensors under the names of the network's own family.
        card: Card of the weights.
        ignored: Names of tensors and states that were left out.
        notes: Sentences about the steps and assumptions of the import.
    """

    tensors: dict[str, Tensor]
    card: Card
    ignored: tuple[str, ...]
    notes: tuple[str, ...]

    def save(self, output: Path) -> ImportResult:
        """Writes the weights atomically.

        Raises:
            InputError: If the file can't be written.
        """
        try:
            save(output, self.tensors, self.card)
        except OSError as error:
            raise InputError(
                _("output: can't write {path}: {reason}").format(
                    path=shown(str(output)), reason=error.strerror or error
                )
            ) from None
        return ImportResult(output, self.card, self.ignored, self.notes)


def check_output(output: Path, path: Path) -> None:
    """Checks early that the weights file can be written.

    Args:
        output: Path of the weights file.
        path: Path of the checkpoint.

    Raises:
        InputError: If it can't, if it is the checkpoint itself, or if its card would replace another file.
    """
    if output.suffix != SUFFIX:
        raise InputError(_("output: {path} does not end in {suffix}").format(path=shown(str(output)), suffix=SUFFIX))
    try:
        if not output.parent.is_dir():
            raise InputError(_("output: there is no folder {path}").format(path=shown(str(output.parent))))
        if output.exists() and path.exists() and output.samefile(path):
            raise InputError(_("output: {path} is the checkpoint itself").format(path=shown(str(output))))
        check_card_path(output)
    except OSError as error:
        raise InputError(
            _("output: can't write {path}: {reason}").format(path=shown(str(output)), reason=error.strerror)
        ) from None
