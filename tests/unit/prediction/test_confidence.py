"""Confidence warnings: the rule for "stands out", and pictures that do not suit a network."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from explorer.data import load
from explorer.prediction.confidence import EVEN, ConfidenceWarning, confidence_warnings, stands_out
from explorer.prediction.pictures import Picture
from explorer.weights import files, registry
from explorer.weights.files import Card
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, VGG, toy_spec


def distribution(classes: int, *largest: float) -> Tensor:
    """These probabilities, and equal ones for the other classes."""
    rest = (1 - sum(largest)) / (classes - len(largest))
    return torch.tensor([*largest, *[rest] * (classes - len(largest))])


@pytest.mark.parametrize("classes", [10, 100, 1000])
@pytest.mark.parametrize(
    ("largest", "clear"),
    [
        ((0.9,), True),
        ((0.5, 0.2), True),
        ((0.5, 0.24), True),
        ((0.5, 0.26), False),
        ((0.45, 0.44), False),
        ((0.99, 0.005), True),
    ],
)
def test_the_rule_is_the_same_for_few_and_many_classes(largest: tuple[float, ...], classes: int, clear: bool) -> None:
    assert stands_out(distribution(classes, *largest)) is clear


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_equal_probabilities_do_not_stand_out(classes: int) -> None:
    assert not stands_out(torch.full((classes,), 1 / classes))


def test_half_as_likely_does_not_stand_out() -> None:
    """The page says: at least half."""
    assert not stands_out(torch.tensor([0.5, 0.25, 0.125, 0.125]))


def test_two_per_cent_without_a_rival_do_not_stand_out() -> None:
    assert not stands_out(distribution(1000, 0.02))
    assert stands_out(distribution(1000, 0.3))  # typical of a network that was trained with soft labels


def test_a_single_class_stands_out() -> None:
    assert stands_out(torch.ones(1))


@given(some.lists(some.floats(0, 30), min_size=2, max_size=50), some.randoms())
def test_the_order_of_the_classes_does_not_matter(values: list[float], random: object) -> None:
    probabilities = torch.tensor(values).softmax(0)
    shuffled = values[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert stands_out(probabilities) is stands_out(torch.tensor(shuffled).softmax(0))


def card(channels: int, mean: float = 0.5, size: int = 8) -> Card:
    spec = toy_spec(VGG, in_channels=channels)
    preprocessing = {"size": size, "mean": [mean], "std": [0.3]}
    return Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)


def picture(pixels: Tensor, truth: str | None = None) -> Picture:
    return Picture(
        "p",
        object(),
        lambda channels: pixels.expand(channels or len(pixels), -1, -1),
        0 if truth else None,
        (truth or "",),
    )


def with_background(value: int, side: int = 20) -> Tensor:
    """A square of another brightness in the middle of a background."""
    pixels = torch.full((1, side, side), value, dtype=torch.uint8)
    pixels[:, side // 4 : -side // 4, side // 4 : -side // 4] = 255 - value
    return pixels


def test_suitable_pictures_have_no_warning() -> None:
    assert confidence_warnings(picture(noise(1, 3, 20, 20)[0], CLASSES[0]), card(3)) == []
    assert confidence_warnings(picture(with_background(0), CLASSES[-1]), card(1, mean=0.13)) == []


def test_a_class_that_the_network_does_not_have() -> None:
    assert confidence_warnings(picture(noise(1, 3, 20, 20)[0], "unicorn"), card(3)) == [ConfidenceWarning.CLASS]


def test_colours_for_a_network_that_sees_grey() -> None:
    pixels = noise(1, 3, 20, 20)[0]
    about = card(1)
    colourful = Picture("p", object(), lambda channels: pixels[:1] if channels == 1 else pixels)
    assert confidence_warnings(colourful, about) == [ConfidenceWarning.COLOUR]


@pytest.mark.parametrize(
    ("mean", "value", "warned"),
    [(0.13, 255, True), (0.13, 0, False), (0.87, 0, True), (0.87, 255, False), (0.5, 255, False), (0.5, 0, False)],
)
def test_an_inverted_background(mean: float, value: int, warned: bool) -> None:
    found = confidence_warnings(picture(with_background(value)), card(1, mean=mean))
    assert (ConfidenceWarning.INVERTED in found) is warned
    if warned:
        inverted = picture(255 - with_background(value))
        assert confidence_warnings(inverted, card(1, mean=mean)) == []


@pytest.mark.parametrize("mean", [0.13, 0.87])
@pytest.mark.parametrize(
    ("paper", "stroke", "warning"),
    [
        (250, 20, ConfidenceWarning.INVERTED),
        (142, 42, ConfidenceWarning.INVERTED),  # grey paper in a room
        (90, 30, ConfidenceWarning.INVERTED),
        (90, 200, ConfidenceWarning.BACKGROUND),  # chalk on a grey board
        (0, 255, None),
        (50, 255, None),  # up to a fifth of white counts as black
    ],
)
def test_grey_paper_is_distinguished_from_black(
    mean: float, paper: int, stroke: int, warning: ConfidenceWarning | None
) -> None:
    pixels = torch.full((1, 20, 20), paper, dtype=torch.uint8)
    pixels[:, 5:15, 8:12] = stroke
    found = confidence_warnings(picture(pixels if mean < 0.5 else 255 - pixels), card(1, mean=mean))
    assert found == ([] if warning is None else [warning])


@pytest.mark.parametrize(
    ("top", "left", "side", "warned"), [(4, 4, 20, False), (6, 4, 20, False), (0, 8, 20, True), (11, 11, 6, True)]
)
def test_strokes_in_another_place_than_the_networks_own(top: int, left: int, side: int, warned: bool) -> None:
    """MNIST's digits are 20 of 28 pixels high, and their centre of mass is in the middle (LeCun et al. 1998)."""
    about = card(1, mean=0.13, size=28).model_copy(
        update={"preprocessing": {"size": 28, "mean": [0.13], "std": [0.3], "framing": "mass"}}
    )
    pixels = torch.zeros(1, 28, 28, dtype=torch.uint8)
    pixels[:, top : top + side, left : left + side] = 255
    assert confidence_warnings(picture(pixels), about) == ([ConfidenceWarning.FRAMING] if warned else [])


