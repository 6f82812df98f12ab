"""Memory compared with PyTorch's saved tensors and allocations."""

import gc
import math
import warnings
import weakref
from typing import Any

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import VisionTransformer

from explorer.analysis import Precision, analyse
from explorer.analysis.devices import Device
from explorer.analysis.memory import SavedBytes, saved_for_backward, training_memory
from explorer.errors import InputError
from explorer.families import PRESETS, Spec, parse_spec, resolve
from explorer.families.building import build, detach_auxiliary
from explorer.families.torchvision.spec import ZooSpec
from tests.helpers.specs import narrow

pytestmark = pytest.mark.exhaustive


def saved_on_cpu(network: nn.Module, images: torch.Tensor) -> int:
    """Returns the bytes that autograd saves in a real forward pass, without parameters and buffers."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    sizes: dict[int, int] = {}
    alive = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images)
    return sum(sizes.values())


@pytest.mark.parametrize("preset", [name for name in PRESETS if max(PRESETS[name].spec.sides) <= 32 or "1" in name])
def test_activations_saved_for_the_backward_pass(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    network = build(spec)
    saved_bytes = saved_on_cpu(network, torch.rand(3, 1, *spec.sides))
    analysis = analyse(spec, batch_size=3)
    assert analysis.training is not None
    # Adaptive pooling to one cell is a mean on the CPU and saves nothing; on meta it saves its input, as on a GPU.
    pools = sum(3 * 4 * math.prod(row.input_shape) for row in analysis.layers if row.kind == "AdaptiveAvgPool2d")
    assert saved_bytes <= analysis.training.activations <= saved_bytes + pools


def test_parts_of_a_training_step() -> None:
    saved = SavedBytes(maps=1000, others=10)
    momentum = training_memory(100, 60, saved, "momentum", Precision.FP32)
    assert (momentum.weights, momentum.gradients, momentum.optimizer) == (400, 240, 240)
    assert (momentum.half_copy, momentum.activations, momentum.total) == (0, 1010, 1890)
    adam = training_memory(100, 60, saved, "adam", Precision.BF16)
    assert (adam.optimizer, adam.half_copy, adam.activations) == (480, 200, 510)
    assert training_memory(100, 60, saved, "sgd", Precision.FP32).optimizer == 0


def test_optimizer_state_is_that_of_the_optimizers() -> None:
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
            for tensors in optimizer.state.values()
            for tensor in tensors.values()
            if isinstance(tensor, torch.Tensor) and tensor.numel() > 1
        ]
        part = training_memory(620, 620, SavedBytes(0, 0), name, Precision.FP32)
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


class Alive(TorchDispatchMode):
    """Measures after each operator the bytes of all living tensors, with shared memory once."""

    def __init__(self, network: nn.Module, image: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch does not annotate it
        self.own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
        self.tensors: list[weakref.ref[torch.Tensor]] = [weakref.ref(image)]
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [result] if isinstance(result, torch.Tensor) else result
        self.tensors += [weakref.ref(tensor) for tensor in made if isinstance(tensor, torch.Tensor)]
        living = [tensor.untyped_storage() for reference in self.tensors if (tensor := reference()) is not None]
        memory = {storage.data_ptr(): storage.nbytes() for storage in living if storage.data_ptr() not in self.own}
        self.peak = max(self.peak, sum(memory.values()))
        return result


@pytest.mark.parametrize(
    "name",
    [name for name in PRESETS if max(PRESETS[name].spec.sides) <= 32]
    + ["alexnet", "googlenet", "torchvision:mobilenet_v3_small", "torchvision:shufflenet_v2_x0_5"],
)
def test_peak_of_inference_is_that_of_a_real_forward_pass(name: str) -> None:
    spec = resolve(name).changed(image_size=64) if name.startswith("torchvision") else narrow(resolve(name))
    network = build(spec).eval()
    detach_auxiliary(network)
    image = torch.rand(1, *spec.input_shape)
    with torch.no_grad(), Alive(network, image) as alive:
        network(image)
    assert analyse(spec).totals.peak_activation_bytes == alive.peak


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        # In a block's last batch norm: the image, the stem's map, the block's input, and the norm's input and output.
        ("plain20", [3 * 32 * 32, *[16 * 32 * 32] * 4]),
        ("resnet20", [3 * 32 * 32, *[16 * 32 * 32] * 4]),
        # In the first pool: the image, the first map, the pooled map, and the indices of maxima in 8 bytes each.
        ("alexnet", [3 * 224 * 224, 64 * 55 * 55, 64 * 27 * 27, 2 * 64 * 27 * 27]),
    ],
)
def test_peaks_by_hand(name: str, parts: list[int]) -> None:
    analysis = analyse(resolve(name))
    assert analysis.totals.peak_activation_bytes == 4 * sum(parts)
    assert analysis.formulas["peak_activation_bytes"].count("+") == len(parts) - 1


@pytest.mark.parametrize("preset", ["vgg16-cifar10", "googlenet-bn-cifar10"])
def test_peak_of_inference_is_what_the_cpu_allocates(preset: str) -> None:
    """The allocator's own log: peak of the running sum of allocations during one forward pass."""
    spec = PRESETS[preset].spec
    network = build(spec).eval()
    image = torch.rand(1, *spec.input_shape)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the profiler warns about features of other machines
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
    analysis = analyse(spec)
    expected = analysis.totals.peak_activation_bytes - image.nbytes  # allocated before
    # Our number leaves out work space: the unfolded windows of a convolution.
    unfolded = max(
        4 * 9 * row.input_shape[1] * math.prod(row.output_shape[2:]) for row in analysis.layers if row.kind == "Conv2d"
    )
    assert expected <= peak <= expected + unfolded


