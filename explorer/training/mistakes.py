"""The wrong answers with the highest confidence on the test images: ``mistakes.json`` of a run."""

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
from explorer.files import atomic_write

MAX_MISTAKES = 60
SIDE = 96  # largest side of a picture in pixels


class Mistake(NamedTuple):
    """A wrong answer.

    Attributes:
        image: Position of the image in its split.
        truth: True class.
        predicted: Predicted class.
        probability: Probability of the predicted class, from 0 to 1.
    """

    image: int
    truth: int
    predicted: int
    probability: float


class Mistakes:
    """Evaluation callback that keeps the wrong answers with the highest confidence.

    The answers stay on the device, so that the evaluation doesn't wait for them.
    """

    def __init__(self, shares: Iterable[slice], device: torch.device) -> None:
        """Starts with no answers.

        Args:
            shares: Images of the split in each of the batches to come, in ascending order.
            device: Device of the batches.
        """
        self._shares = iter(shares)
        self._probability = torch.zeros(0, device=device)
        self._facts = torch.zeros(0, 3, dtype=torch.int64, device=device)  # image, truth, predicted

    def add(self, logits: Tensor, labels: Tensor, predicted: Tensor) -> None:
        """Receives the next batch.

        Args:
            logits: Scores, float32, (B, classes).
            labels: True classes, int64, (B,).
            predicted: Predicted classes, int64, (B,).
        """
        share = next(self._shares)
        indices = torch.arange(share.start, share.stop, device=labels.device)
        confidence = logits.softmax(1).gather(1, predicted[:, None])[:, 0].masked_fill(predicted == labels, 0)
        probability = torch.cat((self._probability, confidence))
        facts = torch.cat((self._facts, torch.stack((indices, labels, predicted), dim=1)))
        order = probability.argsort(descending=True, stable=True)[:MAX_MISTAKES]  # ties: the first images
        self._probability, self._facts = probability[order], facts[order]

    def worst(self) -> list[Mistake]:
        """Returns the mistakes of all processes, highest confidence first. Every process has to call it."""
        both = zip(self._facts.tolist(), self._probability.tolist(), strict=True)
        own = [Mistake(image, truth, predicted, sure) for (image, truth, predicted), sure in both if sure]
        all_processes = [own]
        if torch.distributed.is_initialized():
            all_processes *= torch.distributed.get_world_size()
            torch.distributed.all_gather_object(all_processes, own)
        found = [mistake for part in all_processes for mistake in part]
        return sorted(found, key=lambda mistake: (-mistake.probability, mistake.image))[:MAX_MISTAKES]


def to_dicts(mistakes: Iterable[Mistake], split: Split, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Returns mistakes with their pictures as JSON-ready values.

    Raises:
        InputError: If a file of the split is gone or can't be read. Names the file.
    """
    return [
        {
            "index": mistake.image,
            "truth": classes[mistake.truth],
            "predicted": classes[mistake.predicted],
            "probability": mistake.probability,
            "image": data_url(split.images[mistake.image]),
        }
        for mistake in mistakes
    ]


def write(path: Path, mistakes: Iterable[Mistake], split: Split, classes: tuple[str, ...]) -> None:
    """Writes mistakes with their pictures.

    Raises:
        InputError: If a file of the split is gone or can't be read. Names the file.
        OSError: If the disk is full.
    """
    text = json.dumps(to_dicts(mistakes, split, classes), ensure_ascii=False)
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def data_url(image: Tensor) -> str:
    """Returns a uint8 image, (C, H, W), as the data URL of a PNG. Shrinks it to at most 96 pixels a side."""
    pixels = image.permute(1, 2, 0).numpy()
    shown = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    shown.thumbnail((SIDE, SIDE))
    file = BytesIO()
    shown.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
