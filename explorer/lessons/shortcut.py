"""Trains two networks on digits, one with a coloured mark that gives the digit away, and computes their heat maps.

usage: python -m explorer.lessons.shortcut        see explorer.workers.protocol

The request has the fields of :class:`Request`, the result those of :class:`Findings`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from explorer.data import load
from explorer.data.altered import PARTS, stamp
from explorer.data.dataset import Dataset, Split
from explorer.data.preprocessing import Normalise, resize
from explorer.errors import InputError
from explorer.families import PRESETS
from explorer.i18n import _
from explorer.jobs.job import Job, Resources
from explorer.prediction.cams import cam, import_library
from explorer.prediction.heat_scores import Curves, HeatScores, heat_scores
from explorer.prediction.hooks import map_layers
from explorer.prediction.networks import Network, with_random_weights
from explorer.recipes import Recipe
from explorer.specs.base import explain_all
from explorer.training.batches import EvaluationBatches
from explorer.training.loop import train
from explorer.training.setup import PreparedTraining, prepare
from explorer.training.short import StepProgress
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

SIDE = 32  # pixels: the bundled digits have 8, where a mark would be one pixel
DRAWN = 16  # cells of a picture or heat map in the result
SPEC = PRESETS["lenet5"].spec.changed(
    cfg=[16, "M", 32, "M", 32], classifier=[], pool_to=1, batch_norm=True, dropout=0.0, image_size=SIDE, in_channels=3,
    num_classes=10,
)  # fmt: skip
RANDOM_SEED = 100  # of the weights that have learnt nothing


class Request(BaseModel):
    """The request.

    Attributes:
        epochs: Epochs of both trainings.
        share: Share of the training images with a mark, for the second network.
        seed: Seed of everything that is random.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    epochs: int = Field(ge=1, le=20)
    share: float = Field(ge=0, le=1)
    seed: int = Field(ge=0)


@dataclass(frozen=True)
class Answers:
    """Shares of the test images.

    Attributes:
        without: Right answers, images without a mark.
        right: Right answers, images with the mark of their digit.
        wrong: Right answers, images with the mark of another digit.
        follows: Answers that name the digit of the mark, for those images.
    """

    without: float
    right: float
    wrong: float
    follows: float


@dataclass(frozen=True)
class HeatExample:
    """A test image with the mark of another digit, and the heat of three networks for the digit of the mark.

    Attributes:
        digit: Digit of the image.
        mark: Digit of the mark.
        answers: Answers of the network without marks and of the network with marks.
        bare: Image without the mark: rows of cells of red, green and blue.
        pixels: Image with the mark.
        heats: Heat of the network without marks, the network with marks, and random weights, from 0 to 1, in rows.
    """

    digit: int
    mark: int
    answers: list[int]
    bare: list[list[list[int]]]
    pixels: list[list[list[int]]]
    heats: list[list[list[float]]]


@dataclass(frozen=True)
class Findings:
    """The result.

    Attributes:
        answers: Of the network without marks, and of the network with marks.
        examples: One image of each digit.
        on_mark: Mean heat at the mark, for each of the three networks.
        elsewhere: Mean heat at all other places.
        trained: Mean probability while pixels are removed, the hottest first by the network's own map.
        random: The same by maps of random weights.
        wins: Comparisons with maps of random weights that the network's own maps win, by deletion and insertion.
        random_wins: The same for one map of random weights instead of the own.
        comparisons: Number of comparisons.
        marked: Number of training images with a mark.
        images: Number of training images.
    """

    answers: list[Answers]
    examples: list[HeatExample]
    on_mark: list[float]
    elsewhere: list[float]
    trained: list[float]
    random: list[float]
    wins: int
    random_wins: int
    comparisons: int
    marked: int
    images: int


