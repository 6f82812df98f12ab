"""The dry run refuses a network that can't train before anything starts."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from explorer.cli.main import main
from explorer.errors import SpecError
from explorer.families import parse_spec, resolve
from explorer.families.building import build
from explorer.settings import settings
from explorer.training.dry_run import forward_macs
from tests.helpers.toys import GOOGLENET, VGG, toy_spec

# The network needs 75 pixels. Its auxiliary head, which runs only in training, needs more.
INCEPTION = {"family": "torchvision", "name": "inception_v3", "image_size": 96}


def test_multiply_accumulates_of_one_image() -> None:
    assert forward_macs(resolve("vgg16")) == 15_470_264_320  # DESIGN's figure
    assert forward_macs(toy_spec({"family": "vgg", "cfg": [], "pool_to": None, "classifier": []})) == 64 * 4


@pytest.mark.parametrize("name", ["alexnet", "resnet50", "googlenet", "densenet121", "torchvision:vit_b_16"])
def test_multiply_accumulates_are_half_of_pytorchs_flop_counter(name: str) -> None:
    spec = resolve(name)
    network = build(spec, "meta").train()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(2, *spec.input_shape, device="meta"))
    assert forward_macs(spec) == counter.get_total_flops() // 4


def test_auxiliary_heads_are_counted() -> None:
    without = forward_macs(toy_spec(GOOGLENET, aux_after=[]))
    heads = [module for name, module in build(toy_spec(GOOGLENET)).named_children() if name.startswith("aux")]
    last = sum(layer.weight.numel() for head in heads for layer in head.modules() if isinstance(layer, nn.Linear))
    assert forward_macs(toy_spec(GOOGLENET)) > without + last


@pytest.mark.parametrize("spec", [INCEPTION, INCEPTION | {"name": "squeezenet1_1", "image_size": 16}])
def test_images_too_small_for_an_auxiliary_head_are_refused(spec: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"^image_size: this network can't train on \d+×\d+ images: a map of it is"):
        forward_macs(parse_spec(spec))


def test_a_map_of_one_value_is_accepted() -> None:
    forward_macs(toy_spec(VGG, cfg=[4, "M", "M", "M"], batch_norm=True))


@pytest.mark.parametrize(
    ("arguments", "key"), [((json.dumps(INCEPTION),), "image_size"), (("digits-cnn", "--device", "mps"), "device")]
)
def test_the_command_refuses_the_network_and_leaves_no_files(
    arguments: tuple[str, ...],
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(sys, "argv", ["explorer", "train", *arguments, "--dataset", "digits", "--json"])
    settings.cache_clear()
    try:
        with pytest.raises(SystemExit) as left:
            main()
    finally:
        settings.cache_clear()
    out, err = capsys.readouterr()
    assert (left.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {key}: ")
    assert not (tmp_path / "runs").exists()
