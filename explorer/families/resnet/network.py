"""Networks of the ``resnet`` family; tensor names are torchvision's."""

from torch import Tensor, nn

from explorer.families.activations import make_activation
from explorer.families.modules import Add, PadShortcut
from explorer.families.resnet.spec import EXPANSION, ResNetSpec

HEAD = ("avgpool", "flatten", "fc")


def conv(spec: ResNetSpec, before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the map's size at stride 1; it has a bias only without batch norm."""
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=not spec.batch_norm)


class Block(nn.Module):
    """``act(F(x) + shortcut(x))``, or ``act(F(x))`` in a plain network; ``act`` is the activation, ReLU by default.

    ``basic``: two 3x3 convolutions. ``bottleneck``: 1x1, 3x3 and 1x1 to four times the width.
    """

    def __init__(self, spec: ResNetSpec, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = width * EXPANSION[spec.block]
        if spec.block == "basic":
            shapes = [(before, width, 3, stride), (width, width, 3, 1)]
        else:
            first, second = (stride, 1) if spec.stride_on == "1x1" else (1, stride)
            shapes = [(before, width, 1, first), (width, width, 3, second), (width, after, 1, 1)]
        self.residual: list[str] = []  # names of the modules of F, in order
        for number, shape in enumerate(shapes, 1):
            self.then(f"conv{number}", conv(spec, *shape))
            if spec.batch_norm:
                self.then(f"bn{number}", nn.BatchNorm2d(shape[1]))
            if number < len(shapes):
                self.then(f"{spec.activation}{number}", make_activation(spec))
        self.downsample: nn.Module | None = None
        self.add: nn.Module | None = None
        if spec.residual:
            self.downsample = self.make_shortcut(spec, before, after, stride)
            self.add = Add()
        self.activation = spec.activation
        self.add_module(spec.activation, make_activation(spec))

    def then(self, name: str, module: nn.Module) -> None:
        """Append a module to the residual branch F."""
        self.add_module(name, module)
        self.residual.append(name)

    @staticmethod
    def make_shortcut(spec: ResNetSpec, before: int, after: int, stride: int) -> nn.Module | None:
        """The shortcut of option A, B or C of the paper; None is the identity."""
        same = stride == 1 and before == after
        if spec.shortcut != "C" and same:
            return None
        if spec.shortcut == "A":
            return PadShortcut(before, after, stride)
        projection = conv(spec, before, after, 1, stride)
        return nn.Sequential(projection, nn.BatchNorm2d(after)) if spec.batch_norm else nn.Sequential(projection)

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for name in self.residual:
            out = self.get_submodule(name)(out)
        if self.add is not None:
            out = self.add(out, x if self.downsample is None else self.downsample(x))
        activated: Tensor = self.get_submodule(self.activation)(out)
        return activated


class ResNet(nn.Module):
    """Stem, ``layer1`` …, global average pool, ``fc``; (N, C, H, W) to (N, classes) logits."""

    def __init__(self, spec: ResNetSpec) -> None:
        super().__init__()
        channels = spec.widths[0]
        if spec.stem == "imagenet":
            self.conv1 = nn.Conv2d(spec.in_channels, channels, 7, 2, 3, bias=not spec.batch_norm)
        else:
            self.conv1 = conv(spec, spec.in_channels, channels, 3)
        if spec.batch_norm:
            self.bn1 = nn.BatchNorm2d(channels)
        self.add_module(spec.activation, make_activation(spec))
        if spec.stem != "cifar":
            self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (count, width) in enumerate(zip(spec.blocks, spec.widths, strict=True), 1):
            blocks = []
            for position in range(count):
                blocks.append(Block(spec, channels, width, 2 if stage > 1 and position == 0 else 1))
                channels = width * EXPANSION[spec.block]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, spec.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.children():  # in the order of registration
            x = stage(x)
        return x


def build(spec: ResNetSpec) -> ResNet:
    """The network of a spec."""
    return ResNet(spec)
