"""Trained weights: a safetensors file whose header holds the card as JSON, and the card once more beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as encode
from torch import Tensor, nn

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, readable, shown
from explorer.families import Spec, parse_spec
from explorer.families.building import build, fill, state_dict, unfit
from explorer.files import whole
from explorer.i18n import _, ngettext
from explorer.specs.base import explain
from explorer.specs.reading import decode, legible, read_json

CARD = "card"  # key in the header's metadata
MAX_NAME = 500  # characters of what a card or a class is called
MAX_HEADER = 16_000_000  # bytes of what stands before the numbers


class Card(BaseModel):
    """What goes with the numbers: how to rebuild the network, feed it, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    name: Annotated[str, Field(max_length=MAX_NAME)]
    spec: dict[str, Any]
    classes: Annotated[tuple[Annotated[str, Field(max_length=MAX_NAME)], ...], Field(min_length=1)]
    preprocessing: dict[str, Any]
    metrics: dict[str, Any] = {}
    data: dict[str, Any] = {}
    recipe: dict[str, Any] | None = None
    made_by: dict[str, Any] = {}
    license: str | None = None

    @property
    def network_spec(self) -> Spec:
        """The network.

        Raises:
            SpecError: where the spec breaks a rule.
        """
        return parse_spec(self.spec)

    @property
    def inputs(self) -> Preprocessing:
        """What is done to an image first."""
        return Preprocessing.from_dict(self.preprocessing)

    @classmethod
    def parse(cls, text: str, place: Path) -> Self:
        """The card of a file, whose parts fit each other.

        Raises:
            InputError: naming file, key and rule.
        """
        try:
            data = decode(text, CARD)
            card = cls.model_validate(data)
            json.dumps(data, allow_nan=False)
            card._check()
        except ValidationError as error:
            fault = explain(error.errors()[0])
        except InputError as error:
            fault = str(error)
        except ValueError:
            fault = _("it holds a number that is not finite")
        else:
            return card
        raise InputError(_("{file}: its card breaks a rule: {fault}").format(file=place, fault=fault))

    def _check(self) -> None:
        spec, inputs = self.network_spec, self.inputs
        if len(self.classes) != spec.num_classes:
            raise InputError(
                _("classes: {count} names, while the network has {expected} outputs").format(
                    count=len(self.classes), expected=spec.num_classes
                )
            )
        if not all(map(readable, self.classes)):
            raise InputError(_("classes: a name has characters that can't be seen"))
        if not readable(self.name):
            raise InputError(_("name: {value} has characters that can't be seen").format(value=shown(self.name)))
        for key, text in (("data.name", self.data.get("name")), ("made_by.job", self.made_by.get("job"))):
            if not isinstance(text, str | None):
                raise InputError(_("{place}: {value} is not text").format(place=key, value=shown(text)))
        for key, value in self.metrics.items():
            share = isinstance(value, int | float) and 0 <= value <= 1
            if key.endswith("/top1") and not key.startswith("imported/") and value is not None and not share:
                raise InputError(
                    _("metrics, {key}: {value} is not a fraction from 0 to 1").format(
                        key=shown(key), value=shown(value)
                    )
                )
        if inputs.size != spec.image_size:
            raise InputError(
                _("preprocessing.size: {value}, while the network takes images of {expected} pixels").format(
                    value=inputs.size, expected=spec.image_size
                )
            )
        if len(inputs.mean) not in {1, spec.in_channels}:
            raise InputError(
                ngettext(
                    "preprocessing.mean: {count} entries, while the network takes {expected} channel",
                    "preprocessing.mean: {count} entries, while the network takes {expected} channels",
                    spec.in_channels,
                ).format(count=len(inputs.mean), expected=spec.in_channels)
            )


def check_beside(target: Path) -> None:
    """Keep the card of a file from taking the place of something else.

    Raises:
        InputError: where what is beside is no card.
    """
    if target.is_dir():
        return  # writing says so
    card = target.with_suffix(".json")
    if card == target:
        raise InputError(_("output: {file} is the name of the card; end the file's otherwise").format(file=target))
    try:
        if card.exists() and not card.is_file():
            raise ValueError
        if card.exists():
            Card.model_validate(read_json(card, CARD))
    except (OSError, ValueError, InputError):
        raise InputError(
            _("output: the card would take the place of {file}, which is none; choose another name").format(file=card)
        ) from None


