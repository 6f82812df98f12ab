"""Predictions for picture files, with the same warnings as on the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.data.decode import decode
from explorer.data.source import bounded
from explorer.errors import InputError, printable, shown
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.answers import ask
from explorer.prediction.classify import ClassProbability
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.prediction.verdict import Verdict, verdict


@dataclass(frozen=True)
class Prediction:
    """The result for one picture file: its most likely classes, or an error.

    Attributes:
        image: File as the user named it.
        top: Most likely classes. Empty if the picture can't be read.
        verdict: Verdict on the answer. None if the picture can't be read.
        error: Sentence that says why the picture can't be read.
    """

    image: str
    top: tuple[ClassProbability, ...] = ()
    verdict: Verdict | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the prediction as JSON-ready values, as ``predict --json`` prints it."""
        top = [{"class": one.name, "index": one.index, "probability": one.probability} for one in self.top]
        values: dict[str, Any] = {"image": self.image, "top": top}
        if self.verdict is None:
            return values | {"error": self.error}
        warnings = [{"code": str(one.code), "message": one.message} for one in self.verdict.warnings]
        return values | {"sure": self.verdict.is_sure, "warnings": warnings, "notes": list(self.verdict.notes)}


def predict(
    network: Network, paths: Sequence[str | Path], count: int, *, invert: bool = False, find_ink: bool = False
) -> Iterator[Prediction]:
    """Yields a prediction for each picture file, in order.

    Args:
        network: Network to ask.
        paths: Paths of the pictures.
        count: Number of classes for each picture.
        invert: Whether to invert light and dark.
        find_ink: Whether to give the network only the strokes, framed like its own images.

    Raises:
        InputError: If the network does not take pictures, its outputs are not finite, or strokes are asked for and it
            was not trained with strokes.
    """
    if find_ink:
        ink.check(network.card)
    pictures = [replace(_picture(path, number), inverted=invert) for number, path in enumerate(paths)]
    inputs = [ink.strokes_only(one, network.card) if find_ink else one for one in pictures]
    for path, answer in zip(paths, ask(network, inputs, lambda _ahead: None), strict=True):
        if answer.probabilities is None:
            yield Prediction(str(path), error=answer.error)
        else:
            yield Prediction(str(path), answer.top(count), verdict(answer))


def _picture(name: str | Path, number: int) -> Picture:
    return Picture(
        printable(name) or shown(name), ("file", number, str(name)), partial(_read, name),
        spread=partial(_read, name, None, spread=True),
    )  # fmt: skip


def _read(name: str | Path, channels: int | None, *, spread: bool = False) -> Tensor:
    place, path = printable(name) or shown(name), Path(name)
    try:
        if not path.is_file() and path.exists():  # reading a pipe could block forever
            raise InputError(_("{place} can't be read: it is not a file").format(place=place))
        with path.open("rb") as file:
            return decode(bounded(file, path), place, channels, spread=spread)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = error.strerror if isinstance(error, OSError) else _("no file can have such a name")
        raise InputError(_("{place} can't be read: {reason}").format(place=place, reason=reason)) from None
