"""The test images that a network gets wrong, and is surest of: ``mistakes.json`` of a run."""

import base64
import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed
from PIL import Image
from torch import Tensor

from explorer.data.dataset import Split
from explorer.files import whole

MOST = 60
SIDE = 96  # pixels that a picture is shrunk to


class Mistake(NamedTuple):
    """A wrong answer.

    Attributes:
        image: its position in its split.
        truth: its class.
        predicted: the class that it was taken for.
        probability: that the network gave to that class.
    """

    image: int
    truth: int
    predicted: int
    probability: float


class Mistakes:
    """Keeps the surest wrong answers of an evaluation, on its device: nothing waits for them before the end."""

    def __init__(self, shares: Iterable[slice], device: torch.device) -> None:
        """Begin with none.

        Args:
            shares: which images of the split each of the coming batches has, in ascending order.
            device: of the batches.
        """
        self._shares = iter(shares)
        self._probability = torch.zeros(0, device=device)
        self._facts = torch.zeros(0, 3, dtype=torch.int64, device=device)  # image, truth, predicted

    def add(self, logits: Tensor, labels: Tensor, predicted: Tensor) -> None:
        """Look at the next batch.

        Args:
            logits: float32, (B, classes).
            labels: int64, (B,).
            predicted: the likeliest classes, int64, (B,).
        """
        share = next(self._shares)
        indices = torch.arange(share.start, share.stop, device=labels.device)
        sure = logits.softmax(1).gather(1, predicted[:, None])[:, 0].masked_fill(predicted == labels, 0)
        probability = torch.cat((self._probability, sure))
        facts = torch.cat((self._facts, torch.stack((indices, labels, predicted), dim=1)))
        kept = probability.argsort(descending=True, stable=True)[:MOST]  # of equal ones the first images
        self._probability, self._facts = probability[kept], facts[kept]

    def worst(self) -> list[Mistake]:
        """The mistakes of all processes, each of which has to call it: the surest first, of equal ones the first."""
        both = zip(self._facts.tolist(), self._probability.tolist(), strict=True)
        mine = [Mistake(image, truth, predicted, sure) for (image, truth, predicted), sure in both if sure]
        every = [mine]
        if torch.distributed.is_initialized():
            every *= torch.distributed.get_world_size()
            torch.distributed.all_gather_object(every, mine)
        found = [mistake for part in every for mistake in part]
        return sorted(found, key=lambda mistake: (-mistake.probability, mistake.image))[:MOST]


def told(mistakes: Iterable[Mistake], split: Split, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Mistakes with their pictures, JSON-ready.

    Raises:
        InputError: naming a file of the split that is gone or can't be read.
    """
    return [
        {
            "index": mistake.image,
            "truth": classes[mistake.truth],
            "predicted": classes[mistake.predicted],
            "probability": mistake.probability,
            "image": picture(split.images[mistake.image]),
        }
        for mistake in mistakes
    ]


def write(path: Path, mistakes: Iterable[Mistake], split: Split, classes: tuple[str, ...]) -> None:
    """Write mistakes with their pictures.

    Raises:
        InputError: naming a file of the split that is gone or can't be read.
        OSError: where the disk is full.
    """
    text = json.dumps(told(mistakes, split, classes), ensure_ascii=False)
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def picture(image: Tensor) -> str:
    """A uint8 image, (C, H, W), as the data URL of a PNG; shrunk to 96 pixels where it is larger."""
    pixels = image.permute(1, 2, 0).numpy()
    shown = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    shown.thumbnail((SIDE, SIDE))
    file = BytesIO()
    shown.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
