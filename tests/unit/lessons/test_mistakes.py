"""Mistakes made on purpose: PyTorch and this product say what they really say."""

import pytest

from explorer.lessons.mistakes import CASES, MistakeOptions, find

OPTIONS = MistakeOptions(8, 200, 50, 0)


def test_a_head_that_does_not_fit_is_refused_with_both_numbers() -> None:
    found = find("head", OPTIONS)
    assert "mat1 and mat2 shapes cannot be multiplied" in found.evidence
    assert "its head reads 256 features, and 64 arrive" in found.sentence
    assert found.values == {"reads": 256, "arrive": 64}


def test_a_prefix_of_all_names_is_removed() -> None:
    found = find("module", OPTIONS)
    assert 'Unexpected key(s) in state_dict: "module.features.0.weight"' in found.evidence
    assert "'module' was removed from the names" in found.sentence


def test_an_evaluation_as_in_training_is_worse_than_a_right_one() -> None:
    augmented, mode = find("augmented", OPTIONS).values, find("mode", OPTIONS).values
    assert augmented["least"] < augmented["most"] < augmented["plain"]
    assert mode["small"] < mode["plain"] == augmented["plain"]


def test_a_rate_that_never_arrives_changes_nothing() -> None:
    found = find("rate", OPTIONS)
    one, other = found.series.values()
    assert one == other
    assert one[0][1] < one[-1][1]
    assert found.sentence == "learning_rate: unknown key"


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_many_guesses_loses_on_new_images(seed: int) -> None:
    values = find("choice", OPTIONS._replace(seed=seed)).values
    assert values["unseen"] == pytest.approx(0.1, abs=0.03)
    assert values["test"] > 0.16
    assert len(CASES) == 6
