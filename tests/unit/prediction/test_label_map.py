"""The class of a picture among a network's: what the answers are held against is what a test would count."""

from pathlib import Path

import pytest
import torch

from explorer.prediction.answers import Answer
from explorer.prediction.confidence import Doubt, doubts
from explorer.prediction.label_map import by_position, truth
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.training.measure import matched
from explorer.weights.files import Card
from tests.helpers.pixels import noise
from tests.helpers.toys import VGG, toy_spec


def card(*classes: str) -> Card:
    spec = toy_spec(VGG, in_channels=3, num_classes=len(classes))
    return Card(name="toy", spec=spec.to_dict(), classes=classes,
                preprocessing={"size": 8, "mean": [0.5], "std": [0.5]})  # fmt: skip


def picture(label: int | None, *classes: str) -> Picture:
    return Picture("p", object(), lambda _channels: noise(1, 3, 8, 8)[0], label, classes)


def right(label: int | None, classes: tuple[str, ...], known: tuple[str, ...], likeliest: int) -> bool | None:
    probabilities = torch.eye(len(known))[likeliest]
    network = Network(torch.nn.Identity(), card(*known), "toy", Path("toy"))
    return Answer(picture(label, *classes), network, probabilities).is_right


@pytest.mark.parametrize(
    ("known", "given"),
    [
        (("cat", "dog"), ("cat", "dog")),
        (("dog", "cat", "bird"), ("Cat", "DOG")),  # other spelling, another order
        (("cat", "dog"), ("0", "1")),  # by position
        (("crane", "cat", "crane"), ("crane", "cat", "crane")),  # as ImageNet has them
        (("a", "A"), ("A", "a")),  # letters
    ],
)
def test_it_is_what_a_test_counts(known: tuple[str, ...], given: tuple[str, ...]) -> None:
    for label, position in enumerate(matched(known, given)[0].tolist()):
        assert truth(picture(label, *given), card(*known)) == position
        for likeliest in range(len(known)):
            assert right(label, given, known, likeliest) is (likeliest == position)
        assert Doubt.CLASS not in doubts(picture(label, *given), card(*known))


def test_one_strange_class_leaves_the_others_theirs() -> None:
    about, classes = card("cat", "dog", "bird"), ("Dog", "unicorn", "cat")
    assert [truth(picture(label, *classes), about) for label in range(3)] == [1, None, 0]
    assert doubts(picture(1, *classes), about) == [Doubt.CLASS]
    assert doubts(picture(0, *classes), about) == []
    assert right(1, classes, ("cat", "dog", "bird"), 0) is False


def test_classes_by_position_are_said_to_be_so() -> None:
    assert doubts(picture(1, "0", "1"), card("cat", "dog")) == [Doubt.NAME]
    assert not by_position(picture(1, "CAT", "Dog"), card("cat", "dog"))


def test_of_a_photograph_nobody_knows() -> None:
    assert truth(picture(None), card("cat", "dog")) is None
    assert right(None, (), ("cat", "dog"), 0) is None
    assert doubts(picture(None), card("cat", "dog")) == []
