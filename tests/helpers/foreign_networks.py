"""Small networks as other people's code builds them, with their names and random statistics."""

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from explorer.families import Spec, resolve
from explorer.families.building import build
from explorer.families.recognition.guess import Guess, our_shapes, our_tensors
from explorer.families.recognition.search import recognise
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.weights.importing.importing import import_checkpoint
from explorer.weights.importing.result import ImportResult

Shapes = dict[str, tuple[int, ...]]
Import = Callable[..., ImportResult]


def batch_norm_warnings(notes: Iterable[str]) -> list[str]:
    """The notes which say that the statistics of batch norms contradict the network."""
    return [note for note in notes if "the inputs of its batch norms" in note]


def trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with random weights and statistics, in evaluation mode and without gradients."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.is_floating_point() and tensor.dim() < 2:
            tensor.normal_(0.5, 0.3, generator=generator)
    return network.eval().requires_grad_(requires_grad=False)


def calibrated(network: nn.Module, batches: Iterable[Tensor], *, spread: float = 0.2) -> dict[str, Tensor]:
    """Returns the tensors of a network with random batch norms and the running statistics of batches of images."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # the mean over all batches
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=spread)
    with torch.inference_mode():
        for images in batches:
            network(images)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def flat_names(names: list[str], seed: int = 0) -> dict[str, str]:
    """A new name for each tensor: a random name of its module, without the tree of modules."""
    rng = random.Random(seed)  # noqa: S311  names, no secrets
    modules: dict[str, str] = {}
    for name in names:
        modules.setdefault(name.rpartition(".")[0], f"{rng.getrandbits(40):x}z")
    return {name: f"{modules[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}" for name in names}


def tree_names(names: list[str], seed: int = 0) -> dict[str, str]:
    """A new name for each tensor: every part except the last is a random word, and the tree of modules stays."""
    rng = random.Random(seed)  # noqa: S311  names, no secrets
    words: dict[str, str] = {}

    def renamed(name: str) -> str:
        *parts, leaf = name.split(".")
        return ".".join([*(words.setdefault(part, f"{rng.getrandbits(40):x}z") for part in parts), leaf])

    return {name: renamed(name) for name in names}


RENAMED = {"flat": flat_names, "tree": tree_names}


def recognised(spec: Spec, how: str) -> Guess:
    """The first guess for one of our networks under other names; checks that every tensor is matched correctly.

    Args:
        spec: Spec of the network.
        how: Names and order: ``own``, ``sorted`` as in a safetensors file, ``flat`` or ``tree``.
    """
    shapes = our_shapes(spec)
    names = RENAMED[how](list(shapes)) if how in RENAMED else {name: name for name in shapes}
    theirs = {names[name]: shape for name, shape in shapes.items()}
    if how == "sorted":
        theirs = dict(sorted(theirs.items()))
    found = recognise(theirs, ordered=how != "sorted")[0]
    assert {name: theirs[their] for name, their in found.names.items()} == our_shapes(found.spec)
    if found.names.keys() == names.keys():
        assert found.names == names
    else:  # without the right pools, our layers have other numbers in the same order
        assert list(found.names.values()) == list(names.values())
    return found


def differences(spec: Spec, found: Guess) -> set[str]:
    """Fields in which a guess differs from a spec, without auxiliary heads and dropout, which no tensor shows."""
    own, other = spec.to_dict(), found.spec.to_dict()
    return {key for key in own if own[key] != other.get(key)} - {"aux_after", "aux_pool", "dropout", "dropout_position"}


def check_scores(network: nn.Module, side: int, channels: int = 3, *, ordered: bool = True, **answers: object) -> Guess:
    """The first guess for a network; checks that its scores equal the original's, in float32."""
    network = trained(network)
    tensors = network.state_dict()
    tensors = tensors if ordered else dict(sorted(tensors.items()))
    found = recognise(shapes_of(tensors), ordered=ordered)[0].changed(**answers)
    ours = build(found.spec)
    ours.load_state_dict(our_tensors(found, tensors))
    images = torch.randn(3, channels, side, side, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(images), network(images), rtol=1e-5, atol=1e-5)
    return found


SMALL = VggSpec(cfg=(8, "M", 16, "M"), pool_to=None, classifier=(20,), dropout=0.0, image_size=32, num_classes=10)
RESIDUAL = ResNetSpec(blocks=(1, 1), widths=(8, 16), stem="cifar", image_size=32, num_classes=10)


def weights_of(spec: Spec) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return trained(build(spec)).state_dict()


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Write tensors as a safetensors file and import it."""

    def run(tensors: dict[str, Tensor], spec: str | None = None, **answers: Any) -> ImportResult:
        path = tmp_path / "theirs.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
        output = tmp_path / "ours.safetensors"
        chosen = None if spec is None else resolve(spec)
        return import_checkpoint(path, output, name=path.name, answers=answers, spec=chosen, command="import")

    return run


class Groups(nn.Module):
    """A VGG in groups named as in the notes on CIFAR-10 at 224, with a quarter of the width and for 32 pixels."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        channels = 3
        for number, widths in enumerate(((4, 4), (8, 8), (16, 16, 16), (32, 32, 32), (32, 32, 32)), 1):
            layers: list[nn.Module] = []
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, 1, 1, bias=bias), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            self.add_module(f"Conv{number}", nn.Sequential(*layers, nn.MaxPool2d(2, 2)))
        self.classsifer = nn.Sequential(nn.Linear(32, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 10))

    def forward(self, x: Tensor) -> Tensor:
        for number in range(1, 6):
            x = getattr(self, f"Conv{number}")(x)
        out: Tensor = self.classsifer(x.flatten(1))
        return out


class R1Block(nn.Module):
    """A block as in the notes with a CIFAR-10 trainer: the branch is ``features``, the projection ``shortcut``."""

    def __init__(self, before: int, width: int, stride: int, *, bottleneck: bool, bias: bool = False) -> None:
        super().__init__()
        after = width * 4 if bottleneck else width
        self.features = nn.Sequential()
        shapes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        for number, (i, o, k, s) in enumerate(
            shapes if bottleneck else [(before, width, 3, stride), (width, width, 3, 1)]
        ):
            layers = [nn.ReLU()] * bool(number) + [nn.Conv2d(i, o, k, s, k // 2, bias=bias), nn.BatchNorm2d(o)]
            self.features.extend(layers)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=bias), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.features(x) + self.shortcut(x))


class R1(nn.Module):
    def __init__(self, *, bottleneck: bool, bias: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=bias), nn.BatchNorm2d(8), nn.ReLU())
        channels = 8
        for stage, (width, stride) in enumerate(((8, 1), (16, 2), (16, 2)), 1):
            blocks = []
            for step in (stride, 1):
                blocks.append(R1Block(channels, width, step, bottleneck=bottleneck, bias=bias))
                channels = width * 4 if bottleneck else width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.classifer = nn.Linear(channels, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        for stage in (1, 2, 3):
            x = self.get_submodule(f"layer{stage}")(x)
        out: Tensor = self.classifer(x.mean((2, 3)))
        return out
