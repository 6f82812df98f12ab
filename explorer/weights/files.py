"""Weights files: safetensors with the card as JSON in the header, and a copy of the card in a JSON file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
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
from explorer.families import NamedNetwork, Spec, parse_spec
from explorer.families.building import build, fill, state_dict, unfit
from explorer.files import atomic_write
from explorer.i18n import _, ngettext
from explorer.specs.base import explain
from explorer.specs.reading import decode, legible, read_json

CARD = "card"  # key in the header's metadata
MAX_NAME = 500  # characters of the name of a card or a class
MAX_HEADER = 16_000_000  # bytes of the header


@lru_cache(maxsize=1000)
def _parsed(spec: str) -> Spec:
    """Return a spec from its JSON. Each run of a page asks for the specs of all cards."""
    return parse_spec(json.loads(spec))


class Card(BaseModel):
    """The card of weights: how to rebuild the network, how to prepare its images, and where the weights come from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    name: Annotated[str, Field(max_length=MAX_NAME)]
    spec: dict[str, Any]
    base: Annotated[str, Field(max_length=MAX_NAME)] = ""
    classes: Annotated[tuple[Annotated[str, Field(max_length=MAX_NAME)], ...], Field(min_length=1)]
    preprocessing: dict[str, Any]
    metrics: dict[str, Any] = {}
    data: dict[str, Any] = {}
    recipe: dict[str, Any] | None = None
    made_by: dict[str, Any] = {}
    license: str | None = None

    @property
    def network_spec(self) -> Spec:
        """Spec of the network.

        Raises:
            SpecError: If the spec breaks a rule.
        """
        return _parsed(json.dumps(self.spec))

    @property
    def network(self) -> NamedNetwork:
        """Network and the name of what it was made from, if the card has it.

        Raises:
            SpecError: If the spec breaks a rule.
        """
        return NamedNetwork.from_record(self.spec, self.base)

    @property
    def inputs(self) -> Preprocessing:
        """Preprocessing of the images."""
        return Preprocessing.from_dict(self.preprocessing)

    @classmethod
    def parse(cls, text: str, place: Path) -> Self:
        """Parses the card of a file and checks that its parts fit each other.

        Raises:
            InputError: If the card breaks a rule. Names file, key and rule.
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
            raise InputError(_("classes: a name has invisible characters"))
        if not readable(self.name):
            raise InputError(_("name: {value} has invisible characters").format(value=shown(self.name)))
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


def check_card_path(target: Path) -> None:
    """Checks that the JSON file of a card would not replace another file.

    Args:
        target: Path of the weights file.

    Raises:
        InputError: If the existing JSON file is not a card.
    """
    if target.is_dir():
        return  # writing raises the error
    card = target.with_suffix(".json")
    if card == target:
        raise InputError(
            _("output: {file} is the name of the card; choose another ending for the weights").format(file=target)
        )
    with suppress(OSError):
        if not card.exists() or is_card(card):
            return
    raise InputError(
        _("output: the card would overwrite {file}, which is not a card; choose another name").format(file=card)
    )


def is_card(path: Path) -> bool:
    """Returns whether a JSON file is the card of weights, and not another file with the same name."""
    try:
        Card.model_validate(read_json(path, CARD))
    except (InputError, ValidationError):
        return False
    return True


def save(path: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Writes weights with their card, and the card as a ``.json`` file. Both files are written atomically.

    Raises:
        OSError: If the file can't be written.
    """
    text = json.dumps(_document(card), ensure_ascii=False)
    contiguous = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with atomic_write(path, durable=True) as part, atomic_write(path.with_suffix(".json"), durable=True) as card_part:
        part.write_bytes(encode(contiguous, metadata={CARD: text}))  # save_file would hide the errno of a full disk
        _write_card(card_part, card)


def save_card(path: Path, card: Card) -> None:
    """Writes the JSON file of a card.

    Args:
        path: Path of the weights file.
        card: Card of the weights.

    Raises:
        OSError: If it can't be written.
    """
    with atomic_write(path.with_suffix(".json"), durable=True) as part:
        _write_card(part, card)


