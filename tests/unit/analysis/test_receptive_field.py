"""Receptive fields compared with published tables, and with brute force by autograd.

With positive weights, average instead of max pooling and no LRN, the gradient of a unit is non-zero exactly on the
pixels on which the unit depends.
"""

import pytest
import torch
from hypothesis import assume, given, settings
from torch import Tensor, nn

from explorer.analysis import analyse
from explorer.analysis.field_states import Local, Unknown
from explorer.analysis.fields import Axis
from explorer.analysis.receptive_field import geometry, propagate
from explorer.analysis.trace import Recorder, Trace, Value
from explorer.families import PRESETS, Spec, parse_spec, resolve
from explorer.families.building import build, detach_auxiliary
from explorer.families.torchvision.spec import ZooSpec
from tests.helpers.specs import any_raw, narrow, parse_or_none, traced
from tests.tiers import mostly_exhaustive

# Araujo, Norris, Sim 2019 (Distill) and google-research/receptive_field; torchvision's by brute force in float64.
PUBLISHED = [
    ("vgg16", "features.4", (6, 2, 2)),
    ("vgg16", "features.9", (16, 4, 6)),
    ("vgg16", "features.16", (44, 8, 18)),
    ("vgg16", "features.23", (100, 16, 42)),
    ("vgg16", "features.30", (212, 32, 90)),
    ("vgg11", "features.20", (150, 32, 59)),
    ("resnet18", "layer4.1.relu", (435, 32, 217)),
    ("resnet50", "layer3.5.relu", (267, 16, 133)),
    ("resnet50", "layer4.2.relu", (427, 32, 213)),
    ("resnet50-v1", "layer4.2.relu", (483, 32, 241)),
]


def positive(network: nn.Module) -> nn.Module:
    """Makes a network linear in its input, in float64, with positive weights that keep the scale."""
    for name, module in list(network.named_modules()):
        replaced: nn.Module | None = None
        if isinstance(module, nn.MaxPool2d):
            # With divisor 1, windows that extend over the edge sum their pixels.
            replaced = nn.AvgPool2d(
                module.kernel_size, module.stride, module.padding, module.ceil_mode, divisor_override=1
            )
        elif isinstance(module, nn.LocalResponseNorm):
            replaced = nn.Identity()
        if replaced is not None:
            parent, _dot, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, replaced)
    network = network.double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.fill_(1 / fan_in if parameter.dim() > 1 or "weight" in name else 0)
    return network


def outputs(network: nn.Module, names: list[str], image: Tensor) -> dict[str, Tensor]:
    output_of: dict[str, Tensor] = {}
    for name in names:
        network.get_submodule(name).register_forward_hook(lambda _m, _a, out, key=name: output_of.__setitem__(key, out))
    network(image)
    return output_of


