"""Strokes on paper: found on any background, framed like a network's own digits, and classified by the networks."""

import re
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks.ink import INKS, PAPERS, main, photograph
from explorer.data import load
from explorer.data.decode import decode
from explorer.data.framing import Framing, framing_of
from explorer.errors import InputError
from explorer.prediction import ink
from explorer.prediction.answers import ask
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.prediction.stroke_framing import frame_strokes
from explorer.prediction.strokes import Strokes, find
from explorer.prediction.verdict import Verdict, verdict
from explorer.weights import registry
from explorer.weights.files import Card, read_card
from explorer.weights.files import load as load_weights
from tests.helpers.narrow import pixels
from tests.helpers.pixels import noise

pytestmark = pytest.mark.exhaustive

MIN_RIGHT = 0.8  # share of photographed digits


def network(name: str) -> Network:
    path = registry.PRETRAINED / f"{name}.safetensors"
    return Network(*load_weights(path), name, path)


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def picture(pixels: np.ndarray) -> Picture:
    return Picture.of_file("photo.png", object(), png(pixels))


def cross(height: int, width: int, top: int, left: int, side: int, pen: int = 4) -> np.ndarray:
    """A plus sign, (height, width), from 0 to 1."""
    shape = np.zeros((height, width))
    middle = (side - pen) // 2
    shape[top + middle : top + middle + pen, left : left + side] = 1
    shape[top : top + side, left + middle : left + middle + pen] = 1
    return shape


def name_and_verdict(name: str, one: Picture) -> tuple[str, Verdict]:
    net = network(name)
    (answer,) = ask(net, [ink.strokes_only(one, net.card)], lambda _ahead: None)
    return answer.top(1)[0].name, verdict(answer)


@pytest.mark.parametrize("paper", [255, 140, 90])
@pytest.mark.parametrize("stroke", [0.25, 0.75, 1.9])
@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_strokes_are_found_on_any_background(paper: int, stroke: float, slope: float) -> None:
    """Uneven light does not matter, nor whether ink or paper is darker: light strokes are chalk on a board."""
    level = paper if stroke < 1 else 90
    light = (1 - slope * np.linspace(0, 1, 300))[None]
    scene = level * light * (1 + (stroke - 1) * cross(200, 300, 60, 170, 80))
    found = find(torch.from_numpy(scene.round().astype(np.uint8))[None])
    assert found is not None
    assert found.dark is (stroke < 1)
    assert np.abs(np.array(found.box) - (60, 170, 80, 80)).max() <= 2
    assert not found.others


def test_empty_paper_has_no_strokes() -> None:
    even = torch.full((1, 200, 300), 130, dtype=torch.uint8)
    shaded = torch.linspace(120, 220, 300).round().byte().expand(1, 200, 300)
    grain = (130 + 3 * torch.randn(1, 200, 300, generator=torch.Generator().manual_seed(0))).byte()
    assert [find(one) for one in (even, shaded, grain)] == [None] * 3


def test_ruled_lines_specks_and_shadow_edges_are_ignored() -> None:
    scene = np.full((240, 320), 220.0)
    scene[::24], scene[:, ::24] = 170, 170
    scene[:, 260:] *= 0.6
    scene[30:32, 40:42] = 60
    scene = np.where(cross(240, 320, 90, 110, 70) > 0, 50, scene)
    found = find(torch.from_numpy(scene.astype(np.uint8))[None])
    assert found is not None
    assert np.abs(np.array(found.box) - (90, 110, 70, 70)).max() <= 3


def test_a_second_figure_is_ignored_with_a_warning() -> None:
    scene = 230 - 180 * np.maximum(cross(200, 400, 60, 40, 80), cross(200, 400, 60, 290, 76))
    found = find(torch.from_numpy(scene.astype(np.uint8))[None])
    assert found is not None
    assert found.others == 1
    codes = [warned.code for warned in name_and_verdict("mnist-cnn", picture(scene.astype(np.uint8)))[1].warnings]
    assert codes == ["other-strokes"]


def test_framing_like_mnist() -> None:
    """LeCun et al. 1998: a box of 20 by 20 in 28 by 28, the same aspect ratio, the centre of mass in the middle."""
    shape = np.zeros((100, 60), np.float32)
    shape[:, :12] = shape[88:, :] = 1  # an L, whose mass is not in the middle of its box
    seen = frame_strokes(Strokes(shape, (0, 0, 100, 60), dark=True), Framing.MASS, 28)[0].float()
    rows, columns = (seen.amax(axis) > 127 for axis in (1, 0))
    assert (int(rows.sum()), int(columns.sum())) == (20, 12)
    places = torch.arange(28) + 0.5
    centre = [float((seen.sum(axis) * places).sum() / seen.sum()) for axis in (1, 0)]
    assert centre == pytest.approx([14, 14], abs=0.3)


