"""Groups and dilation in cfg lists, compared with published counts and with PyTorch."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explorer.analysis import analyse
from explorer.errors import SpecError, TokenError
from explorer.exports.pytorch import source
from explorer.families import parse_spec
from explorer.families.building import build
from explorer.families.link import decode, encode
from explorer.families.vgg.spec import VggSpec
from explorer.specs.cfg import Conv, format_token, parse_token, parse_tokens

# Krizhevsky et al. 2012, section 3.5: the kernels of layers 2, 4 and 5 see the maps of one of two GPUs.
TOWERS = ("96:11/4p0", "L", "M:3/2", "256:5g2", "L", "M:3/2", 384, "384:3g2", "256:3g2", "M:3/2")
# Howard et al. 2017, Table 1: depthwise 3x3 and pointwise 1x1 in turn; stride and channels of each pair.
PAIRS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5, (2, 1024), (1, 1024))


def mobilenet() -> VggSpec:
    cfg, channels = ["32:3/2"], 32
    for stride, wide in PAIRS:
        cfg += [f"{channels}:3/{stride}g{channels}", f"{wide}:1"]
        channels = wide
    return VggSpec.parse({"cfg": cfg, "batch_norm": True, "pool_to": 1, "classifier": [], "dropout": 0.0})


def test_two_tower_alexnet_has_the_published_parameters() -> None:
    spec = VggSpec.parse({"cfg": TOWERS, "pool_to": None, "image_size": 227})
    assert analyse(spec).totals.params == 60_965_224  # of Caffe's AlexNet, which is the paper's
    assert sum(parameter.numel() for parameter in build(spec, "meta").parameters()) == 60_965_224


def test_mobilenet_has_the_published_multiplications() -> None:
    assert round(analyse(mobilenet()).totals.macs / 1e6) == 569  # Howard et al. 2017, Table 4


@given(st.builds(Conv, st.integers(1, 99), st.integers(1, 7), st.integers(1, 3), st.integers(0, 9), st.integers(1, 30),
                 st.integers(1, 99)))  # fmt: skip
def test_every_convolution_reads_back_from_its_shortest_token(conv: Conv) -> None:
    token = format_token(conv)
    assert parse_token(token, 0) == conv
    assert parse_token(re.sub(r"(d[0-9]+)(g[0-9]+)", r"\2\1", str(token)).upper(), 0) == conv


@pytest.mark.parametrize(
    "token",
    [
        "64:3g0", "64:3d0", "64:3d200", "64:3g2g4", "64:3d2d2", "M:2g2", "M:2d2", "64g2", "64:g2", "64:2d3",
        "64:3g99999", "64:3 g2",
    ],
)  # fmt: skip
def test_tokens_that_break_a_rule_are_refused(token: str) -> None:
    with pytest.raises(TokenError, match=r"^cfg, entry 2: "):
        parse_tokens([8, token])


def test_groups_divide_the_channels_on_both_sides() -> None:
    for cfg, before, after in (([8, "6:3g4"], 8, 6), ([6, "8:3g4"], 6, 8)):
        with pytest.raises(TokenError, match=rf"^cfg, entry 2: the 4 groups of .* {before} channels .* {after} that"):
            VggSpec.parse({"cfg": cfg, "pool_to": 1})
    with pytest.raises(SpecError, match=r"^cfg, entry 1: the 2 groups of .* 3 channels"):
        VggSpec.parse({"cfg": ["4:3g2"], "pool_to": 1})


@st.composite
def chains(draw: st.DrawFn) -> VggSpec:
    cfg: list[str] = []
    for _layer in range(draw(st.integers(1, 4))):
        numbers = [draw(st.integers(1, most)) for most in (3, 2, 3)]
        groups = draw(st.sampled_from([1, 2, 4]))
        cfg.append("{}:{}/{}p{}d{}g{}".format(draw(st.sampled_from([4, 8])), *numbers, draw(st.integers(1, 3)), groups))
    fields = {"cfg": cfg, "in_channels": 4, "pool_to": 1, "classifier": [], "num_classes": 2, "image_size": [40, 33]}
    return VggSpec.parse(fields | {"batch_norm": draw(st.booleans())})


@settings(max_examples=20)
@given(chains())
def test_numbers_and_source_are_those_of_pytorch(spec: VggSpec) -> None:
    assert decode(encode(spec, "vgg16"))[0] == spec
    network, analysis = build(spec).eval(), analyse(spec)
    assert analysis.totals.params == sum(parameter.numel() for parameter in network.parameters())
    macs = 0

    def count(module: nn.Conv2d, _inputs: object, out: torch.Tensor) -> None:
        nonlocal macs
        macs += module.weight[0].numel() * out.numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    images = torch.rand(1, *spec.input_shape)
    with torch.no_grad():
        expected = network(images)
    assert analysis.totals.macs == macs + spec.out_channels * spec.num_classes
    names: dict[str, type[nn.Module]] = {}
    exec(source(spec), names)  # noqa: S102  our own source
    exported = names["Net"]().eval()
    exported.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(exported(images), expected)


def test_the_field_of_a_dilated_convolution_is_what_moves_its_unit() -> None:
    spec = parse_spec(
        {"family": "vgg", "cfg": ["4:3d2", "M", "4:3d3g2"], "pool_to": 1, "image_size": 64, "num_classes": 2}
    )
    field = analyse(spec).field
    assert field is not None
    network, image = build(spec), torch.ones(1, 3, 64, 64, requires_grad=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.01)
    unit = network.features(image * torch.rand(64, 64).add(1))[0, :, 16, 16].sum()  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(unit, image)
    rows = gradient[0].abs().sum(0).sum(1).nonzero()
    # A max-pool passes one of its two pixels, and a dilated kernel skips pixels inside its field.
    assert abs(int(rows.max() - rows.min()) + 1 - field.size) <= 1
    assert field.size == 1 + 2 * 2 + 1 + 2 * 3 * 2
