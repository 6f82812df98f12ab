"""The DenseNet family: figures of the paper and of torchvision, and checkpoints of other people's code."""

from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from explorer.analysis import analyse
from explorer.errors import SpecError
from explorer.families import PRESETS, parse_spec, resolve
from explorer.families.building import build
from explorer.families.densenet.spec import MAX_LAYERS, DenseNetSpec
from explorer.families.recognition.guess import our_tensors
from explorer.families.recognition.search import recognise
from tests.helpers.narrow import of_kind
from tests.helpers.specs import parse_or_none, raw_densenet


def test_figures_of_the_paper_and_of_torchvision() -> None:
    # Huang et al. 2017, Table 1: maps of 56, 28, 14 and 7 cells, and channels of torchvision's transitions.
    spec = resolve("densenet121")
    assert isinstance(spec, DenseNetSpec)
    assert spec.widths == (64, 128, 256, 512, 1024)
    shapes = {layer.name: layer.output_shape for layer in analyse(spec).layers}
    assert shapes["features.denseblock1.denselayer6.concat"] == (1, 256, 56, 56)
    assert shapes["features.transition3.pool"] == (1, 512, 7, 7)
    # github.com/liuzhuang13/DenseNet: 769,162 parameters of DenseNet-BC (L = 100, k = 12), 1.0 M of the other.
    assert analyse(resolve("densenet-bc-100-12")).totals.params == 769_162
    assert round(analyse(resolve("densenet-40-12")).totals.params / 10**6, 1) == 1.0


def test_depth_counts_convolutions_and_the_linear_layer() -> None:
    for name, depth in (
        ("densenet121", 121),
        ("densenet201", 201),
        ("densenet-bc-100-12", 100),
        ("densenet-40-12", 40),
    ):
        kinds = [layer.kind for layer in analyse(resolve(name)).layers]
        assert kinds.count("Conv2d") + kinds.count("Linear") == depth


def test_the_default_stem_width_is_twice_the_growth_rate() -> None:
    spec = parse_spec({"family": "densenet", "blocks": [2, 2], "growth_rate": 12})
    assert isinstance(spec, DenseNetSpec)
    assert spec.stem_width == 24


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"blocks": []}, "blocks: "),
        ({"blocks": [MAX_LAYERS, 1]}, f"blocks: {MAX_LAYERS + 1} layers are more than the {MAX_LAYERS} allowed"),
        ({"blocks": [150], "growth_rate": 200}, "blocks, entry 1: 30,400 channels leave it, more than the 16,384"),
        ({"growth_rate": 0}, "growth_rate: 0 "),
        ({"growth_rate": 2000, "bottleneck": 9}, "bottleneck: 9 times 2000 channels are more than the 16,384 allowed"),
        ({"bottleneck": 0}, "bottleneck: 0 "),
        ({"compression": 0}, "compression: 0 "),
        ({"compression": 0.01, "growth_rate": 1, "stem_width": 2}, "compression: 0.01 leaves no channel of the 4 of"),
        ({"blocks": [1] * 8}, "image_size: 224 is too small: the 2×2 pool after block 6 gets a 1×1 map"),
        ({"stem": "cifar-pool"}, "stem: 'cifar-pool' "),
        ({"growth": 12}, "growth_rate"),
    ],
)
def test_invalid_specs_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec({"family": "densenet", "blocks": [2, 2], **fields})
    assert words in str(refused.value)


