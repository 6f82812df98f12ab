"""MACs compared with PyTorch's counter, and FLOPs term by term on small networks by hand."""

import math

import pytest
import torch
import torchinfo
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchinfo.layer_info import LayerInfo
from torchvision.ops import DeformConv2d

from explorer.analysis import Term, analyse
from explorer.analysis.cost import adaptive_pool_reads, cost
from explorer.analysis.modules import analyse_module
from explorer.analysis.trace import Recorder
from explorer.families import PRESETS, parse_spec, resolve
from explorer.families.building import build, detach_auxiliary
from tests.tiers import mostly_exhaustive


@pytest.mark.parametrize(
    "name",
    mostly_exhaustive(
        [*PRESETS, "torchvision:swin_t", "torchvision:swin_v2_t", "torchvision:vit_b_32", "torchvision:mnasnet0_5"]
    ),
)
def test_macs_are_half_of_pytorchs_flop_counter(name: str) -> None:
    spec = resolve(name)
    network = build(spec, "meta").eval()
    detach_auxiliary(network)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(torch.empty(1, *spec.input_shape, device="meta"))
    assert analyse(spec).totals.macs == counter.get_total_flops() / 2


def torchinfos_rule(layer: LayerInfo) -> int:
    """Mult-adds of a call by the rule of torchinfo's pull request 318; in 1.8.0 a linear layer counts once."""
    if "Linear" not in layer.class_name:
        return layer.macs
    own = sum(p.numel() for name, p in layer.module.named_parameters() if name in ("weight", "bias"))
    return own * math.prod(layer.output_size[:-1])


@pytest.mark.parametrize(
    "name",
    [
        *mostly_exhaustive(PRESETS),
        *("torchvision:mobilenet_v2", "torchvision:vit_b_32", "torchvision:convnext_tiny", "torchvision:swin_t"),
    ],
)
def test_torchinfos_own_counts(name: str) -> None:
    spec = resolve(name)
    network = build(spec, "meta")
    detach_auxiliary(network)
    shape = (1, *spec.input_shape)
    theirs = torchinfo.summary(network, input_data=torch.empty(shape, device="meta"), verbose=0)
    totals = analyse(spec).totals
    assert totals.params == theirs.total_params
    leaves = [layer for layer in theirs.summary_list if layer.is_leaf_layer]
    assert totals.torchinfo_mult_adds == sum(map(torchinfos_rule, leaves))
    if not any(len(layer.output_size) > 2 and "Linear" in layer.class_name for layer in leaves):
        assert totals.torchinfo_mult_adds == theirs.total_mult_adds


def test_terms_by_hand() -> None:
    spec = parse_spec(
        {
            "family": "vgg", "cfg": [4, "M", "A"], "batch_norm": True, "pool_to": 1, "classifier": [],
            "image_size": 8, "in_channels": 2, "num_classes": 3,
        }
    )  # fmt: skip
    terms = analyse(spec).totals.terms
    macs = 9 * 2 * 4 * 64 + 4 * 3
    assert terms[Term.MULTIPLY_ADD] == 2 * macs
    assert terms[Term.BIAS] == 4 * 64 + 3
    assert terms[Term.NORMALISATION] == 2 * 4 * 64
    assert terms[Term.ACTIVATION] == 4 * 64
    assert terms[Term.POOLING] == 3 * 4 * 16 + 4 * 4 * 4 + 4 * 4
    assert Term.ELEMENTWISE not in terms


def test_shortcuts_cost_one_addition_an_element() -> None:
    residual, plain = (analyse(resolve(name)).totals.terms for name in ("resnet20", "plain20"))
    maps = 3 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8)
    assert residual[Term.ELEMENTWISE] == maps
    assert Term.ELEMENTWISE not in plain


def test_adaptive_pools_read_overlapping_windows() -> None:
    assert adaptive_pool_reads((1, 2, 7, 7), (1, 2, 7, 7)) == 2 * 49
    assert adaptive_pool_reads((1, 1, 7, 7), (1, 1, 1, 1)) == 49
    pool = nn.AdaptiveAvgPool2d((3, 5))
    image = torch.rand(1, 1, 7, 8, requires_grad=True)
    reads = 0
    for cell in pool(image).flatten():
        (gradient,) = torch.autograd.grad(cell, image, retain_graph=True)
        reads += int((gradient != 0).sum())
    assert adaptive_pool_reads((1, 1, 7, 8), (1, 1, 3, 5)) == reads


class Odd(nn.Module):
    """Runs an operator without a formula."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.erfinv(self.first(x))


def test_unknown_operators_are_named_and_the_others_counted() -> None:
    with torch.device("meta"):
        network = Odd()
    recorder = Recorder(network)
    with torch.no_grad(), recorder, recorder.module_hooks():
        network(torch.empty(1, 1, 5, 5, device="meta"))
    first, odd = recorder.trace().layers
    assert cost(first).macs == 9 * 2 * 9
    assert cost(odd).unknown == ["erfinv"]


class Bilinear(nn.Module):
    """A bilinear layer on the channels of a map, for each of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = nn.Bilinear(3, 3, 5)

    def forward(self, x: Tensor) -> Tensor:
        cells = x.flatten(2).transpose(1, 2)
        scores: Tensor = self.pairs(cells, cells)
        return scores


class Deformable(nn.Module):
    """A deformable convolution with groups, without or with bias and mask."""

    def __init__(self, *, modulated: bool) -> None:
        super().__init__()
        self.offset, self.modulated = nn.Conv2d(4, 18, 3, padding=1), modulated
        self.deformed = DeformConv2d(4, 6, 3, padding=1, groups=2, bias=modulated)

    def forward(self, x: Tensor) -> Tensor:
        offset = self.offset(x)
        scores: Tensor = self.deformed(x, offset, offset[:, :9].sigmoid() if self.modulated else None)
        return scores


def test_a_bilinear_layer_costs_a_product_for_each_weight_and_vector() -> None:
    analysis = analyse_module(Bilinear(), image_size=8)
    (layer,) = (layer for layer in analysis.layers if layer.kind == "Bilinear")
    assert layer.macs == 64 * 5 * 3 * 3
    assert layer.cost.terms == {Term.MULTIPLY_ADD: 2 * layer.macs, Term.BIAS: 64 * 5}
    assert layer.formulas["macs"] == "64·3·3·5 = 2,880"
    assert "not-counted" not in {warned.code for warned in analysis.warnings}


@pytest.mark.parametrize("modulated", [False, True])
def test_a_deformable_convolution_costs_as_a_convolution_and_its_sampling_is_named(*, modulated: bool) -> None:
    analysis = analyse_module(Deformable(modulated=modulated), image_size=8)
    (layer,) = (layer for layer in analysis.layers if layer.kind == "DeformConv2d")
    (alike,) = analyse_module(nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=modulated), image_size=8).layers
    assert (layer.macs, layer.flops, layer.params) == (alike.macs, alike.flops, alike.params)
    assert layer.cost.unknown == ["deform_conv2d (sampling)"]
    assert "not-counted" in {warned.code for warned in analysis.warnings}
