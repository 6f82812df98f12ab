"""Compares the numbers of other tools' example networks with the numbers of these tools.

usage: python -m tests.sweeps.other_tools [NETWORK …]

The tools are torchinfo, fvcore and torch-scan (``benchmarks/requirements.txt``). They run the networks with numbers on
the CPU; ``explorer.analyse`` reads the modules. The networks are the examples and tests of these tools and of
RFA-Toolbox that take one image: small ones are written here, the others are torchvision's and timm's. It prints a table
in Markdown; the exit status is 1 if a number differs from that of a tool by its own rule:

* parameters: all three tools
* mult-adds: torchinfo's total in evaluation mode
* MACs: fvcore's convolutions and matrix products; half of the FLOPs of torch-scan's operators, where it knows all
"""

import argparse
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any, cast

import timm
import torch
import torchinfo
import torchvision
from fvcore.nn import FlopCountAnalysis, parameter_count
from torch import Tensor, nn
from torch.nn import functional
from torchscan import crawl_module

import explorer

PRODUCTS = ("conv", "linear", "matmul", "addmm", "mm", "bmm", "baddbmm", "einsum")  # operators in fvcore


class Digits(nn.Module):
    """Two convolutions with functional pools, and a head (torchinfo)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.drop = nn.Dropout2d(0.3)
        self.hidden, self.out = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Returns log-probabilities."""
        x = functional.relu(functional.max_pool2d(self.first(x), 2))
        x = functional.relu(functional.max_pool2d(self.drop(self.second(x)), 2))
        return functional.log_softmax(self.out(functional.relu(self.hidden(x.flatten(1)))), 1)