def test_framing_like_scikit_learn() -> None:
    """Its digits fill all eight rows, stand upright, and have 30% ink, whatever the digit."""
    slanted = np.zeros((120, 90), np.float32)
    for row in range(120):
        slanted[row, 70 - row // 2 : 84 - row // 2] = 1
    seen = frame_strokes(Strokes(slanted, (0, 0, 120, 90), dark=True), Framing.BOX, 8)[0].float() / 255
    assert (seen.amax(1) > 0.25).all()
    centres = (seen * torch.arange(8)).sum(1) / seen.sum(1)
    assert float(centres.max() - centres.min()) < 0.7  # 3.7 columns before
    own = pixels(load("digits").train).float().mean() / 255
    assert float(own) == pytest.approx(0.302, abs=0.005)


def test_the_framing_of_a_data_set_is_measured() -> None:
    digits = pixels(load("digits").train)
    assert framing_of(digits) is Framing.BOX
    assert framing_of(255 - digits) is Framing.BOX
    strokes = [Strokes(cross(side, side, 0, 0, side, side // 6), (0, 0, 9, 9), dark=True) for side in range(40, 60)]
    assert framing_of(torch.stack([frame_strokes(one, Framing.MASS, 28) for one in strokes])) is Framing.MASS
    assert framing_of(noise(50, 3, 32, 32)) is None
    assert framing_of(torch.zeros(9, 1, 28, 28, dtype=torch.uint8)) is None


def test_the_framing_of_a_card_and_the_default_for_older_cards() -> None:
    card = read_card(registry.PRETRAINED / "mnist-cnn.safetensors")
    old = {key: value for key, value in card.preprocessing.items() if key != "framing"}

    def card_with(data: str = "", **changes: object) -> Card:
        return card.model_copy(update={"preprocessing": old | changes, "data": {"name": data}})

    assert ink.framing_for(card_with()) is Framing.MASS
    assert ink.framing_for(card_with(size=8)) is Framing.BOX
    assert ink.framing_for(card_with("digits")) is Framing.BOX
    assert ink.framing_for(card_with(framing="box")) is Framing.BOX
    assert (ink.known_framing(card_with()), ink.known_framing(card_with("mnist"))) == (None, Framing.MASS)
    with pytest.raises(InputError, match="framing: 'tight' is not one of"):
        _inputs = card_with(framing="tight").inputs


def test_a_network_for_colour_photographs_refuses_ink() -> None:
    card = read_card(registry.PRETRAINED / "resnet20-cifar10.safetensors")
    assert ink.framing_for(card) is None
    with pytest.raises(InputError, match="ink: resnet20-cifar10 was trained with colour images"):
        ink.check(card)


def digit(size: tuple[int, int] = (28, 28)) -> np.ndarray:
    """A 3 of scikit-learn's test set, bright on black."""
    test = load("digits").test
    image = Image.fromarray(pixels(test)[test.labels == 3][0, 0].numpy())
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def transparent_digit(light: int) -> np.ndarray:
    pixels = np.full((28, 28, 4), light, np.uint8)
    pixels[..., 3] = digit()
    return pixels


@pytest.mark.parametrize(
    "given",
    [
        lambda: picture(255 - digit()),
        lambda: picture(digit()),
        lambda: picture(digit().astype(np.uint16) * 16),  # 12 bits in 16
        lambda: picture(transparent_digit(255)),
        lambda: picture(transparent_digit(0)),
        lambda: picture(np.pad(255 - digit((60, 60)), ((20, 220), (200, 20)), constant_values=255)),
    ],
)
def test_a_digit_is_read_in_all_encodings(given: object) -> None:
    assert callable(given)
    name, judgement = name_and_verdict("mnist-cnn", given())
    assert name == "3"
    assert not judgement.warnings
    assert "trokes found" in judgement.notes[0]


def test_white_transparent_strokes_get_a_black_background() -> None:
    pixels: Tensor = decode(png(transparent_digit(255)), "p", 1)
    assert torch.equal(pixels[0], torch.from_numpy(digit().copy()))
    assert int(decode(png(transparent_digit(0)), "p", 1)[0, 0, 0]) == 255


def test_a_picture_without_strokes_is_classified_unchanged() -> None:
    shaded = np.broadcast_to(np.linspace(60, 220, 90).astype(np.uint8), (90, 90))
    _name, judgement = name_and_verdict("mnist-cnn", picture(np.ascontiguousarray(shaded)))
    assert "no-ink" in [warned.code for warned in judgement.warnings]
    assert not judgement.notes
    assert not judgement.is_sure


@cache
def photographed() -> tuple[list[Picture], list[str]]:
    """Scikit-learn's test digits on every kind of paper, and their classes."""
    test, random = load("digits").test, np.random.default_rng(4)
    pictures, labels = [], []
    for number in range(35):
        shape = pixels(test)[number * 7, 0].numpy().astype(np.float32) / 255
        large = np.asarray(Image.fromarray(shape).resize((48, 64), Image.Resampling.BICUBIC))
        pictures.append(picture(photograph(large, random, PAPERS[number % 7], list(INKS)[number % 5])))
        labels.append(str(int(test.labels[number * 7])))
    return pictures, labels


@pytest.mark.parametrize("name", ["mnist-cnn", "digits-cnn"])
def test_photographed_digits_are_classified(name: str) -> None:
    """benchmarks/ink.py has more, and MNIST's."""
    net, (pictures, labels) = network(name), photographed()
    plain = list(ask(net, pictures, lambda _ahead: None))
    assert sum(verdict(one).is_sure for one in plain) <= 1
    found = list(ask(net, [ink.strokes_only(one, net.card) for one in pictures], lambda _ahead: None))
    right = sum(one.top(1)[0].name == label for one, label in zip(found, labels, strict=True))
    assert right >= MIN_RIGHT * len(labels)
    assert Path(net.path).exists()


def test_the_benchmark_counts_right_answers_and_warnings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ink", "digits-cnn", "--count", "2"])
    main()
    own, photographs, by_kind = capsys.readouterr().out.splitlines()
    assert own.startswith("digits-cnn: of 359 of its own test images warned of 0.0%; no class stands out in ")
    assert re.fullmatch(r"  photographs: right .* by --ink; warned of 100.0% as they are, .*% by --ink", photographs)
    assert by_kind.startswith("  by --ink: white ")
