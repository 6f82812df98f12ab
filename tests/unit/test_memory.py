"""Memory against what PyTorch really keeps and allocates."""

import gc
import math
import warnings
import weakref

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from explorer.analysis import Precision, analyse
from explorer.analysis.memory import Saved, peak_bytes, saved_for_backward, training
from explorer.errors import InputError
from explorer.models import build
from explorer.specs import PRESETS, Spec, ZooSpec, parse_spec, resolve
from tests.unit.helpers import narrow, traced


def kept_on_cpu(network: nn.Module, images: torch.Tensor) -> int:
    """Bytes that autograd keeps in a real forward pass, parameters and buffers aside."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}
    alive = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images)
    return sum(kept.values())


@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].spec.image_size <= 32 or "1" in name])
def test_activations_kept_for_the_backward_pass(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    network = build(spec)
    kept = kept_on_cpu(network, torch.rand(3, 1, spec.image_size, spec.image_size))
    analysis = analyse(spec, batch_size=3)
    assert analysis.training is not None
    # Adaptive pooling to one cell is a mean on the CPU and keeps nothing; on meta its input, as on a GPU.
    pools = sum(3 * 4 * math.prod(row.input_shape) for row in analysis.layers if row.kind == "AdaptiveAvgPool2d")
    assert kept <= analysis.training.activations <= kept + pools


def test_parts_of_a_training_step() -> None:
    saved = Saved(maps=1000, others=10)
    momentum = training(100, 60, saved, "momentum", Precision.FP32)
    assert (momentum.weights, momentum.gradients, momentum.optimizer) == (400, 240, 240)
    assert (momentum.half_copy, momentum.activations, momentum.total) == (0, 1010, 1890)
    adam = training(100, 60, saved, "adam", Precision.BF16)
    assert (adam.optimizer, adam.half_copy, adam.activations) == (480, 200, 510)
    assert training(100, 60, saved, "sgd", Precision.FP32).optimizer == 0


def test_optimizer_state_is_what_the_optimizers_keep() -> None:
    for name, make in (
        ("sgd", lambda p: torch.optim.SGD(p, 0.1)),
        ("momentum", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        ("adam", torch.optim.Adam),
    ):
        network = nn.Linear(30, 20)
        optimizer = make(network.parameters())
        network(torch.rand(4, 30)).sum().backward()
        optimizer.step()
        state = [
            tensor.nbytes
            for entry in optimizer.state.values()
            for tensor in entry.values()
            if isinstance(tensor, torch.Tensor) and tensor.numel() > 1
        ]
        part = training(620, 620, Saved(0, 0), name, Precision.FP32)
        assert part.optimizer == sum(state)


def test_memory_grows_with_the_batch() -> None:
    spec = resolve("resnet18")
    one, two = (analyse(spec, batch_size=size).training for size in (16, 32))
    assert one is not None
    assert two is not None
    assert two.weights == one.weights == 4 * 11_689_512
    assert 1.99 < two.activations / one.activations < 2  # batch statistics don't grow


def test_batch_norm_over_a_single_value_is_reported() -> None:
    spec = parse_spec({"family": "vgg", "cfg": [4, "M"], "image_size": 2, "batch_norm": True, "pool_to": None})
    deep = spec.changed(cfg=[4, "M", 4])
    analysis = analyse(deep, batch_size=1)
    assert analysis.training is None
    assert analysis.to_dict()["totals"]["training_bytes"] is None
    assert [w.code for w in analysis.warnings if w.code == "cannot-train"] == ["cannot-train"]
    assert analyse(deep, batch_size=2).training is not None


@pytest.mark.parametrize("preset", ["vgg16-cifar10", "resnet20", "googlenet-bn-cifar10"])
def test_peak_of_inference_is_what_the_cpu_allocates(preset: str) -> None:
    """The allocator's own log: peak of the running sum of allocations during one forward pass."""
    spec = PRESETS[preset].spec
    network = build(spec).eval()
    image = torch.rand(1, spec.in_channels, spec.image_size, spec.image_size)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the profiler and its switches warn about other machines
        network(image)
        with (
            torch.backends.mkldnn.flags(enabled=False),
            profile(activities=[ProfilerActivity.CPU], profile_memory=True) as log,
        ):
            network(image)
    now = peak = 0
    for event in log.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    trace, _states = traced(spec)
    claimed = sum(peak_bytes(trace))
    # Ours leaves out work space: the unfolded windows of a convolution, and a map that Python still refers to.
    layers = analyse(spec).layers
    unfolded = max(
        4 * 9 * row.input_shape[1] * math.prod(row.output_shape[2:]) for row in layers if row.kind == "Conv2d"
    )
    largest_map = max(row.activation_bytes for row in layers)
    assert peak <= claimed + unfolded + largest_map
    assert claimed - image.nbytes <= peak


def test_an_analysis_leaves_no_network_behind() -> None:
    network = build(resolve("resnet20"), "meta")
    weight = weakref.ref(network.conv1.weight)
    saved_for_backward(network, (2, 3, 32, 32))
    del network
    gc.collect()
    assert weight() is None


@pytest.mark.parametrize(
    ("spec", "batch", "reason"),
    [
        (ZooSpec(name="inception_v3", image_size=128), 32, "Kernel size"),
        (
            parse_spec({"family": "vgg", "cfg": ["16384:1p254"] * 200, "image_size": 4096, "pool_to": 1}),
            65_536,
            "overflow",
        ),
    ],
)
def test_networks_that_run_but_cannot_train_say_why(spec: Spec, batch: int, reason: str) -> None:
    analysis = analyse(spec, batch_size=batch)
    assert analysis.training is None
    assert analysis.totals.macs > 0
    (message,) = [warned.message for warned in analysis.warnings if warned.code == "cannot-train"]
    assert reason in message


def test_in_place_layers_take_no_memory() -> None:
    layers = {layer.name: layer for layer in analyse(resolve("vgg11")).layers}
    assert layers["features.0"].activation_bytes == 64 * 224 * 224 * 4
    assert layers["features.1"].activation_bytes == 0
    assert "over its input" in layers["features.1"].formulas["activation_bytes"]


def test_saved_counts_shared_memory_once() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3))
    saved = saved_for_backward(network, (2, 1, 8, 8))
    # The images, and the first map after ReLU, which both ReLU and the second convolution need.
    assert saved == Saved(maps=4 * 2 * 64 + 4 * 2 * 36, others=0)


@pytest.mark.parametrize("batch", [0, -1, 65_537, True, 2.0])
def test_batch_sizes_out_of_range(batch: object) -> None:
    with pytest.raises(InputError, match="batch_size"):
        analyse(resolve("lenet5"), batch_size=batch)


def test_unknown_optimizer() -> None:
    with pytest.raises(InputError, match="optimizer: 'lion' is not one of sgd, momentum, adam"):
        analyse(resolve("lenet5"), optimizer="lion")