def save(path: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Write weights with their card, and the card as ``.json`` beside; whole or not at all.

    Raises:
        OSError: where the file can't be written.
    """
    text = json.dumps(_document(card), ensure_ascii=False)
    kept = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with whole(path, durable=True) as part, whole(path.with_suffix(".json"), durable=True) as beside:
        part.write_bytes(encode(kept, metadata={CARD: text}))  # save_file would hide the errno of a full disk
        _write_card(beside, card)


def save_card(path: Path, card: Card) -> None:
    """Write the card of a file beside it.

    Raises:
        OSError: where it can't be written.
    """
    with whole(path.with_suffix(".json"), durable=True) as part:
        _write_card(part, card)


def _write_card(part: Path, card: Card) -> None:
    part.write_text(json.dumps(_document(card), ensure_ascii=False, indent=1), encoding="utf-8")


def _document(card: Card) -> Any:
    """A card as JSON that is read again; numbers that are not finite are null: JSON has none."""
    return legible(json.loads(json.dumps(card.model_dump()), parse_constant=lambda _name: None))


def prepared(source: Path, *, half: bool = False, terms: str | None = None) -> tuple[dict[str, Tensor], Card]:
    """Weights as they are given to others.

    Args:
        source: a weights file.
        half: round to float16.
        terms: the license that goes on the card.

    Raises:
        InputError: where the file can't be read, or holds numbers that float16 can't.
    """
    tensors, card = read(source)
    if half:
        tensors = halved(tensors)
        card = card.model_copy(update={"made_by": card.made_by | {"precision": "float16"}})
    if terms:
        card = card.model_copy(update={"license": terms})
    return tensors, card


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same rounded to float16: half the size, for nearly all networks the same answers.

    Raises:
        InputError: naming a tensor with numbers that float16 can't hold.
    """
    rounded = {}
    for name, tensor in tensors.items():
        rounded[name] = tensor.half() if tensor.is_floating_point() else tensor
        if tensor.isfinite().all() and not rounded[name].isfinite().all():
            raise InputError(
                _("half precision: {name} has a number of {value:g}, and {limit:g} is the largest").format(
                    name=name, value=tensor.abs().max().item(), limit=torch.finfo(torch.float16).max
                )
            )
    return rounded


def single(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with floating-point numbers as float32, in which everything is computed."""
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def read(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Tensors by name as they are stored, mapped from the file, and the card.

    Raises:
        InputError: where the file is gone, damaged, or has no card.
    """
    with _opened(path) as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, _header(file, path)


def read_card(path: Path) -> Card:
    """The card alone, from the header: quick for any size.

    Raises:
        InputError: where the file is gone, damaged, or has no card.
    """
    with _opened(path) as file:
        return _header(file, path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as start:
            header = int.from_bytes(start.read(8), "little")
        if header > MAX_HEADER:
            raise InputError(
                _(
                    "{file} can't be read as weights: a header of {count:,} bytes would come first, "
                    "and {limit:,} are the most"
                ).format(file=path, count=header, limit=MAX_HEADER)
            )
        with safe_open(path, "pt") as file:
            yield file
    except OSError as error:
        raise InputError(
            _("{file} can't be read as weights: {reason}").format(file=path, reason=error.strerror or _("no access"))
        ) from None
    except SafetensorError:
        raise InputError(
            _("{file} can't be read as weights: it is damaged, or no safetensors file").format(file=path)
        ) from None


def _header(file: Any, path: Path) -> Card:
    text = (file.metadata() or {}).get(CARD)
    if text is None:
        raise InputError(_("{file} has no card: the explorer did not write it").format(file=path))
    return Card.parse(text, path)


def write_pth(path: Path, file: Path | BinaryIO) -> None:
    """The tensors of a file as PyTorch's own ``.pth``: what ``torch.save`` writes of a state dict, in float32.

    Raises:
        InputError: as :func:`read` does.
        OSError: where the file can't be written.
    """
    tensors, card = read(path)
    torch.save(state_dict(build(card.network_spec, "meta"), single(tensors)), file)


def pth_bytes(path: Path) -> bytes:
    """What :func:`write_pth` writes, in memory.

    Raises:
        InputError: as :func:`read` does.
    """
    file = BytesIO()
    write_pth(path, file)
    return file.getvalue()


def load(path: Path) -> tuple[nn.Module, Card]:
    """The network with its weights, in float32 and evaluation mode, and its card.

    Raises:
        InputError: where the file can't be read or the tensors don't fit the card's spec.
    """
    tensors, card = read(path)
    network = build(card.network_spec, "meta")
    if fault := unfit(network, tensors):
        raise InputError(_("{file}: {fault}").format(file=path, fault=fault))
    fill(network, single(tensors), assign=True)
    return network.eval(), card
