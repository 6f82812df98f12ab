"""Weights that PyTorch makes of other tensors are computed as PyTorch does it, or refused by their name."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm

from explorer.errors import InputError
from explorer.weights.importing.reparametrised import computed
from tests.helpers.narrow import weight

Change = Callable[[nn.Module], object]


def old_weight_norm(module: nn.Module, dim: int | None) -> None:
    """What ``torch.nn.utils.weight_norm`` kept: PyTorch warns of the function, and files of it are everywhere."""
    weight = module.get_parameter("weight").data
    length = weight.norm() if dim is None else torch.norm_except_dim(weight, 2, dim)
    del module.weight
    module.weight_g = nn.Parameter(length * 1.5)
    module.weight_v = nn.Parameter(weight * 3)


@pytest.mark.parametrize(
    "made",
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
def test_a_weight_is_what_pytorch_makes_of_its_parts(made: Callable[[], nn.Module], change: Change, words: str) -> None:
    torch.manual_seed(0)
    layer = made()
    net = nn.Sequential(layer)
    change(layer)
    for parameter in net.parameters():  # as after training
        parameter.data += 0.1 * torch.randn_like(parameter).tril(-1) if parameter.dim() > 1 else 0.1
    net.train()(torch.randn(2, layer.in_features) if isinstance(layer, nn.Linear) else torch.randn(2, 6, 5, 5))
    net.eval()
    tensors, notes = computed(net.state_dict())
    assert tensors.keys() == {"0.weight", "0.bias"}
    assert words in " ".join(notes)
    torch.testing.assert_close(tensors["0.weight"], weight(layer).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_of_before(dim: int | None) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3)
    expected = layer.weight.data * 1.5
    old_weight_norm(layer, dim)
    tensors, _notes = computed(layer.state_dict())
    torch.testing.assert_close(tensors["weight"], expected)


def test_weights_stand_where_their_parts_were() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2))
    prune.random_unstructured(net[1], "weight", 0.5)
    tensors, (note,) = computed(net.state_dict())
    assert [name.split(".")[0] for name in tensors] == ["0", "0", "1", "1", "2", "2"]
    assert note.startswith("1 weights")


class Doubled(nn.Module):
    """Somebody's own."""

    def __init__(self, *, kept: bool) -> None:
        super().__init__()
        if kept:
            self.register_buffer("factor", torch.tensor(2.0))

    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


@pytest.mark.parametrize(
    ("kept", "words"),
    [(True, "don't know, with the tensor 'parametrizations.weight.0.factor'"), (False, "only its code tells")],
)
def test_other_parametrisations_are_refused_by_their_name(*, kept: bool, words: str) -> None:
    layer = nn.Linear(3, 2)
    parametrize.register_parametrization(layer, "weight", Doubled(kept=kept))
    with pytest.raises(InputError, match=words):
        computed(layer.state_dict())


def test_parts_that_do_not_fit_are_named_with_their_shapes() -> None:
    with pytest.raises(InputError, match=r"'a\.weight' is made of don't fit each other: orig \(3, 2\), mask \(2, 3\)"):
        computed({"a.weight_orig": torch.ones(3, 2), "a.weight_mask": torch.ones(2, 3)})


def test_names_that_only_look_like_parts_stay() -> None:
    tensors = {"proj_v": torch.ones(2, 2), "proj_q": torch.ones(2, 2), "a_mask": torch.ones(2)}
    assert computed(tensors) == (tensors, ())


def test_a_weight_that_is_there_is_taken_as_it_is() -> None:
    kept = {"weight": torch.ones(2, 2), "weight_orig": torch.ones(2, 2), "weight_u": torch.ones(2)}
    assert computed(kept)[0].keys() == {"weight"}