class Layer(nn.Module):
    """A dense layer as people write it, with other names than torchvision's."""

    def __init__(self, before: int, growth: int, factor: int | None) -> None:
        super().__init__()
        self.bn_a = nn.BatchNorm2d(before)
        narrow, side = (factor * growth, 1) if factor else (growth, 3)
        self.conv_a = nn.Conv2d(before, narrow, side, padding=side // 2, bias=False)
        if factor:
            self.bn_b = nn.BatchNorm2d(factor * growth)
            self.conv_b = nn.Conv2d(factor * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv_a(self.bn_a(x).relu())
        if hasattr(self, "conv_b"):
            out = self.conv_b(self.bn_b(out).relu())
        return torch.cat((x, out), 1)


class Theirs(nn.Module):
    """A DenseNet for small images; each transition divides the channels by ``divisor``."""

    def __init__(self, blocks: tuple[int, ...], growth: int, stem: int, factor: int | None, divisor: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, stem, 3, padding=1, bias=False)
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        channels = stem
        for number, count in enumerate(blocks):
            for layer in range(count):
                parts[f"d{number}_{layer}"] = Layer(channels, growth, factor)
                channels += growth
            if number + 1 < len(blocks):
                parts[f"bn{number}"] = nn.BatchNorm2d(channels)
                parts[f"act{number}"] = nn.ReLU()
                parts[f"squeeze{number}"] = nn.Conv2d(channels, channels // divisor, 1, bias=False)
                parts[f"pool{number}"] = nn.AvgPool2d(2)
                channels //= divisor
        self.trunk = nn.Sequential(parts)
        self.bn_last = nn.BatchNorm2d(channels)
        self.out = nn.Linear(channels, 7)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.bn_last(self.trunk(self.first(x))).relu()
        out: Tensor = self.out(maps.mean((2, 3)))
        return out


def with_statistics(network: nn.Module) -> nn.Module:
    """The network with random scales and running statistics, in evaluation mode."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            module.get_buffer("running_mean").normal_()
            module.get_buffer("running_var").uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("factor", [4, 2, None])
@pytest.mark.parametrize(("blocks", "divisor"), [((3, 2, 4), 2), ((2, 2), 1), ((3,), 2)])
def test_checkpoints_with_other_names_give_the_same_scores(
    factor: int | None, blocks: tuple[int, ...], divisor: int
) -> None:
    theirs = with_statistics(Theirs(blocks, 6, 12, factor, divisor))
    state = theirs.state_dict()
    found = recognise({name: tuple(tensor.shape) for name, tensor in state.items()}, ordered=True)[0]
    assert isinstance(found.spec, DenseNetSpec)
    assert (found.spec.blocks, found.spec.growth_rate, found.spec.bottleneck) == (blocks, 6, factor)
    ours = build(found.spec).eval()
    ours.load_state_dict(our_tensors(found, state))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(raw_densenet())
def test_any_network_of_the_family_is_recognised(raw: dict[str, object]) -> None:
    """With torchvision's names in any order, and with meaningless names in the right order."""
    if (parsed := parse_or_none(raw)) is None:
        return
    spec = of_kind(DenseNetSpec, parsed)
    shapes = {name: tuple(tensor.shape) for name, tensor in build(spec, "meta").state_dict().items()}
    modules = {name.rpartition(".")[0]: None for name in shapes}
    numbers = {module: f"m{number}" for number, module in enumerate(modules)}
    nameless = {".".join([numbers[name.rpartition(".")[0]], name.rpartition(".")[2]]): s for name, s in shapes.items()}
    for theirs, ordered in ((shapes, True), (dict(sorted(shapes.items())), False), (nameless, True)):
        (found,) = [guess.spec for guess in recognise(theirs, ordered=ordered) if isinstance(guess.spec, DenseNetSpec)]
        # Fields that no tensor shows, and fields that don't change the shapes of this network.
        same: dict[str, object] = {"dropout": 0.0, "image_size": spec.image_size}
        if len(spec.blocks) == 1:
            same["compression"] = spec.compression
        rebuilt = build(found.changed(**same), "meta").state_dict()
        assert {name: tuple(tensor.shape) for name, tensor in rebuilt.items()} == shapes


def test_files_of_torchvision_from_before_2019_are_read() -> None:
    """``denselayer1.norm.1.weight`` is ``denselayer1.norm1.weight`` today."""
    shapes = {name: tuple(tensor.shape) for name, tensor in build(resolve("densenet121"), "meta").state_dict().items()}
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".norm2.", ".norm.2.").replace(".conv1.", ".conv.1.")
        .replace(".conv2.", ".conv.2."): shape
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked")
    }  # fmt: skip
    assert recognise(old, ordered=True)[0].spec == PRESETS["densenet121"].spec