def respond(request: object, progress: Progress = silent) -> dict[str, Any]:
    """Trains both networks, and computes their heat maps.

    Raises:
        InputError: If the request is invalid.
    """
    try:
        parsed = Request.model_validate(request)
    except ValidationError as error:
        raise InputError(explain_all(error)) from None
    data = large_digits()
    trained = [_train(data, parsed, share, StepProgress(progress, number, 3))
               for number, share in enumerate((0.0, parsed.share))]  # fmt: skip
    import_library()
    maps = _HeatMaps([_network(one) for one in trained])
    firsts = [data.test.labels.tolist().index(digit) for digit in range(len(data.classes))]
    found = []
    for digit, index in enumerate(firsts):
        found.append(maps.example(data.test.images[index], digit, len(data.classes)))
        progress(_("Looking into the networks"), 2000 + 1000 * (digit + 1) // len(firsts), 3000)
    examples, own, random = zip(*found, strict=True)
    inside, outside = zip(*maps.heat, strict=True)
    return asdict(
        Findings(
            answers=[_answers(one, data) for one in trained],
            examples=list(examples),
            on_mark=_means(inside), elsewhere=_means(outside),
            trained=_mean_curve([one.own for one in own]),
            random=_mean_curve([curve for one in own for curve in one.chance]),
            wins=sum(one.wins for one in own), random_wins=sum(one.wins for one in random),
            comparisons=sum(one.comparisons for one in own),
            marked=round(parsed.share * len(data.train)), images=len(data.train),
        )
    )  # fmt: skip


def large_digits() -> Dataset:
    """Returns the bundled digits at 32 pixels and in colour, so that a mark can have a colour."""
    data = load("digits")

    def enlarged(split: Split) -> Split:
        return Split(resize(_pixels(split), SIDE).to(torch.uint8).repeat(1, 3, 1, 1), split.labels)

    return replace(data, channels=3, train=enlarged(data.train), test=enlarged(data.test))


def _pixels(split: Split) -> Tensor:
    if not isinstance(split.images, Tensor):
        raise TypeError(split)  # the bundled digits are in memory
    return split.images


def _train(data: Dataset, request: Request, share: float, callback: StepProgress) -> PreparedTraining:
    recipe = Recipe.parse({
        "lr": 0.005, "epochs": request.epochs, "seed": request.seed, "weight_decay": 0.01, "batch_size": 32,
        "label_smoothing": 0.0, "validation_fraction": 0.0, "precision": "fp32", "augment": [], "patch": share,
        "patch_shows": "colour",
    })  # fmt: skip
    prepared = prepare(Job.new(SPEC, "digits", recipe, Resources(device="cpu")), data)
    train(prepared.training, callback)
    return prepared


def _network(prepared: PreparedTraining) -> Network:
    return Network(prepared.training.evaluated_network.eval(), prepared.card, "", Path())


def marked(images: Tensor, digits: Sequence[int]) -> Tensor:
    """Returns copies of images, uint8, (N, 3, H, W), with the marks of these digits."""
    copies = images.clone()
    for image, digit in zip(copies, digits, strict=True):
        stamp(image, digit, SPEC.num_classes, "colour")
    return copies


def _answers(prepared: PreparedTraining, data: Dataset) -> Answers:
    images, labels = _pixels(data.test), data.test.labels
    others = (labels + 1) % SPEC.num_classes

    def predicted(shown: Tensor) -> Tensor:
        batches = EvaluationBatches(Split(shown, labels), prepared.preprocessing, 128, prepared.placement).batches()
        with torch.inference_mode():
            return torch.cat([prepared.training.evaluated_network(batch.images).argmax(1) for batch in batches])

    wrong = predicted(marked(images, others.tolist()))
    return Answers(
        without=_share(predicted(images) == labels),
        right=_share(predicted(marked(images, labels.tolist())) == labels),
        wrong=_share(wrong == labels),
        follows=_share(wrong == others),
    )


class _HeatMaps:
    """Class activation maps of both networks and of random weights.

    Attributes:
        heat: Mean heat of each network at the mark and elsewhere, for each image.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = [*networks, with_random_weights(networks[-1], RANDOM_SEED)]
        self._layers = list(map_layers(networks[0].module, networks[0].analysis).values())
        self.heat: list[tuple[list[float], list[float]]] = []

    def example(self, image: Tensor, digit: int, classes: int) -> tuple[HeatExample, HeatScores, HeatScores]:
        """Returns the pictures of one image, the scores of the map of the network with marks, and of a random map."""
        mark = (digit + 1) % classes
        shown = marked(image[None], [mark])[0]
        layer = self._layers[-1]
        heats = [cam(one, layer, shown, mark) for one in self._networks]
        place = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        side = SIDE // PARTS
        place[side : 2 * side, side : 2 * side] = True  # see explorer.data.altered.stamp
        self.heat.append(([_mean(one[place]) for one in heats], [_mean(one[~place]) for one in heats]))
        own, random = (heat_scores(self._networks[1], layer, shown, mark, heat=heat) for heat in heats[1:])
        bare, drawn = (adaptive_avg_pool2d(one.float(), DRAWN).int().permute(1, 2, 0).tolist()
                       for one in (image, shown))  # fmt: skip
        example = HeatExample(
            digit, mark, [self._answer(one, shown) for one in self._networks[:2]], bare, drawn,
            [adaptive_avg_pool2d(one[None], DRAWN)[0].tolist() for one in heats],
        )  # fmt: skip
        return example, own, random

    def _answer(self, network: Network, image: Tensor) -> int:
        with torch.inference_mode():
            scores = network.module(Normalise(network.card.inputs, image.device)(image[None]))
        return int(scores.argmax())


def _share(values: Tensor) -> float:
    return float(values.float().mean())


def _mean(values: Tensor) -> float:
    return float(values.mean())


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _mean_curve(curves: Sequence[Curves]) -> list[float]:
    means: list[float] = torch.stack([one.deletion for one in curves]).mean(0).tolist()
    return means


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    serve(respond)
