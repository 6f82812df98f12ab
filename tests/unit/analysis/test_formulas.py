"""Every formula is evaluated and must give its number."""

import math
import re

import pytest

from explorer.analysis import Analysis, Term, analyse
from explorer.analysis.formulas import term_name
from explorer.families import PRESETS, resolve
from tests.tiers import mostly_exhaustive

NAMES = ["torchvision:mobilenet_v2", "torchvision:vit_b_16", "torchvision:convnext_tiny", "torchvision:regnet_y_400mf"]
TERMS = "|".join(re.escape(term_name(term)) for term in Term)


def evaluate(text: str) -> int:
    """Evaluates arithmetic with ·, −, floor() and ceil(), and refuses anything else."""
    plain = re.sub(rf" \((?:{TERMS})\)", "", text).replace(",", "").replace("·", "*").replace("−", "-")
    rest = re.sub(r"floor|ceil", "", plain)
    assert re.fullmatch(r"[\d\s+*/()-]+", rest), text
    return int(eval(plain, {"__builtins__": {}, "floor": math.floor, "ceil": math.ceil}))  # noqa: S307


def equations(analysis: Analysis) -> list[tuple[str, str, int]]:
    """Returns (location, formula, number) for all layers and totals."""
    rows = []
    for layer in analysis.layers:
        field = layer.field
        for key, value in (
            ("params", layer.params),
            ("macs", layer.macs),
            ("flops", layer.flops),
            ("output_shape", layer.output_shape[-2] if len(layer.output_shape) == 4 else None),
            ("receptive_field", field.size if field else None),
            ("stride", field.stride if field else None),
            ("padding", field.padding if field else None),
            ("activation_bytes", layer.activation_bytes),
        ):
            text = layer.formulas[key]
            if (
                value is not None
                and re.match(r"[-\d(]|floor|ceil", text)
                and "cells" not in text
                and "written" not in text
            ):
                rows.append((f"{layer.name} {key}", text, value))
    totals = analysis.to_dict()["totals"]
    return rows + [(key, text, totals[key]) for key, text in analysis.formulas.items()]


@pytest.mark.parametrize("name", mostly_exhaustive([*PRESETS, *NAMES]))
def test_formulas_give_their_numbers(name: str) -> None:
    found = equations(analyse(resolve(name)))
    assert len(found) > 20
    for where, text, value in found:
        left, _equals, right = text.rpartition(" = ")
        assert int(right.replace(",", "")) == value, where
        if left:
            assert evaluate(left) == value, where


def test_formulas_are_those_of_textbooks() -> None:
    layers = {layer.name: layer for layer in analyse(resolve("vgg16")).layers}
    assert layers["features.5"].formulas["params"] == "(3·3·64 + 1)·128 = 73,856"
    assert layers["features.5"].formulas["macs"] == "3·3·64·128·112·112 = 924,844,032"
    assert layers["features.5"].formulas["receptive_field"] == "6 + (3 − 1)·2 = 10"
    assert layers["features.4"].formulas["output_shape"] == "floor((224 + 2·0 − 2)/2) + 1 = 112"
    assert layers["classifier.0"].formulas["params"] == "(25,088 + 1)·4,096 = 102,764,544"


def test_every_costly_layer_has_a_formula() -> None:
    for name in ("resnet50", "googlenet", "torchvision:vit_b_16"):
        for layer in analyse(resolve(name)).layers:
            for key, value in (("params", layer.params), ("macs", layer.macs), ("flops", layer.flops)):
                assert value == 0 or "=" in layer.formulas[key], (name, layer.name, key)
