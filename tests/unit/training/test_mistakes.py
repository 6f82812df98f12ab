"""The wrong answers with the highest confidence, compared with a brute-force search."""

import base64
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.data import load
from explorer.data.dataset import Split
from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError
from explorer.jobs.run_directory import RunDirectory
from explorer.training.batches import EvaluationBatches, Placement
from explorer.training.evaluation import evaluate
from explorer.training.mistakes import MAX_MISTAKES, SIDE, Mistake, Mistakes, data_url, write
from tests.helpers.pixels import Decoded, noise
from tests.helpers.ranks import in_ranks
from tests.helpers.toys import CPU, Table
from tests.helpers.training import end, images, job, run

CLASSES = 7
ALONE = Placement(CPU)


def outputs(count: int) -> tuple[Tensor, list[int]]:
    """Returns random logits, and labels that are mostly not the most likely class."""
    generator = torch.Generator().manual_seed(count)
    labels = torch.randint(0, CLASSES, (count,), generator=generator)
    return 3 * torch.randn(count, CLASSES, generator=generator), labels.tolist()


def brute_force(logits: list[list[float]], labels: list[int]) -> list[Mistake]:
    """Searches the mistakes one image at a time."""
    found = []
    for index, (row, label) in enumerate(zip(logits, labels, strict=True)):
        likeliest = row.index(max(row))
        if likeliest != label:
            found.append(Mistake(index, label, likeliest, math.exp(row[likeliest]) / sum(map(math.exp, row))))
    return sorted(found, key=lambda mistake: -mistake.probability)[:MAX_MISTAKES]


def evaluated(logits: Tensor, labels: list[int], placement: Placement = ALONE) -> list[Mistake]:
    """Returns the mistakes that an evaluation finds. The only pixel of an image is its index."""
    pixels = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1)
    plain = Preprocessing(1, (0.0,), (1.0,))
    tests = EvaluationBatches(Split(pixels, torch.tensor(labels)), plain, 16, placement)
    mistakes = Mistakes(tests.shares(), CPU)
    network = torch.nn.Sequential(Unscaled(), Table(logits))
    scores = evaluate(network, tests.batches(), logits.shape[1], CPU, [mistakes])
    worst = mistakes.worst()
    assert len(worst) == min(MAX_MISTAKES, scores.images - scores.correct)
    return worst


class Unscaled(torch.nn.Module):
    """Converts pixels from 0 to 1 back to 8-bit values."""

    def forward(self, images: Tensor) -> Tensor:
        return (images * 255).round()


def same(one: list[Mistake], other: list[Mistake]) -> bool:
    assert [mistake.probability for mistake in one] == pytest.approx(
        [mistake.probability for mistake in other], rel=1e-5
    )
    return [mistake[:3] for mistake in one] == [mistake[:3] for mistake in other]


@pytest.mark.parametrize("count", [1, 2, 40, 256])
def test_mistakes_equal_those_of_a_brute_force_search(count: int) -> None:
    logits, labels = outputs(count)
    assert same(evaluated(logits, labels), brute_force(logits.tolist(), labels))


def evaluated_in_ranks(rank: int, world: int) -> list[list[tuple[float, ...]]]:
    placement = Placement(CPU, rank=rank, world=world)
    return [[tuple(mistake) for mistake in evaluated(*outputs(count), placement)] for count in (1, 2, 40, 256)]


@pytest.mark.parametrize("world", [2, 3])
def test_several_processes_find_each_image_once(world: int, tmp_path: Path) -> None:
    for rank in in_ranks(world, tmp_path, evaluated_in_ranks):
        for count, mine in zip((1, 2, 40, 256), rank, strict=True):
            logits, labels = outputs(count)
            assert same(list(map(Mistake._make, mine)), brute_force(logits.tolist(), labels))


def test_a_perfect_network_has_no_mistakes() -> None:
    labels = outputs(100)[1]
    assert evaluated(torch.nn.functional.one_hot(torch.tensor(labels), CLASSES).float(), labels) == []


def test_of_equally_confident_mistakes_the_first_are_kept() -> None:
    worst = evaluated(torch.tensor([[0.0, 99.0]]).expand(200, 2), [1] * 20 + [0] * 180)
    assert worst == [Mistake(index, 0, 1, 1.0) for index in range(20, 20 + MAX_MISTAKES)]


# Pictures


def pixels(url: str) -> np.ndarray[Any, Any]:
    kind, _comma, data = url.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 1, 1), (1, 8, 8), (3, 32, 20), (3, SIDE, SIDE)])
def test_small_images_are_unchanged(channels: int, height: int, width: int) -> None:
    image = noise(channels, height, width)
    shown = torch.tensor(pixels(data_url(image))).view(height, width, channels)
    assert torch.equal(shown.permute(2, 0, 1), image)


@pytest.mark.parametrize(("height", "width", "shape"), [(192, 400, (46, 96)), (3000, 10, (96, 1))])
def test_large_images_are_shrunk_with_their_aspect_ratio(height: int, width: int, shape: tuple[int, int]) -> None:
    shown = pixels(data_url(torch.full((3, height, width), 77, dtype=torch.uint8)))
    assert shown.shape == (*shape, 3)
    assert (shown == 77).all()


def test_a_deleted_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    split = Split(Decoded([noise(3, 9, 5), None]), torch.tensor([0, 0]))
    path = tmp_path / "mistakes.json"
    write(path, [Mistake(0, 0, 1, 0.5)], split, ("ant", "bee"))
    before = path.read_text()
    with pytest.raises(InputError, match=r"^1\.png: "):
        write(path, [Mistake(1, 0, 1, 0.5)], split, ("ant", "bee"))
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


# A complete run


def test_a_run_writes_its_mistakes(tmp_path: Path) -> None:
    data = images(tmp_path / "data.npz")
    with np.load(data) as arrays:
        shuffled = np.random.default_rng(1).permutation(arrays["labels"])  # nothing can be learnt
        np.savez(data, images=arrays["images"], labels=shuffled)
    folder = job(tmp_path / "run", data, epochs=1)
    assert run(folder) == 0
    written = json.loads(RunDirectory(folder).mistakes.read_text())
    result, dataset = end(folder)["result"], load(data)
    wrong = Counter((mistake["truth"], mistake["predicted"]) for mistake in written)
    assert len(written) == result["images"] - result["correct"] > 0
    for row, truth in enumerate(dataset.classes):
        for column, predicted in enumerate(dataset.classes):
            assert wrong[truth, predicted] == (0 if row == column else result["confusion"][row][column])
    assert [mistake["probability"] for mistake in written] == sorted(
        (mistake["probability"] for mistake in written), reverse=True
    )
    for mistake in written:
        assert mistake.keys() == {"index", "truth", "predicted", "probability", "image"}
        assert dataset.classes[int(dataset.test.labels[mistake["index"]])] == mistake["truth"]
        assert np.array_equal(pixels(mistake["image"]), dataset.test.images[mistake["index"]][0])
