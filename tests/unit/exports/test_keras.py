"""Keras source: from the same weights it computes what the PyTorch network computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.errors import SpecError
from explorer.exports.keras import keras_source
from explorer.families import PRESETS, Spec, parse_spec, resolve
from explorer.families.building import build
from tests.helpers.weights import random_weights

pytestmark = pytest.mark.exhaustive
RUFF = str(Path(sys.executable).with_name("ruff"))
NETWORKS: list[Spec] = [
    resolve("lenet5"),
    resolve("mnist-fc"),
    parse_spec(
        {
            "family": "vgg", "cfg": ["4:5/2p1", "L", "A:3/2p1", "8:1", "M:3/2p1"], "pool_to": 2, "classifier": [6],
            "image_size": 32, "batch_norm": True, "activation": "leaky_relu",
        }
    ),
    parse_spec(
        {"family": "vgg", "cfg": [4, "M"], "pool_to": 3, "classifier": [6], "image_size": 14, "activation": "gelu"}
    ),
    parse_spec({"family": "vgg", "cfg": [8, "8:3d2g4", "M"], "pool_to": None, "classifier": [], "image_size": [12, 9]}),
    parse_spec({"family": "vgg", "cfg": [4, "M"], "pool_to": 4, "head": "conv", "classifier": [6], "image_size": 12}),
    parse_spec({"family": "resnet", "blocks": [2, 1], "widths": [4, 8], "block": "bottleneck", "image_size": 33}),
    parse_spec({"family": "resnet", "blocks": [1, 2], "widths": [4, 8], "shortcut": "A", "stem": "cifar-pool",
                "image_size": 15, "activation": "elu"}),
    parse_spec({"family": "resnet", "blocks": [1, 1], "widths": [4, 8], "shortcut": "C", "batch_norm": False,
                "image_size": 32}),
    parse_spec({"family": "resnet", "blocks": [1], "widths": [4], "residual": False, "image_size": 32}),
    parse_spec(
        {
            "family": "googlenet", "modules": [["a", 4, 2, 6, 2, 4, 2], ["b", 2, 4, 4, 2, 2, 6]],
            "pool_after": ["a", "b"], "last_pool": 2, "aux_after": ["a"], "image_size": 75, "batch_norm": True,
        }
    ),
    parse_spec({"family": "googlenet", "modules": [["a", 4, 2, 6, 2, 4, 2]], "reduce": False, "image_size": 32}),
    parse_spec({"family": "densenet", "blocks": [2, 1], "growth_rate": 4, "stem_width": 8, "image_size": 64}),
    parse_spec({"family": "densenet", "blocks": [2], "growth_rate": 4, "bottleneck": None, "stem": "cifar",
                "image_size": 16}),
]  # fmt: skip
# Runs all files in one process, because it takes seconds to start Keras.
RUN = """
import sys, torch
for name in sys.argv[1:]:
    state, images, expected = torch.load(f"{name}.pt", weights_only=True)
    scope = {"__name__": name}
    exec(compile(open(f"{name}.py").read(), name, "exec"), scope)
    net = scope["make_net"]()
    scope["load_torch"](net, {key: tensor.numpy() for key, tensor in state.items()})
    scores = net(images.permute(0, 2, 3, 1)).detach()
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4 * (1 + float(expected.abs().max())))
"""


@pytest.mark.process
def test_keras_computes_the_same(tmp_path: Path) -> None:
    names = []
    for number, spec in enumerate(NETWORKS):
        network = build(spec).eval()
        state = random_weights(network)
        network.load_state_dict(state)
        images = torch.rand(2, *spec.input_shape)
        with torch.no_grad():
            expected = network(images)
        names.append(f"net{number}")
        (tmp_path / f"net{number}.py").write_text(keras_source(spec))
        torch.save((state, images, expected), tmp_path / f"net{number}.pt")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *names], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_source_is_well_written(tmp_path: Path) -> None:
    specs = [*NETWORKS, *(preset.spec for preset in PRESETS.values())]
    for number, spec in enumerate(specs):
        text = keras_source(spec)
        (tmp_path / f"net{number}.py").write_text(text)
        assert max(map(len, text.splitlines())) <= 100
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [RUFF, *command, "--isolated", "--no-cache", str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_network_of_torchvision_alone_is_refused() -> None:
    assert 'name="fc"' in keras_source(resolve("torchvision:resnet18"))
    with pytest.raises(SpecError, match="torchvision:convnext_tiny"):
        keras_source(resolve("torchvision:convnext_tiny"))
