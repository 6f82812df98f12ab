"""How good a network is on labelled images: counts, so that several processes add up to exactly the whole set."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.training.batches import Batch

TOP_K = (3, 5)


def tops(classes: int) -> list[int]:
    """The k for which top-k accuracies say something: 3 and 5, and 2 where there are three classes."""
    return sorted({k for k in (min(TOP_K[0], classes - 1), *TOP_K) if 1 < k < classes})


class Witness(Protocol):
    """Is shown every answer of an evaluation."""

    def add(self, logits: Tensor, labels: Tensor, predicted: Tensor) -> None:
        """Look at the next batch: (B, classes) scores, (B,) classes, and the likeliest ones."""


@dataclass(frozen=True)
class Scores:
    """What a network got right.

    Attributes:
        loss: mean cross-entropy in nats.
        confusion: int64, (classes, classes): how many images of a row's class were taken for the column's.
        hits: for each k, how many images have their class among the k likeliest.
    """

    loss: float
    confusion: Tensor
    hits: dict[int, int]

    @property
    def images(self) -> int:
        """Images counted."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Images whose likeliest class is theirs."""
        return int(self.confusion.trace())

    @property
    def top1(self) -> float:
        """The share of correct images, from 0 to 1."""
        return self.correct / self.images

    def named(self, prefix: str) -> dict[str, float]:
        """Loss and accuracies under the names of metrics: ``validation/top1``."""
        tops = {1: self.correct, **self.hits}
        return {
            f"{prefix}/loss": self.loss,
            **{f"{prefix}/top{k}": count / self.images for k, count in tops.items()},
        }

    def to_dict(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """The scores as JSON-ready values; a class without images has null."""
        of_class = self.confusion.sum(1).tolist()
        right = self.confusion.diagonal().tolist()
        return {
            "images": self.images,
            "correct": self.correct,
            "top1": self.top1,
            "topk": {str(k): count / self.images for k, count in self.hits.items()},
            "loss": self.loss,
            "per_class": {
                name: hit / count if count else None for name, hit, count in zip(classes, right, of_class, strict=True)
            },
            "confusion": self.confusion.tolist(),
        }


def counted(batches: Iterable[Batch], images: int, told: Callable[[int, int], None]) -> Iterator[Batch]:
    """The same batches; after each somebody is told how many images of how many are done."""
    done = 0
    for batch in batches:
        yield batch
        done += batch.total
        told(done, images)


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    batches: Iterable[Batch],
    classes: int,
    device: torch.device,
    witnesses: Sequence[Witness] = (),
) -> Scores:
    """Run a network over a set in float32; its mode is put to evaluation and stays so.

    Args:
        network: (N, C, H, W) to (N, classes) logits.
        batches: this process's share of the set; together the processes have every image once.
        classes: how many there are.
        device: of the batches.
        witnesses: are shown every answer.
    """
    network.eval()
    ks = tops(classes)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    hits = torch.zeros(len(ks), dtype=torch.int64, device=device)
    loss = torch.zeros((), device=device)
    for images, labels, _total in batches:
        logits = network(images).float()
        loss += cross_entropy(logits, labels, reduction="sum")
        # Equal logits in the order of the classes, on every device: argmax and topk break ties each in its own way.
        likeliest = logits.argsort(dim=1, descending=True, stable=True)
        confusion += torch.bincount(labels * classes + likeliest[:, 0], minlength=classes * classes)
        if ks:
            found = likeliest == labels[:, None]
            hits += torch.stack([found[:, :k].sum() for k in ks])
        for witness in witnesses:
            witness.add(logits, labels, likeliest[:, 0])
    if torch.distributed.is_initialized():
        for counts in (confusion, hits, loss):
            torch.distributed.all_reduce(counts)
    confusion = confusion.view(classes, classes).cpu()
    return Scores(loss.item() / int(confusion.sum()), confusion, dict(zip(ks, hits.tolist(), strict=True)))
