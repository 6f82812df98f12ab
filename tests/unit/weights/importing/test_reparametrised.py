"""Weights that PyTorch derives from other tensors: they equal PyTorch's, or are refused by name."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm

from explorer.errors import InputError
from explorer.weights.importing.reparametrised import compute_weights
from tests.helpers.narrow import weight

Change = Callable[[nn.Module], object]


def old_weight_norm(module: nn.Module, dim: int | None) -> None:
    """Stores tensors like ``torch.nn.utils.weight_norm``, which is deprecated, but common in files."""
    weight = module.get_parameter("weight").data
    length = weight.norm() if dim is None else torch.norm_except_dim(weight, 2, dim)
    del module.weight
    module.weight_g = nn.Parameter(length * 1.5)
    module.weight_v = nn.Parameter(weight * 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(6, 4, (2, 3)),
        lambda: nn.Linear(6, 4),
        lambda: nn.Linear(4, 4),
        lambda: nn.ConvTranspose2d(6, 4, 3),
    ],
)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda layer: prune.l1_unstructured(layer, "weight", 0.6), "pruned"),
        (lambda layer: prune.ln_structured(layer, "weight", 0.5, 2, 0), "pruned"),
        (parametrizations.weight_norm, "weight norm"),
        (lambda layer: parametrizations.weight_norm(layer, dim=1), "weight norm"),
        (lambda layer: cast(Any, parametrizations.weight_norm)(layer, dim=None), "weight norm"),
        (parametrizations.spectral_norm, "spectral norm"),
        (spectral_norm, "spectral norm"),
        (parametrizations.orthogonal, "orthogonal"),
    ],
)
def test_a_weight_equals_the_one_that_pytorch_computes(
    make: Callable[[], nn.Module], change: Change, words: str
) -> None:
    torch.manual_seed(0)
    layer = make()
    net = nn.Sequential(layer)
    change(layer)
    for parameter in net.parameters():  # as after training
        parameter.data += 0.1 * torch.randn_like(parameter).tril(-1) if parameter.dim() > 1 else 0.1
    net.train()(torch.randn(2, layer.in_features) if isinstance(layer, nn.Linear) else torch.randn(2, 6, 5, 5))
    net.eval()
    tensors, notes = compute_weights(net.state_dict())
    assert tensors.keys() == {"0.weight", "0.bias"}
    assert words in " ".join(notes)
    torch.testing.assert_close(tensors["0.weight"], weight(layer).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_old_weight_norm_is_computed(dim: int | None) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3)
    expected = layer.weight.data * 1.5
    old_weight_norm(layer, dim)
    tensors, _notes = compute_weights(layer.state_dict())
    torch.testing.assert_close(tensors["weight"], expected)


def test_weights_have_the_positions_of_their_parts() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2))
    prune.random_unstructured(net[1], "weight", 0.5)
    tensors, (note,) = compute_weights(net.state_dict())
    assert [name.split(".")[0] for name in tensors] == ["0", "0", "1", "1", "2", "2"]
    assert note.startswith("1 weight was pruned")


class Doubled(nn.Module):
    """A parametrisation of other people."""

    def __init__(self, *, has_buffer: bool) -> None:
        super().__init__()
        if has_buffer:
            self.register_buffer("factor", torch.tensor(2.0))

    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


@pytest.mark.parametrize(
    ("has_buffer", "words"),
    [(True, "don't know, with the tensor 'parametrizations.weight.0.factor'"), (False, "only its code shows")],
)
def test_other_parametrisations_are_refused_by_name(*, has_buffer: bool, words: str) -> None:
    layer = nn.Linear(3, 2)
    parametrize.register_parametrization(layer, "weight", Doubled(has_buffer=has_buffer))
    with pytest.raises(InputError, match=words):
        compute_weights(layer.state_dict())


def test_parts_that_do_not_fit_are_refused_with_their_shapes() -> None:
    with pytest.raises(InputError, match=r"'a\.weight' is made of don't fit each other: orig \(3, 2\), mask \(2, 3\)"):
        compute_weights({"a.weight_orig": torch.ones(3, 2), "a.weight_mask": torch.ones(2, 3)})


def test_names_that_only_look_like_parts_are_unchanged() -> None:
    tensors = {"proj_v": torch.ones(2, 2), "proj_q": torch.ones(2, 2), "a_mask": torch.ones(2)}
    assert compute_weights(tensors) == (tensors, ())


def test_a_stored_weight_is_not_computed() -> None:
    tensors = {"weight": torch.ones(2, 2), "weight_orig": torch.ones(2, 2), "weight_u": torch.ones(2)}
    assert compute_weights(tensors)[0].keys() == {"weight"}