def transformer(dropout: float, attention_dropout: float) -> nn.Module:
    """Returns a small ViT with PyTorch's attention."""
    made: nn.Module = VisionTransformer(
        32, 8, 2, 2, 16, 32, dropout=dropout, attention_dropout=attention_dropout, num_classes=5
    )
    return made


@pytest.mark.parametrize(("dropout", "attention_dropout"), [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1)])
def test_attention_saves_the_same_as_on_a_cpu(dropout: float, attention_dropout: float) -> None:
    saved_bytes = saved_on_cpu(transformer(dropout, attention_dropout), torch.rand(3, 3, 32, 32))
    with torch.device("meta"):
        network = transformer(dropout, attention_dropout)
    saved = saved_for_backward(network, (3, 3, 32, 32), Device.CPU)
    assert saved.maps + saved.others == saved_bytes


def test_unfused_attention_saves_the_same_as_pytorchs_math_backend() -> None:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        saved_bytes = saved_on_cpu(transformer(0.0, 0.0), torch.rand(3, 3, 32, 32))
    with torch.device("meta"):
        network = transformer(0.0, 0.0)
    saved = saved_for_backward(network, (3, 3, 32, 32), Device.MPS)
    assert saved.maps + saved.others == saved_bytes


def test_fused_attention_and_masks_of_a_gpu() -> None:
    """17 tokens, 2 heads, 3 images, 2 layers: a sum per query, and dropout masks of one byte per element."""
    with torch.device("meta"):
        network = transformer(0.1, 0.1)
    single = saved_for_backward(network, (3, 3, 32, 32), Device.CUDA)
    half = saved_for_backward(network, (3, 3, 32, 32), Device.CUDA, half=True)
    written_out = saved_for_backward(network, (3, 3, 32, 32), Device.MPS)
    masks = 3 * 17 * (16 + 2 * (16 + 32 + 16))  # after the embedding; after attention and both linear layers
    seeds = 2 * 16
    assert single.others == masks + seeds + 2 * 4 * 3 * 2 * 32
    assert half.others == masks + seeds + 2 * 4 * 3 * 2 * 17
    assert single.maps < written_out.maps - 4 * masks


def test_the_kernel_of_attention_depends_on_the_device() -> None:
    spec = resolve("torchvision:vit_b_32")
    fused, written_out = (analyse(spec, device=device).training for device in ("cpu", "mps"))
    assert fused is not None
    assert written_out is not None
    # 12 layers, 32 images, 12 heads, 50 tokens: probabilities, minus a sum per query and scaled copies.
    assert fused.activations < written_out.activations
    assert analyse(spec, device="cpu").to_dict()["device"] == "cpu"
    with pytest.raises(InputError, match="device: 'tpu' is not one of auto, cpu, cuda, mps"):
        analyse(spec, device="tpu")


def test_an_analysis_keeps_no_reference_to_the_network() -> None:
    network = build(resolve("resnet20"), "meta")
    weight = weakref.ref(network.get_parameter("conv1.weight"))
    saved_for_backward(network, (2, 3, 32, 32))
    del network
    gc.collect()
    assert weight() is None


@pytest.mark.parametrize(
    ("spec", "batch", "reason"),
    [
        (ZooSpec(name="inception_v3", image_size=128), 32, "smaller than the window that moves over it"),
        (
            parse_spec({"family": "vgg", "cfg": ["16384:1p254"] * 200, "image_size": 4096, "pool_to": 1}),
            65_536,
            "more numbers than PyTorch can count",
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
    assert saved == SavedBytes(maps=4 * 2 * 64 + 4 * 2 * 36, others=0)


@pytest.mark.parametrize("batch", [0, -1, 65_537, True, 2.0])
def test_batch_sizes_out_of_range(batch: Any) -> None:
    with pytest.raises(InputError, match="batch_size"):
        analyse(resolve("lenet5"), batch_size=batch)


def test_unknown_optimizer() -> None:
    with pytest.raises(InputError, match="optimizer: 'lion' is not one of sgd, momentum, adam"):
        analyse(resolve("lenet5"), optimizer="lion")
