"""The small figures of the start page: what they say, also of unusual networks and runs."""

import math
import re

import pytest

from explorer.analysis import analyse
from explorer.analysis.kernels import Replacement, replacement
from explorer.drawing import curve, vignettes
from explorer.families import resolve

NAN = math.nan


def label(figure: str) -> str:
    found = re.search('aria-label="([^"]*)"', figure)
    assert found
    return found[1]


def coordinates(figure: str) -> list[float]:
    """All x coordinates of polygons and rectangles."""
    points = [float(x) for text in re.findall('points="([^"]*)"', figure) for x in re.findall(r"(\S+),", text)]
    return points + [float(x) for x in re.findall('<rect x="([^"]*)"', figure)]


def test_volumes_are_the_maps_between_pools() -> None:
    figure = vignettes.volumes(analyse(resolve("vgg16")), dark=False)
    assert label(figure) == "Maps with sides of 224, 112, 56, 28, 14, 7 pixels, then 3 linear layers"
    assert re.findall(">([0-9]+)</text>", figure) == ["224", "112", "56", "28", "14", "7"]


@pytest.mark.parametrize("cfg", [[], [64], [16384] * 30, ["64", "M"] * 7 + [64] * 200])
def test_volumes_stay_within_the_figure(cfg: list[int | str]) -> None:
    figure = vignettes.volumes(analyse(resolve("vgg16").changed(cfg=cfg, image_size=224)), dark=True)
    assert all(0 <= x <= vignettes.WIDTH for x in coordinates(figure))


def test_a_network_of_linear_layers_has_no_maps() -> None:
    assert label(vignettes.volumes(analyse(resolve("vgg16").changed(cfg=[], image_size=8)), dark=False)).endswith(
        "3 linear layers"
    )


def test_nested_fields_count_the_weights() -> None:
    figure = vignettes.nested(7, replacement(7, Replacement.THREE), dark=False)
    assert label(figure) == "Squares of 3, 5, 7 cells in each other; a 7×7 has 49 C² weights, the stack has 27 C²"


@pytest.mark.parametrize(
    ("validation", "training", "steps", "words"),
    [
        ([], [], [], "no numbers yet"),
        ([], [], [(0.5, 0.31)], "training 31.0% at epoch 0.5"),
        ([(1, 0.5)], [(1, 0.4)], [(0.5, 0.3)], "training 40.0% at epoch 1; validation 50.0% at epoch 1"),
        ([(1, 0.5), (2, NAN)], [], [], "validation 50.0% at epoch 1"),
    ],
)
def test_the_curve_names_its_last_numbers(
    validation: curve.Points, training: curve.Points, steps: curve.Points, words: str
) -> None:
    figure = curve.accuracy(validation, training, steps, 4, dark=False)
    assert label(figure) == f"Top-1 accuracy: {words}"
    assert "nan" not in figure
