"""When answers are doubted: the rule for "not sure", and pictures that a network can't know."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from explorer.data import load
from explorer.prediction.confidence import EVEN, Doubt, doubts, stands_out
from explorer.prediction.pictures import Picture
from explorer.weights import files, registry
from explorer.weights.files import Card
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, VGG, toy_spec


def spread(classes: int, *first: float) -> Tensor:
    """These probabilities, and the rest in equal parts."""
    rest = (1 - sum(first)) / (classes - len(first))
    return torch.tensor([*first, *[rest] * (classes - len(first))])


@pytest.mark.parametrize("classes", [10, 100, 1000])
@pytest.mark.parametrize(
    ("first", "sure"),
    [
        ((0.9,), True),
        ((0.5, 0.2), True),
        ((0.5, 0.24), True),
        ((0.5, 0.26), False),
        ((0.45, 0.44), False),
        ((0.99, 0.005), True),
    ],
)
def test_the_same_of_few_classes_and_of_many(first: tuple[float, ...], classes: int, sure: bool) -> None:
    assert stands_out(spread(classes, *first)) is sure


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_equal_classes_are_not_sure(classes: int) -> None:
    assert not stands_out(torch.full((classes,), 1 / classes))


def test_half_as_likely_is_not_sure() -> None:
    """As the page says: at least half."""
    assert not stands_out(torch.tensor([0.5, 0.25, 0.125, 0.125]))


def test_two_per_cent_that_no_other_comes_near_are_not_sure() -> None:
    assert not stands_out(spread(1000, 0.02))
    assert stands_out(spread(1000, 0.3))  # of a network that was trained with soft labels


def test_a_single_class_stands_out() -> None:
    assert stands_out(torch.ones(1))


@given(some.lists(some.floats(0, 30), min_size=2, max_size=50), some.randoms())
def test_the_order_of_the_classes_does_not_matter(values: list[float], random: object) -> None:
    probabilities = torch.tensor(values).softmax(0)
    turned = values[:]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert stands_out(probabilities) is stands_out(torch.tensor(turned).softmax(0))


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


def ground(value: int, side: int = 20) -> Tensor:
    """A square with something else in its middle."""
    pixels = torch.full((1, side, side), value, dtype=torch.uint8)
    pixels[:, side // 4 : -side // 4, side // 4 : -side // 4] = 255 - value
    return pixels


def test_nothing_speaks_against_what_a_network_knows() -> None:
    assert doubts(picture(noise(1, 3, 20, 20)[0], CLASSES[0]), card(3)) == []
    assert doubts(picture(ground(0), CLASSES[-1]), card(1, mean=0.13)) == []


def test_a_class_that_the_network_does_not_have() -> None:
    assert doubts(picture(noise(1, 3, 20, 20)[0], "unicorn"), card(3)) == [Doubt.CLASS]


def test_colours_for_a_network_that_sees_grey() -> None:
    pixels = noise(1, 3, 20, 20)[0]
    about = card(1)
    colourful = Picture("p", object(), lambda channels: pixels[:1] if channels == 1 else pixels)
    assert doubts(colourful, about) == [Doubt.COLOUR]


@pytest.mark.parametrize(
    ("mean", "value", "doubted"),
    [(0.13, 255, True), (0.13, 0, False), (0.87, 0, True), (0.87, 255, False), (0.5, 255, False), (0.5, 0, False)],
)
def test_a_background_the_other_way_round(mean: float, value: int, doubted: bool) -> None:
    found = doubts(picture(ground(value)), card(1, mean=mean))
    assert (Doubt.INVERTED in found) is doubted
    if doubted:
        turned = picture(255 - ground(value))
        assert doubts(turned, card(1, mean=mean)) == []


@pytest.mark.parametrize("mean", [0.13, 0.87])
@pytest.mark.parametrize(
    ("paper", "stroke", "doubt"),
    [
        (250, 20, Doubt.INVERTED),
        (142, 42, Doubt.INVERTED),  # grey paper in a room
        (90, 30, Doubt.INVERTED),
        (90, 200, Doubt.BACKGROUND),  # chalk on a grey board
        (0, 255, None),
        (50, 255, None),  # a fifth of white passes for black
    ],
)
def test_paper_of_any_grey_is_told_from_black(mean: float, paper: int, stroke: int, doubt: Doubt | None) -> None:
    pixels = torch.full((1, 20, 20), paper, dtype=torch.uint8)
    pixels[:, 5:15, 8:12] = stroke
    found = doubts(picture(pixels if mean < 0.5 else 255 - pixels), card(1, mean=mean))
    assert found == ([] if doubt is None else [doubt])


@pytest.mark.parametrize(
    ("top", "left", "side", "doubted"), [(4, 4, 20, False), (6, 4, 20, False), (0, 8, 20, True), (11, 11, 6, True)]
)
def test_strokes_that_stand_elsewhere_than_the_networks_own(top: int, left: int, side: int, doubted: bool) -> None:
    """MNIST's digits are 20 of 28 pixels high, and their centre of mass is in the middle (LeCun et al. 1998)."""
    about = card(1, mean=0.13, size=28).model_copy(
        update={"preprocessing": {"size": 28, "mean": [0.13], "std": [0.3], "framing": "mass"}}
    )
    pixels = torch.zeros(1, 28, 28, dtype=torch.uint8)
    pixels[:, top : top + side, left : left + side] = 255
    assert doubts(picture(pixels), about) == ([Doubt.FRAMING] if doubted else [])


def test_a_picture_in_which_light_and_dark_hardly_differ() -> None:
    """As 12 bits in a file of 16 are."""
    pixels = torch.zeros(1, 20, 20, dtype=torch.uint8)
    pixels[:, 5:15, 8:12] = 15
    assert doubts(picture(pixels), card(1, mean=0.13)) == [Doubt.FAINT]


@pytest.mark.parametrize(("mean", "value"), [(0.4, 255), (0.6, 0)])
def test_a_network_of_images_neither_light_nor_dark_doubts_no_background(mean: float, value: int) -> None:
    assert Doubt.INVERTED not in doubts(picture(ground(value)), card(1, mean=mean))


def test_colour_networks_have_no_background() -> None:
    assert doubts(picture(ground(255)), card(3, mean=0.1)) == []


@pytest.mark.parametrize(("side", "doubted"), [(1, True), (7, True), (8, False), (300, False)])
def test_a_picture_far_smaller_than_what_is_read(side: int, doubted: bool) -> None:
    about = card(3).model_copy(update={"preprocessing": {"size": 32, "mean": [0.5], "std": [0.5]}})
    assert doubts(picture(noise(1, 3, side, 400)[0]), about) == ([Doubt.SMALL] if doubted else [])


@pytest.mark.parametrize(("spread", "doubted"), [(0, True), (EVEN, True), (EVEN + 1, False)])
def test_a_picture_of_one_colour(spread: int, doubted: bool) -> None:
    pixels = torch.tensor([200, 90, 30], dtype=torch.uint8)[:, None, None].repeat(1, 20, 20)
    pixels[1, 7, 7] += spread
    assert doubts(picture(pixels), card(3)) == [Doubt.EMPTY if doubted else Doubt.FAINT]


def test_no_test_image_of_its_own_is_doubted() -> None:
    """Of the bundled digits; docs tell of the others."""
    digits, about = load("digits"), files.read_card(registry.PRETRAINED / "digits-cnn.safetensors")
    for index in range(len(digits.test)):
        assert doubts(Picture.of_split(f"d {index}", digits.test, index, digits.classes), about) == []