def visible_range(output: Tensor, image: Tensor, down: int, across: int) -> tuple[tuple[int, int] | None, ...]:
    """Returns first and last row and column with a non-zero gradient of a unit."""
    (gradient,) = torch.autograd.grad(output[0, :, down, across].sum(), image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return None, None
    support = gradient[0].abs().sum(0) > 0
    ends = [support.any(dim).nonzero().flatten() for dim in (1, 0)]
    return tuple((int(end[0]), int(end[-1])) if len(end) else None for end in ends)


def closed_form(axis: Axis, unit: int) -> tuple[int, int]:
    assert axis.closed_form is not None
    stride, low, high = axis.closed_form
    return unit * stride + low, unit * stride + high


def check_against_autograd(spec: Spec, height: int, width: int, most_layers: int) -> None:
    """Checks exact spans at corners and in the middle of maps, and the closed form for fields inside the image."""
    trace, states = traced(spec, height, width)
    maps = {
        layer.name: state
        for layer in trace.layers
        if layer.output
        and len(layer.output.shape) == 4
        and isinstance(state := states.get(layer.output), Local)
        # A hook can't distinguish a repeated call ("#2") from the first.
        and "#" not in layer.name
    }
    names = list(maps)
    if not names:
        assert not getattr(spec, "cfg", True)  # an MLP has no map except the image
        return
    chosen = sorted({names[i * (len(names) - 1) // most_layers] for i in range(most_layers + 1)}, key=names.index)
    network = build(spec)
    detach_auxiliary(network)
    network = positive(network)
    image = torch.ones(1, spec.in_channels, height, width, dtype=torch.float64, requires_grad=True)
    output_of = outputs(network, chosen, image)
    assert output_of.keys() == set(chosen)
    for name in chosen:
        rows, columns = maps[name].rows, maps[name].columns
        assert output_of[name].shape[-2:] == (rows.units, columns.units)
        for down, across in {(0, 0), (rows.units // 2, columns.units // 2), (rows.units - 1, columns.units - 1)}:
            got = visible_range(output_of[name], image, down, across)
            want = (rows.span(down), columns.span(across))
            assert got == (want if None not in want else (None, None)), f"{name}, unit {down}, {across}"
            if rows.closed_form and not any(offset is None or offset for offset in (rows.offset, columns.offset)):
                first, last = closed_form(rows, down)
                if first >= 0 and last < height and got[0]:
                    assert got[0] == (first, last), f"{name}: closed form at unit {down}"


@pytest.mark.parametrize(("preset", "layer", "published"), PUBLISHED)
def test_published(preset: str, layer: str, published: tuple[int, int, int]) -> None:
    field = next(one.field for one in analyse(resolve(preset)).layers if one.name == layer)
    assert field is not None
    assert (field.size, field.stride, field.padding) == published


# TF-Slim has the stride in the last unit of a block and asymmetric SAME padding at 224, so its paddings (511, 751)
# differ from ours; with the paper's stride placement, size and stride agree.
@pytest.mark.parametrize(("preset", "size"), [("resnet101", 1027), ("resnet152", 1507)])
def test_tf_slims_sizes(preset: str, size: int) -> None:
    field = analyse(resolve(preset).changed(stride_on="1x1")).field
    assert field is not None
    assert (field.size, field.stride) == (size, 32)


def test_the_networks_field_is_that_of_the_last_map_before_the_head() -> None:
    fields = {
        name: analyse(resolve(name)).field for name in ("vgg16", "vgg16-conv", "resnet50", "mnist-fc", "googlenet")
    }
    assert {name: (f.size, f.stride, f.padding) for name, f in fields.items() if f} == {
        "vgg16": (212, 32, 90),
        "vgg16-conv": (212, 32, 90),
        "resnet50": (427, 32, 213),
        "mnist-fc": (1, 1, 0),
        "googlenet": (715, 32, 327),
    }


@pytest.mark.parametrize("preset", mostly_exhaustive(PRESETS))
def test_every_preset_at_its_size_agrees_with_autograd(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    check_against_autograd(spec, *spec.sides, most_layers=6)


@pytest.mark.parametrize("preset", mostly_exhaustive(PRESETS))
def test_every_preset_agrees_with_autograd_inside_a_tall_image(preset: str) -> None:
    """The middle unit of the last map sees its whole field in a tall image."""
    spec = narrow(PRESETS[preset].spec)
    field = analyse(spec).field
    assert field is not None
    if not getattr(spec, "cfg", True):
        assert field.size == 1  # an MLP has no map except the image
        return
    if getattr(spec, "pool_to", 1) is None:
        spec = spec.changed(pool_to=1)  # otherwise the head's weights determine the image size
    height = field.size + 4 * field.stride + field.padding
    trace, states = traced(spec, height, spec.sides.width)
    later_states = (states.get(layer.output) for layer in reversed(trace.layers) if layer.output)
    state = next(one for one in later_states if isinstance(one, Local) and one.rows.closed_form and one.rows.units > 1)
    middle = state.rows.units // 2
    first, last = closed_form(state.rows, middle)
    assert first >= 0
    assert last < height
    check_against_autograd(spec, height, spec.sides.width, most_layers=2)


@pytest.mark.exhaustive
@settings(max_examples=60)
@given(any_raw())
def test_random_specs_agree_with_autograd(raw: dict[str, object]) -> None:
    spec = parse_or_none(raw)
    assume(spec is not None)
    assert spec is not None
    if isinstance(spec.to_dict().get("cfg"), list) and not spec.to_dict()["cfg"]:
        return
    check_against_autograd(spec, *spec.sides, most_layers=8)


def test_the_offset_of_misaligned_paths() -> None:
    # Valid 2x2/2 and 3x3/2 windows start at the same pixel, so their centres are half a pixel apart.
    from explorer.analysis.fields import apply_window, input_axis, join

    source = input_axis(15)
    paths = [apply_window(source, 7, 2, 2, 0), apply_window(source, 7, 3, 2, 0)]
    assert join(paths).offset == 0.5
    assert join(paths).closed_form == (2, 0, 2)


def test_paths_with_different_strides_have_no_closed_form() -> None:
    from explorer.analysis.fields import apply_window, input_axis, join

    source = input_axis(8)
    joined_axis = join([apply_window(source, 4, 2, 2, 0), apply_window(source, 4, 5, 1, 0)])
    assert joined_axis.offset is None
    assert joined_axis.closed_form is None


@pytest.mark.parametrize(
    ("name", "size"),
    [("convnext_tiny", None), ("densenet121", None), ("mobilenet_v2", 491), ("shufflenet_v2_x1_0", 527)],
)
def test_torchvision_models_without_attention_are_traced_to_the_end(name: str, size: int | None) -> None:
    trace, states = traced(ZooSpec(name=name))
    lost = [layer.name for layer in trace.layers if layer.output and isinstance(states.get(layer.output), Unknown)]
    assert lost == []
    field = analyse(ZooSpec(name=name)).field
    assert field is not None
    assert size in (None, field.size)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("efficientnet_b0", 851),  # RFA-Toolbox
        pytest.param("mobilenet_v3_small", None, marks=pytest.mark.exhaustive),
    ],
)
def test_a_field_goes_through_gates_and_says_that_they_see_the_whole_image(name: str, size: int | None) -> None:
    analysis = analyse(ZooSpec(name=name))
    assert analysis.field is not None
    assert size in (None, analysis.field.size)
    assert "whole image" in analysis.field_note
    gated = next(layer for layer in analysis.layers if layer.kind == "Multiply")
    assert gated.field is not None
    assert gated.sees_whole_image
    assert gated.field.size == max(
        field.size for position in gated.inputs if (field := analysis.layers[position].field) is not None
    )
    assert all("whole image" in note for layer in analysis.layers[-5:] for note in layer.notes)
    assert not any(layer.notes for layer in analysis.layers[:2])


def test_attention_is_not_traced_and_other_numbers_are_right() -> None:
    analysis = analyse(ZooSpec(name="vit_b_16"))
    patches = analysis.layers[0]
    assert patches.field is not None
    assert (patches.field.size, patches.field.stride, patches.field.padding) == (16, 16, 0)
    assert any(warned.code == "untraced" for warned in analysis.warnings)
    assert all(layer.notes for layer in analysis.layers[1:])
    assert analysis.totals.params == 86_567_656


def test_dilation_and_padding_in_the_closed_form() -> None:
    from explorer.analysis.fields import apply_window, input_axis

    once = apply_window(input_axis(50), 50, 3, 1, 2, dilation=2)
    assert once.closed_form == (1, -2, 2)
    twice = apply_window(once, 50, 3, 1, 4, dilation=4)
    assert twice.closed_form == (1, -6, 6)
    assert twice.span(0) == (0, 6)


def test_dilated_convolutions_agree_with_autograd() -> None:
    def make() -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(1, 1, 3, dilation=2, padding=2),
            nn.AvgPool2d(3, 2, 1, ceil_mode=True),
            nn.Conv2d(1, 1, (3, 5), stride=2, dilation=(3, 1), padding=(1, 2)),
            nn.Conv2d(1, 1, 2, dilation=2),
        )

    meta, network = make().to("meta"), positive(make())
    recorder = Recorder(meta)
    with torch.no_grad(), recorder, recorder.module_hooks():
        meta(torch.empty(1, 1, 41, 38, device="meta"))
    trace = recorder.trace()
    states = propagate(trace)
    image = torch.ones(1, 1, 41, 38, dtype=torch.float64, requires_grad=True)
    output_of = outputs(network, [layer.name for layer in trace.layers], image)
    for layer in trace.layers:
        state = states[layer.output]
        assert isinstance(state, Local)
        for down in range(state.rows.units):
            for across in (0, state.columns.units // 2, state.columns.units - 1):
                want = (state.rows.span(down), state.columns.span(across))
                assert visible_range(output_of[layer.name], image, down, across) == (
                    want if None not in want else (None, None)
                )


def test_dropped_columns_are_never_seen() -> None:
    spec = parse_spec({"family": "vgg", "cfg": ["M", "1:3"], "pool_to": None, "classifier": [], "image_size": 9})
    trace, states = traced(spec)
    convolution = next(layer for layer in trace.layers if layer.kind == "Conv2d")
    assert convolution.output is not None
    state = states[convolution.output]
    assert isinstance(state, Local)
    assert state.rows.span(3) == (4, 7)  # column 8 is in no pooling window


def sizes_of_all_paths(trace: Trace) -> dict[Value, set[tuple[int, int]]]:
    """Returns sizes and strides of the field along each path from the image to each value."""
    sizes: dict[Value, set[tuple[int, int]]] = {trace.image: {(1, 1)}}
    for op in trace.ops:
        windows = geometry(op)
        inputs = op.inputs[:1] if op.name == "convolution" else op.inputs
        kernel, stride, _padding, dilation = windows[0] if windows else (1, 1, 0, 1)
        if op.name == "_adaptive_avg_pool2d":  # windows of one size if the output's size divides the input's
            kernel = stride = op.inputs[0].shape[2] // op.outputs[0].shape[2]
        step = op.args[4] if op.name == "slice" and len(op.args) > 4 else 1
        step = step if op.name == "slice" and op.args[1] == 2 else 1  # only rows: both axes are equal
        found = {
            (size + dilation * (kernel - 1) * jump, jump * stride * step)
            for value in inputs
            for size, jump in sizes.get(value, ())
        }
        sizes.update(dict.fromkeys(op.outputs, found))
    return sizes


@settings(deadline=None, max_examples=20)
@given(any_raw())
def test_smallest_and_largest_fields_are_those_of_all_paths(raw: dict[str, object]) -> None:
    spec = parse_or_none(raw)
    assume(spec is not None)
    assert spec is not None
    trace, states = traced(spec)
    paths = sizes_of_all_paths(trace)
    for layer in trace.layers:
        state = states.get(layer.output)
        if not isinstance(state, Local) or len(layer.output.shape) != 4 or state.rows.closed_form is None:
            continue
        assert state.rows.smallest.size == min(size for size, _jump in paths[layer.output]), layer.name
        if not state.rows.offset:  # aligned paths have the field of the largest path
            assert state.rows.closed_form.size == max(size for size, _jump in paths[layer.output]), layer.name


@pytest.mark.parametrize(
    ("preset", "smallest"), [("resnet110", 3), ("plain110", 501), ("resnet50", 11), ("vgg16", 212)]
)
def test_smallest_fields_of_published_networks(preset: str, smallest: int) -> None:
    """Shortcuts keep the field of ResNet's stem: a 3x3, or a 7x7 with stride 2 and a 3x3 pool."""
    field = analyse(resolve(preset)).field
    assert field is not None
    assert field.smallest_over_paths == smallest


@pytest.mark.parametrize(("preset", "layer"), [("vgg11-bn-cifar10", "features.17"), ("resnet20", "layer2.2.relu")])
def test_units_that_see_the_whole_image(preset: str, layer: str) -> None:
    spec = narrow(resolve(preset))
    network = positive(build(spec))
    image = torch.ones(1, 1, *spec.sides, dtype=torch.float64, requires_grad=True)
    output = outputs(network, [layer], image)[layer]
    whole_image = ((0, spec.sides.height - 1),) * 2
    side = range(output.shape[-1])
    seeing = [unit for unit in side if visible_range(output, image, unit, unit) == whole_image]
    field = next(one.field for one in analyse(spec).layers if one.name == layer)
    assert field is not None
    assert field.full_view == ((seeing[0], seeing[-1]),) * 2
    assert len(seeing) < len(side)  # otherwise the test would prove little
