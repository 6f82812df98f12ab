"""Dictionaries like those of other people's training code. A tensor is any object with a shape."""

import json
from collections import OrderedDict
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.swa_utils import AveragedModel

from explorer.errors import InputError
from explorer.weights.importing.tied_weights import tied_copies
from explorer.weights.importing.wrappers import MAX_TENSORS, unwrap
from tests.helpers.call_counts import run_within

NAMES = ["conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.num_batches_tracked", "fc.weight", "fc.bias"]
SHAPES = [(4, 3, 3, 3), (4,), (4,), (), (10, 4), (10,)]


def state(prefix: str = "", seed: int = 0) -> dict[str, Any]:
    values = numpy.random.default_rng(seed)
    return OrderedDict((prefix + name, values.normal(size=shape)) for name, shape in zip(NAMES, SHAPES, strict=True))


ADAM = {"state": {0: {"step": 3, "exp_avg": state()["fc.weight"]}}, "param_groups": [{"lr": 0.1, "params": [0]}]}


@pytest.mark.parametrize(
    "content",
    [
        state(),
        {"state_dict": state()},
        {"net": state(), "acc": 90.2, "epoch": 33},  # R1
        {"net": state("module."), "epoch": 33},
        {"model": {"state_dict": state()}},
        {"model_state_dict": state(), "optimizer_state_dict": ADAM},
        {"weights": state("model.")},
        {"whatever they called it": state("_orig_mod.module.")},
        {"params": state("module._orig_mod."), "opt": ADAM},
        {"state_dict": state("backbone.encoder."), "loss": {"weight": numpy.ones((10, 10))}},
        {"state_dict": state(), "mean": numpy.ones((3, 1, 1)), "best_acc1": numpy.float64(71.2)},
        (state(), ADAM, 12),
        list(state().items()),
        state("model.") | {"val_accuracy.confmat": numpy.ones((10, 10)), "model.fc.total_ops": numpy.zeros(1)},
        state("net.") | {"device": numpy.ones(0), "class_weights": numpy.ones(10), "cls_loss.weight": numpy.ones(10)},
    ],
)
def test_the_network_is_found_in_any_dictionary(content: dict[str, Any]) -> None:
    found = unwrap(content)
    assert list(found.tensors) == NAMES  # without prefixes, in order
    assert [tensor.shape for tensor in found.tensors.values()] == SHAPES


def test_wrappers_inside_names_are_removed() -> None:
    names = ["features._orig_mod.0.weight", "features.module.1.weight", "head._fsdp_wrapped_module.weight"]
    found = unwrap(dict.fromkeys(names, numpy.ones((2, 2))))
    assert list(found.tensors) == ["features.0.weight", "features.1.weight", "head.weight"]
    assert len(found.notes) == 3


def test_names_stay_unique() -> None:
    both = {"module.fc.weight": numpy.zeros((2, 2)), "fc.weight": numpy.ones((2, 2)), "a.weight": numpy.ones((2, 2))}
    assert set(unwrap(both).tensors) == set(both)


def test_a_prefix_of_some_names_stays() -> None:
    names = ["features.0.weight", "features.1.weight", "classifier.0.weight"]
    assert list(unwrap(dict.fromkeys(names, numpy.ones((2, 2)))).tensors) == names


@given(st.lists(st.lists(st.sampled_from(["module", "model", "a", "b", "0"]), min_size=1, max_size=4), min_size=1))
def test_no_tensor_is_lost_whatever_the_names(parts: list[list[str]]) -> None:
    content = {".".join(name): numpy.full((2, 2), index) for index, name in enumerate(parts)}
    found = unwrap(content)
    assert [tensor[0, 0] for tensor in found.tensors.values()] == [tensor[0, 0] for tensor in content.values()]