class Named(Digits):
    """Returns all its maps in a dictionary (torchinfo)."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        """Returns maps and log-probabilities."""
        first = self.first(x)
        second = self.second(functional.relu(functional.max_pool2d(first, 2)))
        hidden = functional.relu(self.hidden(functional.relu(functional.max_pool2d(second, 2)).flatten(1)))
        return {"first": first, "second": second, "hidden": hidden, "output": self.out(hidden)}


class Unpooled(nn.Module):
    """A pool whose places an unpooling uses (torchinfo's autoencoder)."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU())
        self.pool, self.unpool = nn.MaxPool2d(2, 2, return_indices=True), nn.MaxUnpool2d(2, 2)
        self.decode = nn.Sequential(nn.Conv2d(16, 3, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Returns an image."""
        x = self.encode(x)
        pooled, places = self.pool(x)
        return cast(Tensor, self.decode(self.unpool(pooled, places, output_size=x.size())))


class Repeated(nn.Module):
    """One convolution, six times (torchinfo)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns a map."""
        for _time in range(6):
            x = self.conv(x)
        return x


class Dilated(nn.Module):
    """Two blocks of dilated convolutions with padding "same", as dictionaries of modules (torchinfo)."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.start_norm = nn.Conv2d(3, 8, 5, padding="same"), nn.BatchNorm2d(8)
        self.blocks = nn.ModuleList()
        for powers in ((1, 2, 3), (3, 2, 1)):
            block = nn.ModuleDict()
            for place, power in enumerate(powers):
                block[f"conv{place}"] = nn.Conv2d(8, 8, 3, padding="same", dilation=2**power)
                block[f"norm{place}"] = nn.BatchNorm2d(8)
            self.blocks.append(block)
        self.end, self.end_norm = nn.Conv2d(8, 1, 1, padding="same"), nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns a map."""
        x = torch.relu(self.start_norm(self.start(x)))
        for block in self.blocks:
            for layer in cast(nn.ModuleDict, block).values():
                x = torch.relu(layer(x)) if isinstance(layer, nn.BatchNorm2d) else layer(x)
        return torch.relu(self.end_norm(self.end(x)))


class Chosen(nn.Module):
    """Uses some of its modules only (torchinfo)."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = nn.ModuleDict({"conv": nn.Conv2d(10, 10, 3), "pool": nn.MaxPool2d(3)})
        self.activations = nn.ModuleDict({"leaky": nn.LeakyReLU(), "parametric": nn.PReLU()})

    def forward(self, x: Tensor) -> Tensor:
        """Returns a map."""
        return cast(Tensor, self.activations["parametric"](self.choices["conv"](x)))


def shared_relu() -> nn.Module:
    """A ReLU that is used four times, after a reflected border (torchinfo)."""
    relu = nn.ReLU(inplace=True)
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(4, 1, 1), nn.BatchNorm2d(1), relu]
    for channels in (1, 2, 4):
        layers += [nn.Conv2d(channels, 2 * channels, 1, 2, 1), nn.BatchNorm2d(2 * channels), relu]
    return nn.Sequential(*layers)


class Parameters(nn.Module):
    """Tensors of its own in place of layers (torchinfo)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(192, 64)), nn.Parameter(torch.zeros(64))
        self.out = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Returns scores."""
        return cast(Tensor, self.out(torch.mm(x.flatten(1), self.weight) + self.bias))


class TwoPaths(nn.Module):
    """Two paths of the same length that join (RFA-Toolbox)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3)
        self.left, self.right = nn.Conv2d(64, 128, 3), nn.Conv2d(64, 256, 3)
        self.join, self.out = nn.Conv2d(384, 256, 3), nn.Linear(256, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Returns scores."""
        x = self.stem(x)
        x = self.join(torch.cat([self.left(x), self.right(x)], 1))
        return cast(Tensor, self.out(x.mean((2, 3))))


def theirs(name: str) -> Callable[[], nn.Module]:
    """Returns what makes a model of torchvision."""
    options: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return lambda: cast(nn.Module, torchvision.models.get_model(name, weights=None, **options))


def timms(name: str) -> Callable[[], nn.Module]:
    """Returns what makes a model of timm."""
    return lambda: timm.create_model(name)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "convolution": (lambda: nn.Conv2d(3, 8, 3), (3, 32, 32)),
    "digits": (Digits, (1, 28, 28)),
    "dictionary": (Named, (1, 28, 28)),
    "autoencoder": (Unpooled, (3, 64, 64)),
    "one layer six times": (Repeated, (64, 64, 64)),
    "dilated blocks": (Dilated, (3, 64, 64)),
    "module dictionary": (Chosen, (10, 50, 50)),
    "shared ReLU": (shared_relu, (4, 64, 64)),
    "own parameters": (Parameters, (3, 8, 8)),
    "two paths": (TwoPaths, (3, 32, 32)),
    **{
        name: (theirs(name), (3, 299, 299) if name == "inception_v3" else (3, 224, 224))
        for name in (
            "alexnet vgg11 vgg16 vgg19 resnet18 resnet50 resnet152 resnext50_32x4d wide_resnet50_2 googlenet "
            "inception_v3 densenet121 squeezenet1_0 mobilenet_v2 mobilenet_v3_large mnasnet1_3 shufflenet_v2_x1_0 "
            "efficientnet_b0 regnet_y_400mf convnext_tiny"
        ).split(" ")
    },
    "timm's nf_resnet26": (timms("nf_resnet26"), (3, 224, 224)),
    "timm's levit_128s": (timms("levit_128s"), (3, 224, 224)),
    "timm's edgenext_xx_small": (timms("edgenext_xx_small"), (3, 256, 256)),
}


def compared(name: str) -> tuple[dict[str, tuple[int, int | None]], str]:
    """Returns our number and that of a tool by what is counted (None if the tool has none), and our receptive field."""
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    module = make().eval()
    found = explorer.analyse(module, image_size=shape[1:], in_channels=shape[0])
    totals, image = found.totals, torch.zeros(1, *shape)
    summary = torchinfo.summary(module, input_data=image, verbose=0, mode="eval")
    flops = (
        FlopCountAnalysis(module, image)
        .unsupported_ops_warnings(enabled=False)
        .uncalled_modules_warnings(enabled=False)
    )
    try:
        products = int(sum(flops.by_operator()[kind] for kind in PRODUCTS))
    except TypeError:  # PyTorch's tracer, which fvcore uses, can't follow a check of an unpooling
        products = None
    report = crawl_module(module, shape)["totals"]
    operators = report["operator_flops"]["known_value"]
    numbers: dict[str, tuple[int, int | None]] = {
        "torchinfo, parameters": (totals.params, summary.total_params),
        "fvcore, parameters": (totals.params, parameter_count(module)[""]),
        "torch-scan, parameters": (totals.params, report["parameters"]["value"]),
        "torchinfo, mult-adds": (totals.torchinfo_mult_adds, summary.total_mult_adds),
        "fvcore, MACs": (totals.macs, products),
        "torch-scan, MACs": (totals.macs, None if operators is None else operators // 2),
    }
    return numbers, "–" if found.field is None else f"{found.field.size}"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print("| network | parameters | MACs | receptive field | differences |\n|---|---:|---:|---:|---|")
    differing = 0
    for name in arguments.networks:
        numbers, field = compared(name)
        apart = [f"{what} {other:,}" for what, (ours, other) in numbers.items() if other is not None and ours != other]
        differing += bool(apart)
        params, macs = numbers["torchinfo, parameters"][0], numbers["fvcore, MACs"][0]
        print(f"| {name} | {params:,} | {macs:,} | {field} | {'; '.join(apart) or 'none'} |", flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
