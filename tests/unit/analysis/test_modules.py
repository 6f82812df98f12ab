"""Any module that takes one image, compared with torchinfo, PyTorch's counter and the analysis of specs."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torchinfo
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import detection, googlenet, segmentation

import explorer
from explorer.analysis import analyse
from explorer.analysis.cost import Term
from explorer.analysis.result import Analysis
from explorer.errors import InputError
from explorer.families import resolve
from explorer.families.building import build


def timm_model(name: str, **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import timm  # takes a second

        return timm.create_model(name, **options)

    return make


MODULES: dict[str, tuple[Callable[[], nn.Module], dict[str, object]]] = {
    "fcn": (lambda: segmentation.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True), {"image_size": 96}),
    "lraspp": (lambda: segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None), {}),
    "faster-rcnn": (
        lambda: detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).backbone,
        {"image_size": (96, 160)},
    ),
    "ssd": (lambda: detection.ssd300_vgg16(weights=None, weights_backbone=None).backbone, {"image_size": 300}),
    "transposed": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ConvTranspose2d(8, 4, 5, (2, 3), 1, groups=2, bias=False)),
        {"image_size": (20, 15)},
    ),
    "timm-resnet18": (timm_model("resnet18"), {}),
    "timm-features": (timm_model("resnet18", features_only=True), {"image_size": 64}),
    "timm-convnext": (timm_model("convnext_atto"), {"image_size": 64}),
    "timm-mobilenetv3": (timm_model("mobilenetv3_small_100"), {}),
    "timm-vit": (timm_model("vit_tiny_patch16_224"), {}),
    "timm-hrnet": (timm_model("hrnet_w18_small"), {"image_size": 64}),
}
SLOW = {"fcn", "timm-vit", "timm-hrnet", "timm-mobilenetv3", "lraspp"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] if name in SLOW else []) for name in MODULES]
)
def test_totals_are_those_of_torchinfo_and_of_pytorchs_counter(name: str) -> None:
    make, options = MODULES[name]
    with torch.device("meta"):
        module = make()
    found = explorer.analyse(module, **options)  # type: ignore[arg-type]  # of several functions
    assert found.name == type(module).__name__
    module = module.to("meta").eval()
    image = torch.empty(found.input_shape, device="meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(image)
    assert found.totals.macs == counter.get_total_flops() / 2 > 0
    assert found.totals.params == torchinfo.summary(module, input_data=image, verbose=0, mode="eval").total_params
    assert found.training is not None
    assert set(found.to_dict()) == {"name", *analyse(resolve("mnist-fc")).to_dict()}


def without_spec(analysis: Analysis) -> dict[str, object]:
    return {key: value for key, value in analysis.to_dict().items() if key not in ("spec", "name")}


@pytest.mark.parametrize("name", ["resnet20", "vgg11-bn-cifar10", "mnist-fc"])
def test_the_document_is_that_of_the_spec(name: str) -> None:
    spec = resolve(name)
    module = build(spec)
    found = explorer.analyse(module, image_size=spec.image_size)
    assert without_spec(found) == without_spec(analyse(spec))
    assert module.training
    assert all(parameter.device.type == "cpu" for parameter in module.parameters())


def test_auxiliary_heads_take_no_part_and_that_is_said() -> None:
    with torch.device("meta"):
        module = googlenet(weights=None, init_weights=False)
    found = explorer.analyse(module)
    (warning,) = [warning for warning in found.warnings if warning.code == "not-run"]
    assert "aux1.conv.conv" in warning.message
    assert found.totals.params == sum(parameter.numel() for parameter in module.parameters())


class Branching(nn.Module):
    """Chooses layers by the size of the map, repeats one, and makes a tensor of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.again = nn.Conv2d(4, 4, 3)
        self.never = nn.Conv2d(4, 4, 9)
        self.offset = torch.zeros(4, 1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.first(x) + self.offset
        while x.shape[-1] > 4:
            x = self.again(x)
        if x.shape[-1] > 100:
            x = self.never(x)
        return {"map": functional.relu(x * torch.ones(4, 1, 1))}


def test_control_flow_by_shapes_is_followed() -> None:
    found = explorer.analyse(Branching(), image_size=10)
    assert [layer.name for layer in found.layers if layer.kind == "Conv2d"] == ["first", "again", "again#2"]
    assert found.input_shape == (1, 1, 10, 10)
    assert found.totals.macs == 9 * 4 * 64 + 9 * 16 * (36 + 16)
    assert found.field is not None
    assert found.field.size == 7
    assert [warning.code for warning in found.warnings if warning.code == "not-run"] == ["not-run"]


def test_mirrored_borders_and_learned_slopes_are_followed() -> None:
    module = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, 4, 5), nn.PReLU(4), nn.Conv2d(4, 4, 3, stride=2))
    found = explorer.analyse(module, image_size=16)
    assert found.field is not None
    assert (found.field.size, found.field.stride, found.field.padding) == (7, 2, 3)
    assert {"untraced", "not-counted"}.isdisjoint(warning.code for warning in found.warnings)
    image = torch.zeros(1, 3, 16, 16, requires_grad=True)
    module(image)[0, 0, 4, 4].backward()  # the unit in the middle
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert (rows.min().item(), rows.max().item()) == found.field.span[0]