def test_metadata_is_json_ready() -> None:
    content = {
        "state_dict": state(),
        "epoch": 12,
        "arch": "resnet20",
        "best_prec1": torch.tensor(91.75),
        "classes": ["cat", "dog"],
        "class_to_idx": {"cat": 0, "dog": 1},
        "names": {0: "cat", 1: "dog"},  # R0's class_indices
        "optimizer": ADAM,
        "nan": float("nan"),
        "huge": 10**400,
        "long": "x" * 10_000,
        "lines": "a\nb",
        "object": object(),
        "many": list(range(100_000)),
        b"bytes": 1,
    }
    metadata = unwrap(content).metadata
    assert metadata == {
        "epoch": 12,
        "arch": "resnet20",
        "best_prec1": 91.75,
        "classes": ["cat", "dog"],
        "class_to_idx": {"cat": 0, "dog": 1},
        "names": {"0": "cat", "1": "dog"},
    }
    json.dumps(metadata, allow_nan=False)


def test_a_lightning_checkpoint() -> None:
    content = {
        "epoch": 9,
        "global_step": 3910,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {**state("net."), "criterion.weight": numpy.ones(10)},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": numpy.float64(0.9)}},
        "optimizer_states": [ADAM],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 0.1, "num_classes": 10},
    }
    found = unwrap(content)
    assert list(found.tensors) == NAMES
    assert found.metadata["hyper_parameters"] == {"lr": 0.1, "num_classes": 10}
    assert set(found.ignored) == {"loops", "callbacks", "optimizer_states", "criterion.weight"}
    assert any("optimizer_states" in note for note in found.notes)


def test_the_mean_of_the_weights_is_used_if_it_is_complete() -> None:
    """timm's ``state_dict_ema`` and torchvision's ``model_ema`` are such means."""
    trained, mean = state(seed=1), state(seed=2)
    for content in (
        {"state_dict": trained, "state_dict_ema": mean},
        {"model": trained, "model_ema": {"n_averaged": numpy.array(7), **{f"module.{k}": v for k, v in mean.items()}}},
        {f"model.{k}": v for k, v in trained.items()} | {f"model_ema.module.{k}": v for k, v in mean.items()},
    ):
        found = unwrap(content)
        assert list(found.tensors) == NAMES
        assert numpy.array_equal(found.tensors["fc.weight"], mean["fc.weight"])
        assert any("mean of the weights" in note for note in found.notes)
        assert found.ignored
    parameters_only = {name: tensor for name, tensor in mean.items() if "running" not in name}
    found = unwrap({"model": trained, "ema": parameters_only})
    assert numpy.array_equal(found.tensors["fc.weight"], trained["fc.weight"])
    assert found.ignored == ("ema",)


def test_counters_of_a_mean_are_no_metadata() -> None:
    """ema-pytorch and Lightning write such checkpoints."""
    counted = {"fc.counts": numpy.array(9)}
    both = {f"online_model.{k}": v for k, v in (state(seed=1) | counted).items()}
    both |= {f"ema_model.{k}": v for k, v in (state(seed=2) | counted).items()}
    found = unwrap(both | {"initted": numpy.array([1]), "step": numpy.array([7])})
    assert numpy.array_equal(found.tensors["fc.weight"], state(seed=2)["fc.weight"])
    assert found.metadata == {}


@pytest.mark.parametrize(
    ("mean", "std"), [("0.mean", "0.std"), ("module.normalizer.new_mean", "module.normalizer.new_std"), ("mu", "sigma")]
)
def test_the_normalisation_inside_a_network_is_metadata(mean: str, std: str) -> None:
    """Networks with adversarial training normalise images in their first layer."""
    values = {mean: numpy.full((1, 3, 1, 1), 0.4914, "float32"), std: numpy.full((1, 3, 1, 1), 0.2, "float32")}
    found = unwrap({"net": values | state("module.model.")})
    assert list(found.tensors) == NAMES
    assert found.metadata == {"mean": [0.4914] * 3, "std": [0.2] * 3}
    assert set(found.ignored) == {mean, std}


