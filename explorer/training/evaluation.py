"""Evaluation of a network on labelled images, as counts, so that the counts of several processes add up exactly."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.training.batches import Batch

TOP_K = (3, 5)


def top_ks(classes: int) -> list[int]:
    """Returns the k for useful top-k accuracies: 3 and 5 if there are more classes, or 2 for three classes."""
    return sorted({k for k in (min(TOP_K[0], classes - 1), *TOP_K) if 1 < k < classes})


class EvaluationCallback(Protocol):
    """Evaluation callback: receives the network's outputs for every batch."""

    def add(self, logits: Tensor, labels: Tensor, predicted: Tensor) -> None:
        """Receives the next batch.

        Args:
            logits: Scores, (B, classes).
            labels: True classes, (B,).
            predicted: Predicted classes, (B,).
        """


@dataclass(frozen=True)
class Scores:
    """The result of an evaluation.

    Attributes:
        loss: Mean cross-entropy in nats.
        confusion: Confusion matrix, int64, (classes, classes). Rows are true classes, columns are predicted classes.
        hits: For each k, the number of images whose class is among the k most likely.
    """

    loss: float
    confusion: Tensor
    hits: dict[int, int]

    @property
    def images(self) -> int:
        """Number of images evaluated."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Number of images classified correctly."""
        return int(self.confusion.trace())

    @property
    def top1(self) -> float:
        """Top-1 accuracy, from 0 to 1."""
        return self.correct / self.images

    def to_metrics(self, prefix: str) -> dict[str, float]:
        """Returns loss and accuracies by the names of their metrics, such as ``validation/top1``."""
        correct_by_k = {1: self.correct, **self.hits}
        return {
            f"{prefix}/loss": self.loss,
            **{f"{prefix}/top{k}": count / self.images for k, count in correct_by_k.items()},
        }

    def to_dict(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Returns the scores as JSON-ready values. A class without images has null."""
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


def report_progress(batches: Iterable[Batch], images: int, progress: Callable[[int, int], None]) -> Iterator[Batch]:
    """Yields the batches unchanged, and reports progress after each.

    Args:
        batches: Batches of an evaluation.
        images: Number of images in all of them.
        progress: Callback for progress. It receives the images done and the images in all.
    """
    done = 0
    for batch in batches:
        yield batch
        done += batch.total
        progress(done, images)


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    batches: Iterable[Batch],
    classes: int,
    device: torch.device,
    callbacks: Sequence[EvaluationCallback] = (),
) -> Scores:
    """Evaluates a network in float32. Leaves the network in evaluation mode.

    Args:
        network: Network that maps (N, C, H, W) to logits, (N, classes).
        batches: This process's share of the set. Together the processes have every image once.
        classes: Number of classes.
        device: Device of the batches.
        callbacks: Callbacks that receive the outputs of every batch.
    """
    network.eval()
    ks = top_ks(classes)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    hits = torch.zeros(len(ks), dtype=torch.int64, device=device)
    loss = torch.zeros((), device=device)
    for images, labels, _total in batches:
        logits = network(images).float()
        loss += cross_entropy(logits, labels, reduction="sum")
        # A stable sort breaks ties by class number on every device. argmax and topk break them differently.
        likeliest = logits.argsort(dim=1, descending=True, stable=True)
        confusion += torch.bincount(labels * classes + likeliest[:, 0], minlength=classes * classes)
        if ks:
            found = likeliest == labels[:, None]
            hits += torch.stack([found[:, :k].sum() for k in ks])
        for callback in callbacks:
            callback.add(logits, labels, likeliest[:, 0])
    if torch.distributed.is_initialized():
        for counts in (confusion, hits, loss):
            torch.distributed.all_reduce(counts)
    confusion = confusion.view(classes, classes).cpu()
    return Scores(loss.item() / int(confusion.sum()), confusion, dict(zip(ks, hits.tolist(), strict=True)))