def _write_card(part: Path, card: Card) -> None:
    part.write_text(json.dumps(_document(card), ensure_ascii=False, indent=1), encoding="utf-8")


def _document(card: Card) -> Any:
    """Returns a card as valid JSON values. Numbers that are not finite become null, because JSON has none."""
    return legible(json.loads(json.dumps(card.model_dump()), parse_constant=lambda _name: None))


def prepare_for_publication(
    source: Path, *, half: bool = False, terms: str | None = None
) -> tuple[dict[str, Tensor], Card]:
    """Reads weights and their card for publication.

    Args:
        source: Weights file.
        half: Whether to round to float16.
        terms: License for the card.

    Raises:
        InputError: If the file can't be read, or holds numbers beyond float16's range.
    """
    tensors, card = read(source)
    if half:
        tensors = to_float16(tensors)
        card = card.model_copy(update={"made_by": card.made_by | {"precision": "float16"}})
    if terms:
        card = card.model_copy(update={"license": terms})
    return tensors, card


def to_float16(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rounds floating-point tensors to float16. This halves the size, and nearly all networks give the same answers.

    Raises:
        InputError: If a tensor has numbers beyond float16's range. Names the tensor.
    """
    rounded = {}
    for name, tensor in tensors.items():
        rounded[name] = tensor.half() if tensor.is_floating_point() else tensor
        if tensor.isfinite().all() and not rounded[name].isfinite().all():
            raise InputError(
                _("half precision: {name} has a number of {value:g}, and the largest possible is {limit:g}").format(
                    name=name, value=tensor.abs().max().item(), limit=torch.finfo(torch.float16).max
                )
            )
    return rounded


def to_float32(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Converts floating-point tensors to float32, in which networks compute."""
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def read(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Reads the tensors by name, mapped from the file in their stored precision, and the card.

    Raises:
        InputError: If the file is missing, damaged, or has no card.
    """
    with _open(path) as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, _parse_card(file, path)


def read_card(path: Path) -> Card:
    """Reads only the card, from the header. This is fast for any size.

    Raises:
        InputError: If the file is missing, damaged, or has no card.
    """
    with _open(path) as file:
        return _parse_card(file, path)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as start:
            header = int.from_bytes(start.read(8), "little")
        if header > MAX_HEADER:
            raise InputError(
                _(
                    "{file} can't be read as weights: its header would have {count:,} bytes, and at most "
                    "{limit:,} are allowed"
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
            _("{file} can't be read as weights: it is damaged, or not a safetensors file").format(file=path)
        ) from None


def _parse_card(file: Any, path: Path) -> Card:
    text = (file.metadata() or {}).get(CARD)
    if text is None:
        raise InputError(_("{file} has no card: the explorer did not write it").format(file=path))
    return Card.parse(text, path)


def write_pth(path: Path, file: Path | BinaryIO) -> None:
    """Writes the tensors of a weights file as ``.pth``: a state dict in float32, as ``torch.save`` writes it.

    Args:
        path: Weights file.
        file: Path or open file to write to.

    Raises:
        InputError: As in :func:`read`.
        OSError: If the file can't be written.
    """
    tensors, card = read(path)
    torch.save(state_dict(build(card.network_spec, "meta"), to_float32(tensors)), file)


def pth_bytes(path: Path) -> bytes:
    """Returns the bytes that :func:`write_pth` writes.

    Raises:
        InputError: As in :func:`read`.
    """
    file = BytesIO()
    write_pth(path, file)
    return file.getvalue()


def load(path: Path) -> tuple[nn.Module, Card]:
    """Loads a network with its weights, in float32 and evaluation mode, and its card.

    Raises:
        InputError: If the file can't be read, or its tensors don't fit the card's spec.
    """
    tensors, card = read(path)
    network = build(card.network_spec, "meta")
    if fault := unfit(network, tensors):
        raise InputError(_("{file}: {fault}").format(file=path, fault=fault))
    fill(network, to_float32(tensors), assign=True)
    return network.eval(), card