def test_metadata_has_a_size_limit() -> None:
    content = {"state_dict": state()} | {f"list {i}": ["x" * 900] * 1_000 for i in range(10)}
    assert list(unwrap(content).metadata) == ["list 0", "list 1"]


def test_pytorchs_averaged_model() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    found = unwrap({"swa_state_dict": AveragedModel(network).state_dict()})
    assert list(found.tensors) == list(network.state_dict())
    assert found.ignored == ("n_averaged",)


def test_the_best_of_several_states_is_used() -> None:
    last, best = state(seed=1), state(seed=2)
    found = unwrap({"last": last, "best": best})
    assert numpy.array_equal(found.tensors["fc.weight"], best["fc.weight"])
    assert found.ignored == ("last",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"netG": state(), "netD": state() | {"more.weight": numpy.ones((2, 2))}}, "'netG', 'netD'"),
        ({"features": {"0.weight": numpy.ones((2, 2))}, "classifier": {"0.weight": numpy.ones((3, 2))}}, "several"),
        ({}, "no network"),
        ({"bn.weight": numpy.ones(3)}, "no network"),
        (ADAM, "training run without the network"),
        ({"optimizer": ADAM}, "training run without the network"),
        ({0: numpy.ones((2, 2))}, "other keys"),
        ({"params": [numpy.ones((2, 2))]}, "lists of tensors"),
        (numpy.ones((2, 2)), "no tensors by name"),
        ([*state().values()], "no tensors by name"),
        (None, "no tensors by name"),
        ({f"l{i}.weight": numpy.ones((1, 1)) for i in range(MAX_TENSORS + 1)}, "20,001 tensors"),
        ({str(i): {} for i in range(3)} | {"x": {str(i): {"a": 1} for i in range(20_000)}}, "dictionaries"),
    ],
)
def test_content_without_a_single_network_is_refused(content: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        unwrap(content)


def test_cycles_and_deep_dictionaries_end() -> None:
    content: dict[Any, Any] = {"state_dict": state(), 3: {"x": 1}}
    content["me"] = content["state_dict"]["me"] = content
    deep = content["deep"] = {}
    for _ in range(100_000):
        deep["x"] = deep = {}
    found = unwrap(content)
    assert list(found.tensors) == NAMES
    while content:  # Python would free them recursively
        content = content.pop("deep", None) or content.pop("x", {})


def test_a_module_stored_twice_is_left_out_once() -> None:
    """R2 registers its blocks as ``Conv1`` to ``Conv5``, and all of them again in ``Conv``."""
    blocks = [nn.Sequential(nn.Conv2d(i, 8, 3), nn.BatchNorm2d(8), nn.ReLU()) for i in (3, 8, 8)]
    network = nn.Module()
    for number, block in enumerate(blocks, 1):
        network.add_module(f"Conv{number}", block)
    network.Conv = nn.Sequential(*blocks)
    network.classsifer = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 10))
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert tied_copies(tensors) == {name for name in tensors if name.startswith("Conv.")}
    in_order_of_names = dict(sorted(tensors.items()))
    assert tied_copies(in_order_of_names) == {name for name in tensors if name.startswith(("Conv1", "Conv2", "Conv3"))}


def test_equal_constant_tensors_are_not_tied_copies() -> None:
    """Initial batch norms, equal biases and zero matrices must not be left out."""
    network = nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 3)) for _ in range(3)))
    for name, tensor in network.state_dict().items():
        if name.endswith("bias") or ".2." in name:
            tensor.zero_()
    assert not tied_copies(network.state_dict())


def test_tensors_with_equal_beginnings_are_compared_in_one_pass() -> None:
    tensors = {f"layer{number}.weight": torch.zeros(2, 200) for number in range(6_000)}
    for number, tensor in enumerate(tensors.values()):
        tensor[1, 199] = number % 5_000 + 1
    copies = run_within(1_000_000, lambda: tied_copies(tensors))  # there are about 20 million pairs
    assert copies == {f"layer{number}.weight" for number in range(5_000, 6_000)}