@pytest.mark.parametrize(
    ("norm", "sees_all"),
    [
        (nn.GroupNorm(2, 4), True),
        (nn.InstanceNorm2d(4), True),
        (nn.LayerNorm([4, 14, 14]), True),
        (nn.BatchNorm2d(4, track_running_stats=False), True),
        (nn.BatchNorm2d(4), False),
    ],
)
def test_the_field_leaves_out_the_mean_of_a_map_and_says_so(norm: nn.Module, sees_all: bool) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Conv2d(4, 4, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    found = explorer.analyse(module, image_size=16)
    assert found.field is not None
    assert found.field.size == 5
    assert [layer.sees_whole_image for layer in found.layers] == [False, sees_all, sees_all, True, True]
    assert [any("mean of a map" in note for note in layer.notes) for layer in found.layers[:3]] == [
        False,
        *[sees_all] * 2,
    ]
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    module.eval()[:3](image)[0, 0, 4, 4].backward()
    assert image.grad is not None
    assert bool(image.grad[..., 15, 15].any()) == sees_all


class Backwards(nn.Module):
    """Has its first convolution last, a choice by the numbers of a map, and two global pools without a module."""

    def __init__(self) -> None:
        super().__init__()
        self.later = nn.Conv2d(5, 4, 3)
        self.first = nn.Conv2d(1, 5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.later(self.first(x))
        x = torch.where(x > 0, x, x / 8)
        return x.amax((2, 3)) + x.sum((2, 3))


def test_the_convolution_that_runs_first_tells_the_channels() -> None:
    found = explorer.analyse(Backwards(), image_size=10)
    assert found.input_shape == (1, 1, 10, 10)
    assert found.field is not None
    assert found.field.size == 5
    assert {"untraced", "not-counted"}.isdisjoint(warning.code for warning in found.warnings)
    assert found.totals.terms[Term.POOLING] == 2 * 4 * 6 * 6


class Rearranges(nn.Module):
    """Makes twelve channels of three before its first convolution, and returns a data class."""

    @dataclass
    class Result:
        """A result with a name."""

        scores: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(12, 12, 1)
        self.conv = nn.Conv2d(12, 8, 3)
        self.other = nn.Conv2d(12, 8, 1)

    def forward(self, x: Tensor) -> "Rearranges.Result":
        x = torch.cat([x[:, :, ::2, ::2], x[:, :, 1::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, 1::2]], 1)
        x = functional.conv2d(
            self.first(x), self.conv.weight + functional.pad(self.other.weight, (1, 1, 1, 1)), self.conv.bias
        )
        return self.Result(x + torch.randn_like(x))


def test_a_network_may_rearrange_the_image_add_noise_and_use_weights_of_modules_that_do_not_run() -> None:
    found = explorer.analyse(Rearranges(), image_size=16)
    assert found.field is not None
    assert (found.field.size, found.totals.macs) == (6, 8 * 8 * 12 * 12 + 6 * 6 * 8 * 108)
    (unused,) = [warning.message for warning in found.warnings if warning.code == "not-run"]
    assert "(other)" in unused  # its bias


class ReturnsNothing(nn.Conv2d):
    """A convolution whose result is lost."""

    def forward(self, x: Tensor) -> None:  # type: ignore[override]
        super().forward(x)


class ReadsNumbers(nn.Module):
    """Chooses by the numbers of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.mean() > 0 else -x


class EndsTheProgram(nn.Module):
    """Has a script's way to give up."""

    def forward(self, _: Tensor) -> Tensor:
        sys.exit(3)


class Interrupted(nn.Module):
    """Is interrupted by its user."""

    def forward(self, _: Tensor) -> Tensor:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "options", "places"),
    [
        (nn.Sequential(EndsTheProgram()), {"image_size": 8}, ("0 (EndsTheProgram)", "SystemExit: 3")),
        (nn.Sequential(nn.Conv2d(3, 4, 3), ReadsNumbers()), {"image_size": 8}, ("1", "ReadsNumbers", "3×8×8")),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)), {"image_size": 8}, ("1", "Conv2d", "channels")),
        (nn.Sequential(nn.LazyConv2d(4, 3)), {}, ("0",)),
        (nn.Sequential(ReturnsNothing(3, 4, 3)), {}, ("no tensor",)),
        (nn.Sequential(nn.ReLU()), {"image_size": 0}, ("image_size", "0")),
        (nn.Sequential(nn.ReLU()), {"image_size": (8, 8, 8)}, ("image_size",)),
        (nn.Sequential(nn.ReLU()), {"in_channels": -1}, ("in_channels", "-1")),
        (nn.Sequential(nn.ReLU()), {"precision": "fp8"}, ("precision", "fp8")),
        ("resnet18", {}, ("resnet18",)),
    ],
)
def test_what_cannot_be_traced_is_named(module: nn.Module, options: dict[str, object], places: tuple[str, ...]) -> None:
    with pytest.raises(explorer.InputError) as caught:
        explorer.analyse(module, **options)  # type: ignore[arg-type]  # some are wrong on purpose
    assert all(place in str(caught.value) for place in places)


