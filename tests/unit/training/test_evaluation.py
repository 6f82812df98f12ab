"""Counts of an evaluation, compared with counting one image at a time."""

import json
import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.training.batches import Batch
from explorer.training.evaluation import Scores, evaluate
from tests.helpers.toys import CPU, Table


def batches(labels: list[int], size: int) -> Iterator[Batch]:
    images = torch.arange(len(labels), dtype=torch.float32).view(-1, 1, 1, 1)
    for part, answers in zip(images.split(size), torch.tensor(labels).split(size), strict=True):
        yield Batch(part, answers, len(part))


def scored(logits: list[list[float]], labels: list[int], size: int = 3) -> Scores:
    return evaluate(Table(torch.tensor(logits)), batches(labels, size), len(logits[0]), CPU)


def answers() -> st.SearchStrategy[tuple[list[list[int]], list[int], int]]:
    """Generates logits with many ties, labels, and a batch size."""
    return st.integers(2, 7).flatmap(
        lambda classes: st.integers(1, 12).flatmap(
            lambda count: st.tuples(
                st.lists(
                    st.lists(st.integers(-1, 2), min_size=classes, max_size=classes), min_size=count, max_size=count
                ),
                st.lists(st.integers(0, classes - 1), min_size=count, max_size=count),
                st.integers(1, 5),
            )
        )
    )


@given(answers())
def test_counts_equal_those_made_by_hand(case: tuple[list[list[int]], list[int], int]) -> None:
    table, labels, size = case
    logits = [list(map(float, row)) for row in table]
    classes = len(logits[0])
    scores = scored(logits, labels, size)
    confusion = [[0] * classes for _row in range(classes)]
    hits = {k: 0 for k in ({3: (2,)}.get(classes, (3, 5))) if k < classes}
    loss = 0.0
    for row, label in zip(logits, labels, strict=True):
        likeliest = sorted(range(classes), key=lambda name: (-row[name], name))  # ties: the first class
        confusion[label][likeliest[0]] += 1
        for k in hits:
            hits[k] += label in likeliest[:k]
        loss += math.log(sum(map(math.exp, row))) - row[label]
    assert scores.confusion.tolist() == confusion
    assert scores.hits == hits
    assert scores.loss == pytest.approx(loss / len(labels), rel=1e-5)
    assert scores.images == len(labels)
    assert scores.correct == sum(confusion[name][name] for name in range(classes))


def test_ties_are_broken_by_class_number_for_every_k() -> None:
    scores = scored([[0.0] * 10] * 6, [0, 0, 0, 0, 2, 9])
    assert (scores.correct, scores.hits) == (4, {3: 5, 5: 5})


def test_one_image() -> None:
    scores = scored([[0.0, 1.0]], [1])
    assert (scores.images, scores.top1, scores.hits) == (1, 1.0, {})


def test_the_result_as_json() -> None:
    logits: list[list[float]] = [[5, 1, 0, 0], [5, 1, 0, 0], [0, 0, 9, 1], [0, 0, 2, 1]]
    result = scored(logits, [0, 1, 2, 3]).to_dict(("ant", "bee", "cat", "dog"))
    assert json.loads(json.dumps(result)) == result
    assert result.pop("loss") > 0
    assert result == {
        "images": 4,
        "correct": 2,
        "top1": 0.5,
        "topk": {"3": 1.0},
        "per_class": {"ant": 1.0, "bee": 0.0, "cat": 1.0, "dog": 0.0},
        "confusion": [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]],
    }


def test_a_class_without_images_has_no_accuracy() -> None:
    result = scored([[1.0, 0.0]], [1]).to_dict(("ant", "bee"))
    assert result["per_class"] == {"ant": None, "bee": 0.0}


def test_names_of_metrics() -> None:
    scores = Scores(0.25, torch.tensor([[3, 1], [0, 0]]), {3: 4})
    assert scores.to_metrics("validation") == {
        "validation/loss": 0.25,
        "validation/top1": 0.75,
        "validation/top3": 1.0,
    }
