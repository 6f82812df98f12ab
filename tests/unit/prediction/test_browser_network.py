"""Networks as steps for the browser, computed here with PyTorch's functions and compared with the networks themselves.

``tests/browser/test_drawing.py`` compares the browser's computation with the server's.
"""

import base64
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.data.preprocessing import Normalise
from explorer.families import Spec, parse_spec
from explorer.families.building import build
from explorer.prediction import browser_network, networks
from explorer.prediction.browser_network import for_browser
from explorer.prediction.networks import Network
from explorer.weights.files import Card
from tests.helpers.pixels import noise
from tests.helpers.toys import GOOGLENET, RESNET, VGG, registry_entry, toy_spec
from tests.helpers.weights import random_weights


def network(spec: Spec, **preprocessing: Any) -> Network:
    module = build(spec)
    module.load_state_dict(random_weights(module))
    inputs = {"size": spec.image_size, "mean": [0.13], "std": [0.3], **preprocessing}
    classes = tuple(map(str, range(spec.num_classes)))
    card = Card(name="toy", spec=spec.model_dump(mode="json"), classes=classes, preprocessing=inputs)
    return Network(module.eval(), card, "toy", Path("toy"))


def computed(exported: dict[str, Any], image: Tensor) -> Tensor:
    """The scores of an image, (1, C, size, size) and normalised, by the exported steps."""
    numbers = torch.from_numpy(np.frombuffer(base64.b64decode(exported["weights"]), "<f4").copy())

    def part(place: tuple[int, int] | None, *shape: int) -> Tensor | None:
        return None if place is None else numbers[place[0] : place[0] + place[1]].view(shape)

    values = [image]
    for step in exported["steps"]:
        value, *others = (values[index] for index in step["of"])
        match step["name"]:
            case "convolution":
                weight = part(step["weight"], step["outputs"], -1, *step["kernel"])
                bias = part(step["bias"], -1)
                assert weight is not None
                value = functional.conv2d(
                    value, weight, bias, step["stride"], step["padding"], step["dilation"], step["groups"]
                )
            case "scale":
                factor, summand = (part(step[name], 1, -1, 1, 1) for name in ("factor", "summand"))
                assert factor is not None
                assert summand is not None
                value = value * factor + summand
            case "relu":
                value = value.relu()
            case "activation":
                value = functional.gelu(value) if step["function"] == "gelu" else functional.silu(value)
            case "concatenate":
                value = torch.cat([value, *others], 1)
            case "pad_shortcut":
                thinned = value[:, :, :: step["stride"], :: step["stride"]]
                value = functional.pad(thinned, (0, 0, 0, 0, 0, step["channels"]))
            case "maximum":
                value = functional.max_pool2d(
                    value, step["kernel"], step["stride"], step["padding"], ceil_mode=step["ceil"]
                )
            case "average":
                value = functional.avg_pool2d(
                    value, step["kernel"], step["stride"], step["padding"], count_include_pad=step["counts_padding"]
                )
            case "adaptive_average":
                value = functional.adaptive_avg_pool2d(value, step["size"])
            case "flatten":
                value = value.flatten(1)
            case "linear":
                weight = part(step["weight"], step["outputs"], -1)
                assert weight is not None
                value = functional.linear(value, weight, part(step["bias"], -1))
            case "add":
                value = value + others[0]
        values.append(value)
    return values[-1]


CHAIN = {"cfg": [4, "M", "6:5p2", "A"], "batch_norm": True, "pool_to": 2, "classifier": [9], "dropout": 0.5}


@pytest.mark.parametrize(
    ("spec", "steps"),
    [
        (toy_spec(VGG, **CHAIN), {"convolution", "scale", "relu", "maximum", "average", "adaptive_average", "linear"}),
        (toy_spec(VGG, head="conv", pool_to=None), {"convolution", "adaptive_average", "flatten"}),
        (toy_spec(RESNET, shortcut="B"), {"add", "scale"}),
        (toy_spec(RESNET, shortcut="A", activation="silu"), {"pad_shortcut", "activation"}),
        (toy_spec(GOOGLENET, aux_after=[], activation="gelu"), {"concatenate", "maximum", "activation"}),
    ],
)
@torch.inference_mode()
def test_the_steps_give_the_scores_of_the_network(spec: Spec, steps: set[str]) -> None:
    one = network(spec)
    exported = for_browser(one)
    assert exported is not None
    assert steps <= {step["name"] for step in exported["steps"]}
    image = torch.randn(1, 1, *spec.sides)
    torch.testing.assert_close(computed(exported, image), one.module(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["digits-cnn", "mnist-cnn", "mnist-fc"])
def test_shipped_networks_of_digits_are_computed_in_the_browser(name: str) -> None:
    exported = for_browser(networks.network(registry_entry(name)))
    assert exported is not None
    assert exported["framing"] == ("box" if name == "digits-cnn" else "mass")
    assert exported["bright"]


def test_the_preparation_is_that_of_the_server() -> None:
    exported = for_browser(network(toy_spec(VGG), permutation_seed=3))
    assert exported is not None
    inputs = exported["input"]
    levels = noise(1, 1, 8, 8)
    expected = Normalise(network(toy_spec(VGG), permutation_seed=3).card.inputs, levels.device)(levels)[0, 0]
    ordered = levels.flatten()[inputs["order"]].view(8, 8)
    torch.testing.assert_close((ordered - inputs["mean"][0]) * inputs["rate"][0], expected)


@pytest.mark.parametrize(
    "spec",
    [toy_spec(VGG, cfg=[4, "L", "M"])],
    ids=["local response norm"],
)
def test_networks_with_other_operations_stay_on_the_server(spec: Spec) -> None:
    assert for_browser(network(spec)) is None


def test_large_networks_and_networks_of_colours_stay_on_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert for_browser(networks.network(registry_entry("resnet20-cifar10"))) is None
    monkeypatch.setattr(browser_network, "MAX_MACS", 100)
    assert for_browser(network(toy_spec(VGG))) is None
    monkeypatch.undo()
    monkeypatch.setattr(browser_network, "MAX_BYTES", 100)
    assert for_browser(network(parse_spec(toy_spec(VGG).model_dump()))) is None


def test_modules_of_other_threads_are_called_as_always_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions share the process, and ``torch.fx`` would replace the call of all modules while it traces."""
    called, calls = nn.Module.__call__, []
    layer = nn.Conv2d(1, 1, 1)
    inner = nn.Conv2d.forward

    def forward(self: nn.Conv2d, image: Tensor) -> Tensor:
        calls.append(nn.Module.__call__ is called)
        if self is not layer:
            thread = Thread(target=layer, args=(torch.zeros(1, 1, 2, 2),))
            thread.start()
            thread.join()
        return inner(self, image)

    monkeypatch.setattr(nn.Conv2d, "forward", forward)
    assert for_browser(network(toy_spec(VGG))) is not None
    assert calls
    assert all(calls)
