"""Frozen parts keep their exact bits while the rest trains."""

import pytest
import torch
from torch import nn

from explorer.errors import InputError
from explorer.families import resolve
from explorer.families.building import build
from explorer.recipes import Recipe
from explorer.training.freezing import freeze, training_mode
from explorer.training.optimizers import make_optimizer


def small_resnet() -> nn.Module:
    torch.manual_seed(0)
    return build(resolve("resnet18").changed(blocks=[1, 1], widths=[4, 8], stem="cifar", image_size=8, num_classes=3))


def trained(network: nn.Module, names: list[str]) -> tuple[set[str], set[str]]:
    """Trains a few steps. Returns the changed and the unchanged tensors of the state dict."""
    frozen = freeze(network, names)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = make_optimizer(Recipe(lr=0.1, weight_decay=0.1), network.parameters())
    generator = torch.Generator().manual_seed(0)
    for _step in range(3):
        training_mode(network, frozen)
        optimizer.zero_grad()
        logits = network(torch.randn(4, 3, 8, 8, generator=generator) + 1)
        nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        network.eval()  # like an evaluation between epochs
    same = {key for key, value in network.state_dict().items() if torch.equal(value, before[key])}
    return set(before) - same, same


def test_frozen_weights_and_statistics_stay() -> None:
    network = small_resnet()
    changed, same = trained(network, ["conv1", "bn1", "layer1"])
    frozen = {key for key in network.state_dict() if key.split(".")[0] in ("conv1", "bn1", "layer1")}
    assert "bn1.running_mean" in frozen
    assert "layer1.0.bn2.num_batches_tracked" in frozen
    assert same == frozen
    assert "layer2.0.bn1.running_var" in changed


def test_nothing_is_frozen_without_names() -> None:
    assert trained(small_resnet(), [])[1] == set()


def test_a_single_parameter_leaves_its_module_training() -> None:
    changed, same = trained(small_resnet(), ["bn1.weight", "layer2.0.conv1"])
    assert same == {"bn1.weight", "layer2.0.conv1.weight"}
    assert {"bn1.bias", "bn1.running_mean"} <= changed


def test_names_match_complete_parts_of_the_dotted_path() -> None:
    network = nn.Sequential(*(nn.Linear(1, 1) for _number in range(11)))
    freeze(network, ["1"])
    frozen = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    assert frozen == {"1.weight", "1.bias"}  # and not 10


def test_dropout_in_a_frozen_part_is_off() -> None:
    network = nn.Sequential(nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5)), nn.Linear(8, 8), nn.Dropout(0.5))
    training_mode(network, freeze(network, ["0"]))
    assert [module.training for module in network.modules()] == [True, False, False, False, True, True]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["layer"], "freeze: 'layer' is not a part of this network with weights; did you mean layer"),
        (["layer1.0.conv1.wieght"], "did you mean layer1.0.conv1.weight"),
        (["relu"], "freeze: 'relu' is not a part of this network with weights"),
        (["zzz"], "it has bn1, conv1, fc, layer1, layer2"),
        (["x" * 100_000], "is not a part of this network with weights; it has"),
        (["conv1", "bn1", "layer1", "layer2", "fc"], "freeze: ['conv1', 'bn1', 'layer1', 'layer2', ...] leave nothing"),
    ],
    ids=range(6),
)
def test_invalid_names_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        freeze(small_resnet(), names)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250
