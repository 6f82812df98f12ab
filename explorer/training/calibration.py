"""Calibration of a network's probabilities: Guo et al., On Calibration of Modern Neural Networks.

A network is calibrated if its answers with a probability of 80% are right in 80 of 100 cases.
Source: https://arxiv.org/abs/1706.04599, sections 2 and 2.1.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

BINS = 15  # of equal width, as in the paper


class Calibration:
    """Evaluation callback that collects the confidence of each answer and whether the answer is right."""

    def __init__(self) -> None:
        self._confidence: list[Tensor] = []
        self._right: list[Tensor] = []

    def add(self, logits: Tensor, labels: Tensor, predicted: Tensor) -> None:
        """Receives the next batch.

        Args:
            logits: Scores, float32, (B, classes).
            labels: True classes, int64, (B,).
            predicted: Predicted classes, int64, (B,).
        """
        self._confidence.append(logits.softmax(1).gather(1, predicted[:, None])[:, 0])
        self._right.append(predicted == labels)

    def to_dict(self) -> dict[str, Any]:
        """Returns the reliability diagram as JSON-ready values.

        ``ece`` is the expected calibration error: the mean gap between confidence and accuracy over the bins, weighted
        by their images. A bin holds the confidences above its lower edge, up to and including its upper edge. An empty
        bin has null.
        """
        confidence = torch.cat(self._confidence).double().cpu().numpy()
        right = torch.cat(self._right).cpu().numpy()
        place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        images, sure, hits = (
            np.bincount(place, weights, minlength=BINS).tolist() for weights in (None, confidence, right)
        )
        gaps = (abs(hit - conf) for hit, conf in zip(hits, sure, strict=True))
        return {
            "ece": sum(gaps) / len(confidence),
            "confidence": float(confidence.mean()),
            "bins": [
                {
                    "above": number / BINS,
                    "to": (number + 1) / BINS,
                    "images": count,
                    "confidence": conf / count if count else None,
                    "accuracy": hit / count if count else None,
                }
                for number, (count, conf, hit) in enumerate(zip(images, sure, hits, strict=True))
            ],
        }