def test_an_interrupt_ends_the_analysis() -> None:
    with pytest.raises(KeyboardInterrupt):
        explorer.analyse(Interrupted(), image_size=8)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_script_module_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="ScriptModule"):
        explorer.analyse(torch.jit.trace(nn.Conv2d(3, 4, 1), torch.zeros(1, 3, 4, 4)))


def test_a_perceptron_tells_the_channels_and_a_parallel_module_is_its_original() -> None:
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 4, 5))
    assert explorer.analyse(perceptron, image_size=(6, 4)).input_shape == (1, 2, 6, 4)
    parallel = nn.DataParallel(perceptron)
    assert explorer.analyse(parallel, image_size=(6, 4)).name == "Sequential"


@pytest.mark.process
def test_importing_the_package_imports_no_torch() -> None:
    code = "import explorer, sys; assert 'torch' not in sys.modules; assert 'analyse' in explorer.__all__"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        explorer.nothing  # noqa: B018  the access itself fails


class Recurrent(nn.Module):
    """A state that begins as zeros of the image's type, and a training that skips layers by chance."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5, 2)
        self.cell = nn.GRUCell(4, 6)

    def forward(self, image: Tensor) -> Tensor:
        columns = self.conv(image).mean(2)
        state = image.new_zeros(len(image), 6)
        for place in range(columns.shape[2]):
            if self.training and torch.rand(()) < 0.5:
                continue
            state = self.cell(columns[:, :, place], state)
        return state


def test_the_way_to_the_last_map_leaves_out_states_of_zeros() -> None:
    analysis = explorer.analyse(Recurrent(), image_size=(16, 16))
    assert analysis.field is not None
    assert (analysis.field.size, analysis.field.stride) == (5, 2)
    codes = [warned.code for warned in analysis.warnings]
    # What the cell sees is unknown, and so is the step of training; neither is given a reason that is not the true one.
    assert "untraced" in codes
    assert "training-unknown" in codes
    assert not {"field-smaller-than-image", "cannot-train"} & {*codes}
    assert analysis.training is None
