"""Trained weights: a safetensors file whose header holds the card as JSON, and the card once more beside it."""

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as encode
from torch import Tensor, nn

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, shown
from explorer.files import whole
from explorer.i18n import _
from explorer.models import build
from explorer.settings import settings
from explorer.specs import Spec, parse_spec
from explorer.specs.base import explain

CARD = "card"  # key in the header's metadata


class Card(BaseModel):
    """What goes with the numbers: how to rebuild the network, feed it, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    name: str
    spec: dict[str, Any]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
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
        """The card of a file.

        Raises:
            InputError: naming file, key and rule.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(
                _("{file}: its card breaks a rule: {fault}").format(file=place, fault=explain(error.errors()[0]))
            ) from None


def save(path: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Write weights with their card, and the card as ``.json`` beside; whole or not at all.

    Raises:
        OSError: where the file can't be written.
    """
    text = json.dumps(card.model_dump(mode="json"), ensure_ascii=False)
    kept = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with whole(path, durable=True) as part:
        part.write_bytes(encode(kept, metadata={CARD: text}))  # save_file would hide the errno of a full disk
    with whole(path.with_suffix(".json"), durable=True) as part:
        part.write_text(json.dumps(json.loads(text), ensure_ascii=False, indent=1), encoding="utf-8")


def find(text: str) -> Path:
    """The weights that a user names: a path, or the id of a job, whose best epoch is meant.

    Raises:
        InputError: where there is no such file.
    """
    try:
        path = Path(text)
        if path.is_file():
            return path
        if text.isalnum() and (best := settings().runs_dir / text / "best.safetensors").is_file():
            return best
    except OSError:  # no access, or a name longer than names may be
        pass
    raise InputError(
        _("weights: {value} is neither a file nor the id of a job that has kept weights").format(value=shown(text))
    )


def read(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Tensors by name, on the CPU, and the card.

    Raises:
        InputError: where the file is gone, damaged, or has no card.
    """
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(CARD)
            if text is None:
                raise InputError(_("{file} has no card: the explorer did not write it").format(file=path))
            return {name: file.get_tensor(name) for name in file.keys()}, Card.parse(text, path)  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(_("{file} can't be read as weights: {reason}").format(file=path, reason=error)) from None


def pth_bytes(path: Path) -> bytes:
    """The tensors of a file as PyTorch's own ``.pth``: what ``torch.save`` writes of a state dict, without the card.

    Raises:
        InputError: as :func:`read` does.
    """
    tensors, _card = read(path)
    file = BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


def load(path: Path) -> tuple[nn.Module, Card]:
    """The network with its weights, in float32 and evaluation mode, and its card.

    Raises:
        InputError: where the file can't be read or the tensors don't fit the card's spec.
    """
    tensors, card = read(path)
    network = build(card.network_spec, "meta")
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    for name in wanted.keys() ^ tensors.keys():
        raise InputError(
            _("{file}: the tensor {name} is missing").format(file=path, name=name)
            if name in wanted
            else _("{file}: the tensor {name} is not part of the network").format(file=path, name=name)
        )
    for name, shape in wanted.items():
        if tensors[name].shape != shape:
            raise InputError(
                _("{file}: the tensor {name} is {found}, and the network's is {needed}").format(
                    file=path, name=name, found=tuple(tensors[name].shape), needed=tuple(shape)
                )
            )
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor.to(torch.float32)
    network.load_state_dict(tensors, assign=True)
    return network.eval(), card
