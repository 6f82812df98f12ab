"""Evaluation of weights on a data set: the command ``evaluate``."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from explorer.data import Progress, load
from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.training.batches import EvaluationBatches, Placement
from explorer.training.calibration import Calibration
from explorer.training.devices import choose_device, forward_format
from explorer.training.evaluation import evaluate, report_progress
from explorer.training.mistakes import Mistake, Mistakes
from explorer.weights.files import load as load_weights

BATCH = 256  # most images in a batch
PIXELS = 2**21  # most pixels in a batch: VGG-16's activations then take two gigabytes
SPLITS = ("test", "train", "validation")


@dataclass(frozen=True)
class WeightsEvaluation:
    """The result of an evaluation.

    Attributes:
        result: Scores, calibration and notes, as ``evaluate --json`` prints them.
        mistakes: Wrong answers with the highest confidence.
        split: Images, with the channels that the network takes.
        classes: Classes of the network.
    """

    result: dict[str, Any]
    mistakes: list[Mistake]
    split: Split
    classes: tuple[str, ...]


def evaluate_weights(weights: Path, data: str, split: str, device: str, progress: Progress) -> WeightsEvaluation:
    """Evaluates weights on a split in float32, with the preprocessing of their card.

    Args:
        weights: Path of the weights file.
        data: Name or path of the data, as ``explorer.data.load`` takes it.
        split: ``test``, ``train`` (including the images that training holds out) or ``validation`` if the data has one.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: Callback for the progress of reading and evaluating.

    Raises:
        InputError: If weights and data don't fit each other.
    """
    network, card = load_weights(weights)
    dataset = load(data, progress)
    chosen = _split(dataset, split)
    spec = card.network_spec
    notes: list[str] = []
    if dataset.channels != spec.in_channels:
        chosen = chosen.recoloured(spec.in_channels)
        notes.append(
            _("The images are converted to grey, as the network takes one channel.")
            if spec.in_channels == 1
            else _("The grey images are given with three equal channels, as the network takes three.")
        )
    labels, warnings = match_classes(card.classes, dataset.classes)
    chosen_device = choose_device(device)
    placement = Placement(chosen_device, forward_format(network, chosen_device))
    chosen = replace(chosen, labels=labels[chosen.labels])
    batches = EvaluationBatches(chosen, card.inputs, min(max(PIXELS // card.inputs.sides.area, 1), BATCH), placement)
    mistakes, calibration = Mistakes(batches.shares(), placement.device), Calibration()
    scores = evaluate(
        network.to(placement.device, memory_format=placement.memory_format),  # type: ignore[call-overload]
        report_progress(batches.batches(), len(chosen), lambda *counts: progress(_("running the network"), *counts)),
        len(card.classes),
        placement.device,
        [mistakes, calibration],
    )
    if not math.isfinite(scores.loss):
        raise InputError(
            _(
                "weights: {file} gives scores that are not finite for these images: some of its weights are not "
                "finite, or far too large"
            ).format(file=weights)
        )
    result = scores.to_dict(card.classes) | {
        "calibration": calibration.to_dict(),
        "split": split,
        "dataset": dataset.name,
        "notes": notes,
        "warnings": warnings,
    }
    return WeightsEvaluation(result, mistakes.worst(), chosen, card.classes)


def match_classes(network_classes: tuple[str, ...], data_classes: tuple[str, ...]) -> tuple[torch.Tensor, list[str]]:
    """Matches the classes of the data to those of the weights by name.

    Returns:
        The position among the weights' classes for each class of the data, and sentences about assumptions.

    Raises:
        InputError: If the data has classes that the weights don't have.
    """
    if data_classes == network_classes:  # names may occur twice: ImageNet has two classes named crane
        return torch.arange(len(data_classes)), []
    # Upper and lower case may be two classes, as for letters, or two spellings of one class.
    ignores_case = all(len(set(map(str.casefold, names))) == len(names) for names in (network_classes, data_classes))
    key = str.casefold if ignores_case else str
    positions = {key(name): position for position, name in enumerate(network_classes)}
    unknown = [name for name in data_classes if key(name) not in positions]
    if not unknown:
        return torch.tensor([positions[key(name)] for name in data_classes]), []
    if len(unknown) == len(data_classes) == len(network_classes):
        return torch.arange(len(data_classes)), [
            _(
                "No class name of the data is one of the network's: classes are matched by their position, "
                "{given} with {known}. The figures mean nothing unless these are the same classes."
            ).format(given=shown(data_classes[0]), known=shown(network_classes[0]))
        ]
    raise InputError(
        _("dataset: its class {name} is not one of those of the weights ({known})").format(
            name=shown(unknown[0]), known=", ".join(network_classes[:10])
        )
    )


def _split(dataset: Dataset, name: str) -> Split:
    splits = {part: getattr(dataset, part) for part in SPLITS if getattr(dataset, part) is not None}
    if name not in splits:
        raise InputError(_("split: {value} is not one of {known}").format(value=shown(name), known=", ".join(splits)))
    found: Split = splits[name]
    return found
