"""The class of a picture among a network's classes: the same as in a test on the data set."""

from pathlib import Path

import pytest
import torch

from explorer.prediction.answers import Answer
from explorer.prediction.confidence import ConfidenceWarning, confidence_warnings
from explorer.prediction.label_map import is_matched_by_position, true_index
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.training.weights_evaluation import match_classes
from explorer.weights.files import Card
from tests.helpers.pixels import noise
from tests.helpers.toys import VGG, toy_spec


def card(*classes: str) -> Card:
    spec = toy_spec(VGG, in_channels=3, num_classes=len(classes))
    return Card(name="toy", spec=spec.to_dict(), classes=classes,
                preprocessing={"size": 8, "mean": [0.5], "std": [0.5]})  # fmt: skip


def picture(label: int | None, *classes: str) -> Picture:
    return Picture("p", object(), lambda _channels: noise(1, 3, 8, 8)[0], label, classes)


def is_right(label: int | None, classes: tuple[str, ...], own: tuple[str, ...], likeliest: int) -> bool | None:
    probabilities = torch.eye(len(own))[likeliest]
    network = Network(torch.nn.Identity(), card(*own), "toy", Path("toy"))
    return Answer(picture(label, *classes), network, probabilities).is_right


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (("cat", "dog"), ("cat", "dog")),
        (("dog", "cat", "bird"), ("Cat", "DOG")),  # another spelling and order
        (("cat", "dog"), ("0", "1")),  # by position
        (("crane", "cat", "crane"), ("crane", "cat", "crane")),  # as in ImageNet
        (("a", "A"), ("A", "a")),  # letters
    ],
)
def test_the_class_equals_the_one_of_a_test(own: tuple[str, ...], other: tuple[str, ...]) -> None:
    for label, position in enumerate(match_classes(own, other)[0].tolist()):
        assert true_index(picture(label, *other), card(*own)) == position
        for likeliest in range(len(own)):
            assert is_right(label, other, own, likeliest) is (likeliest == position)
        assert ConfidenceWarning.CLASS not in confidence_warnings(picture(label, *other), card(*own))


def test_one_unknown_class_does_not_affect_the_others() -> None:
    about, classes = card("cat", "dog", "bird"), ("Dog", "unicorn", "cat")
    assert [true_index(picture(label, *classes), about) for label in range(3)] == [1, None, 0]
    assert confidence_warnings(picture(1, *classes), about) == [ConfidenceWarning.CLASS]
    assert confidence_warnings(picture(0, *classes), about) == []
    assert is_right(1, classes, ("cat", "dog", "bird"), 0) is False


def test_matching_by_position_has_a_warning() -> None:
    assert confidence_warnings(picture(1, "0", "1"), card("cat", "dog")) == [ConfidenceWarning.NAME]
    assert not is_matched_by_position(picture(1, "CAT", "Dog"), card("cat", "dog"))


def test_a_photograph_has_no_true_class() -> None:
    assert true_index(picture(None), card("cat", "dog")) is None
    assert is_right(None, (), ("cat", "dog"), 0) is None
    assert confidence_warnings(picture(None), card("cat", "dog")) == []
