"""Parsing of layer lists, and the recursion in both directions compared with autograd and published fields."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from explorer.analysis.layer_list import MAX_LAYERS, Layer, format_layers, from_cfg, parse_layers
from explorer.analysis.recursion import backward, dependencies, forward
from explorer.errors import InputError, TokenError
from explorer.families import PRESETS
from explorer.families.vgg.spec import VggSpec
from explorer.specs.cfg import tokens


def conv() -> st.SearchStrategy[Layer]:
    return st.builds(Layer, st.just("conv"), st.integers(1, 5), st.integers(1, 3), st.integers(0, 4), st.integers(1, 3))


def pool() -> st.SearchStrategy[Layer]:
    return st.integers(1, 5).flatmap(
        lambda kernel: st.builds(
            Layer, st.just("pool"), st.just(kernel), st.integers(1, 3), st.integers(0, kernel // 2), st.integers(1, 2)
        )
    )


layers = st.lists(st.one_of(conv(), pool()), min_size=1, max_size=5)


@given(layers)
def test_formatted_lists_are_parsed_back(stack: list[Layer]) -> None:
    assert parse_layers(format_layers(stack)) == stack
    assert parse_layers("\n".join(map(str, stack))) == stack


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        stack = parse_layers(text)
    except TokenError as error:
        assert str(error).startswith("layer")
        assert "\n" not in str(error)
    else:
        assert parse_layers(format_layers(stack)) == stack


@pytest.mark.parametrize("text", ["conv 7x7 / 2", "7/2", "conv7×7/2p3", " CONV 7/2 P3 ", "7/2d1"])
def test_spellings_of_a_layer(text: str) -> None:
    assert parse_layers(text) == [Layer("conv", 7, 2, 3)]


@pytest.mark.parametrize(
    ("text", "message", "index"),
    [
        ("", "layers: the list is empty", -1),
        ("3, , 3", "layer 2, '': not a kernel like 3, 7/2 or pool 2/2", 1),
        ("3, 3y", "layer 2, '3y': not a kernel", 1),
        ("3 3", "layer 1, '3 3': not a kernel", 0),
        ("5x3", "layer 1, '5x3': not a kernel", 0),
        ("3, 0", "layer 2, '0': its kernel, 0, is not between 1 and 255", 1),
        ("3/0", "layer 1, '3/0': its stride, 0, is not between 1 and 255", 0),
        ("3d256", "layer 1, '3d256': its dilation, 256, is not between 1 and 255", 0),
        ("3p999", "layer 1, '3p999': its padding, 999, ", 0),
        ("pool 2p2", "layer 1, 'pool 2p2': a pool is padded by half of its window at most", 0),
        ("3," * MAX_LAYERS + "3", "layers: 65 are more than the 64 allowed", -1),
        ("3," * 2000, "layers: a text of 4,000 characters", -1),
    ],
)
def test_errors_name_the_item(text: str, message: str, index: int) -> None:
    with pytest.raises(TokenError) as caught:
        parse_layers(text)
    assert message in str(caught.value)
    assert caught.value.index == index


def test_r0s_examples() -> None:
    """R0 goes backwards: its pool 2x2/2 comes after its convolution 3x3/2; in the other order it would be 6."""
    assert [step.field for step in backward(parse_layers("3/2, pool 2/2"))] == [2, 5]
    assert [step.field for step in backward(parse_layers("pool 2/2, 3/2"))] == [3, 6]
    assert [step.field for step in backward(parse_layers("3, 3, 3"))] == [3, 5, 7]


def test_formulas_of_steps() -> None:
    stack = parse_layers("3/2, pool 2")
    assert [step.formula for step in backward(stack)] == ["(1 − 1)·2 + 2 = 2", "(2 − 1)·2 + 3 = 5"]
    assert [step.formulas for step in forward(stack)] == [
        ("1", "1", "0"),
        ("1 + (3 − 1)·1 = 3", "1·2 = 2", "0 + 1·1 = 1"),
        ("3 + (2 − 1)·2 = 5", "2·2 = 4", "1 + 0·2 = 1"),
    ]


# Araujo et al. 2019 and google-research/receptive_field: size, stride, padding of the last pool.
@pytest.mark.parametrize(("preset", "published"), [("vgg16", (212, 32, 90)), ("vgg11", (150, 32, 59))])
def test_published_fields(preset: str, published: tuple[int, int, int]) -> None:
    spec = PRESETS[preset].spec
    assert isinstance(spec, VggSpec)
    stack = from_cfg(tokens(spec.cfg))
    last = forward(stack)[-1]
    assert (last.size, last.stride, last.padding) == published
    assert backward(stack)[-1].field == published[0]


@given(layers)
def test_both_directions_agree(stack: list[Layer]) -> None:
    assert backward(stack)[-1].field == forward(stack)[-1].size == dependencies(stack)[0][-1] + 1


@given(layers)
def test_fields_agree_with_autograd(stack: list[Layer]) -> None:
    """Compares the cells of every map on which a unit depends, and the first pixel of its field."""
    last = forward(stack)[-1]
    size = last.size + 2 * last.padding + 3 * last.stride  # so that a unit is away from both borders
    maps = [torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)]
    for layer in stack:
        weight = torch.ones(1, 1, layer.kernel, dtype=torch.float64)
        maps.append(nn.functional.conv1d(maps[-1], weight, None, layer.stride, layer.padding, layer.dilation))
    unit = -(-last.padding // last.stride)
    gradients = torch.autograd.grad(maps[-1][0, 0, unit], maps)
    support = [gradient[0, 0].nonzero().flatten() for gradient in gradients]
    assert [(cells - cells[0]).tolist() for cells in support] == dependencies(stack)
    assert int(support[0][0]) == unit * last.stride - last.padding


def test_fields_too_large_are_refused() -> None:
    with pytest.raises(InputError, match="larger than 1,000,000 pixels"):
        backward(parse_layers("3/255, 3/255, 3/255, 3"))
