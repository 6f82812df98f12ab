"""Compares the analysis of ONNX files with that of the modules from which they were exported.

usage: python -m tests.sweeps.onnx [NETWORK …] [--opset N …]

Without networks: all presets and the models of torchvision in ``MODELS``. Without opsets: all that the product writes.
Each network is written with batch norm in layers of its own at each opset, and with batch norm folded at the first and
the last one; PyTorch's own fusion makes the module for the second comparison. The exit status is 1 if anything differs.
"""

import argparse
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from torch.fx.experimental.optimization import fuse
from torch.onnx._internal.exporter._registration import ONNXRegistry

from explorer.analysis.graphs import analyse_graph
from explorer.analysis.modules import analyse_module
from explorer.errors import InputError
from explorer.exports import onnx_model as exporter
from explorer.exports.onnx_options import MAX_OPSET, MIN_OPSET, OnnxOptions
from explorer.families import PRESETS, Spec, resolve
from explorer.families.building import detach_auxiliary
from tests.helpers.onnx_files import numbers, read_here
from tests.helpers.weights import random_weights

# One or two of each kind that torchvision has.
MODELS = (
    "alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet1_0 "
    "mobilenet_v2 mobilenet_v3_large regnet_y_400mf resnext50_32x4d shufflenet_v2_x1_0 squeezenet1_1 swin_t swin_v2_t "
    "vgg16_bn vit_b_16 wide_resnet50_2"
).split()


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Returns what differs between two results of ``numbers``."""
    lines = []
    for key, value in expected.items():
        if found[key] == value:
            continue
        if key != "convolutions" or len(found[key]) != len(value):
            lines.append(f"{key}: {_short(found[key])} instead of {_short(value)}")
            continue
        for position, (one, other) in enumerate(zip(found[key], value, strict=True)):
            if one != other:
                lines.append(f"convolution {position}: {_short(one)} instead of {_short(other)}")
                break
    return lines


def _short(value: object) -> str:
    return f"{len(value)} layers" if isinstance(value, list) and len(value) > 5 else str(value)


def sweep(spec: Spec, opsets: list[int], folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """Returns the differences between the files of a network and its module, each with its opset."""
    network = exporter.random_network(spec)
    detach_auxiliary(network.eval())
    channels, height, width = spec.input_shape
    patch.setattr(exporter, "build", lambda _spec: network)
    lines = []
    for fold, versions in ((False, opsets), (True, sorted({opsets[0], opsets[-1]}))):
        if fold:  # PyTorch's exporter leaves out biases that are zero, and those of new batch norms are
            for name, tensor in random_weights(network).items():
                network.state_dict()[name].copy_(tensor)
        module: nn.Module = fuse(network) if fold else network
        expected = numbers(analyse_module(module, image_size=(height, width), in_channels=channels))
        for opset in versions:
            try:
                content = exporter.onnx_model(spec, OnnxOptions(opset=opset, fold=fold))
                graph = read_here(content, folder, patch)
                found = numbers(analyse_graph(graph))
            except InputError as error:
                lines.append(f"opset {opset}{', folded' if fold else ''}: {error}")
                continue
            lines += [f"opset {opset}{', folded' if fold else ''}: {line}" for line in differences(found, expected)]
    return lines


def main() -> int:
    """Runs the sweep and prints a line for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=[*PRESETS, *(f"torchvision:{name}" for name in MODELS)])
    parser.add_argument("--opset", type=int, nargs="+", default=list(range(MIN_OPSET, MAX_OPSET + 1)))
    arguments = parser.parse_args()
    differing = 0
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        # Each export builds PyTorch's registry of operators again, in a seventh of its time.
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib)))
        for name in arguments.networks:
            start = time.monotonic()
            with patch.context() as inner:
                lines = sweep(resolve(name), arguments.opset, Path(folder), inner)
            differing += bool(lines)
            print(f"{name}: {'differs' if lines else 'equal'} ({time.monotonic() - start:.0f} s)", flush=True)
            print("".join(f"    {line}\n" for line in lines), end="", flush=True)
    print(f"{len(arguments.networks)} networks, {differing} of them with differences")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