def test_a_picture_with_little_contrast() -> None:
    """A file of 16 bits that uses only 12."""
    pixels = torch.zeros(1, 20, 20, dtype=torch.uint8)
    pixels[:, 5:15, 8:12] = 15
    assert confidence_warnings(picture(pixels), card(1, mean=0.13)) == [ConfidenceWarning.FAINT]


@pytest.mark.parametrize(("mean", "value"), [(0.4, 255), (0.6, 0)])
def test_a_network_of_medium_brightness_has_no_background_warning(mean: float, value: int) -> None:
    assert ConfidenceWarning.INVERTED not in confidence_warnings(picture(with_background(value)), card(1, mean=mean))


def test_colour_networks_have_no_background() -> None:
    assert confidence_warnings(picture(with_background(255)), card(3, mean=0.1)) == []


@pytest.mark.parametrize(("side", "warned"), [(1, True), (7, True), (8, False), (300, False)])
def test_a_picture_far_smaller_than_the_input(side: int, warned: bool) -> None:
    about = card(3).model_copy(update={"preprocessing": {"size": 32, "mean": [0.5], "std": [0.5]}})
    expected = [ConfidenceWarning.SMALL] if warned else []
    assert confidence_warnings(picture(noise(1, 3, side, 400)[0]), about) == expected


@pytest.mark.parametrize(("spread", "warned"), [(0, True), (EVEN, True), (EVEN + 1, False)])
def test_a_picture_of_one_colour(spread: int, warned: bool) -> None:
    pixels = torch.tensor([200, 90, 30], dtype=torch.uint8)[:, None, None].repeat(1, 20, 20)
    pixels[1, 7, 7] += spread
    expected = ConfidenceWarning.EMPTY if warned else ConfidenceWarning.FAINT
    assert confidence_warnings(picture(pixels), card(3)) == [expected]


def test_no_test_image_of_a_network_has_a_warning() -> None:
    """Bundled digits. docs/prediction.md has the other data sets."""
    digits, about = load("digits"), files.read_card(registry.PRETRAINED / "digits-cnn.safetensors")
    for index in range(len(digits.test)):
        assert confidence_warnings(Picture.of_split(f"d {index}", digits.test, index, digits.classes), about) == []
