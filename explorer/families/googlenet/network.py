"""Networks of the ``googlenet`` family; tensor names are torchvision's."""

from torch import Tensor, nn

from explorer.families.activations import make_activation
from explorer.families.googlenet.spec import AUX_SIDE, AUX_STRIDE, AUX_WINDOW, GoogLeNetSpec, Module
from explorer.families.modules import Concat
from explorer.specs.size import Size

HEAD = ("avgpool", "flatten", "dropout", "fc")


class BasicConv2d(nn.Sequential):
    """Convolution, optional batch norm, and activation; with batch norm the convolution has no bias."""

    def __init__(self, spec: GoogLeNetSpec, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=not spec.batch_norm)
        if spec.batch_norm:
            self.bn = nn.BatchNorm2d(after, eps=spec.epsilon)
        self.add_module(spec.activation, make_activation(spec))


class Inception(nn.Module):
    """Four parallel branches: 1x1, 3x3, 5x5 and pool (Figure 2b; without reductions, Figure 2a)."""

    def __init__(self, spec: GoogLeNetSpec, before: int, row: Module) -> None:
        super().__init__()

        def unit(channels: int, out: int, kernel: int) -> BasicConv2d:
            return BasicConv2d(spec, channels, out, kernel)

        pool = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        self.branch1 = unit(before, row.ch1x1, 1)
        if spec.reduce:
            self.branch2 = nn.Sequential(unit(before, row.ch3x3red, 1), unit(row.ch3x3red, row.ch3x3, 3))
            self.branch3 = nn.Sequential(unit(before, row.ch5x5red, 1), unit(row.ch5x5red, row.ch5x5, spec.branch5x5))
            self.branch4 = nn.Sequential(pool, unit(before, row.pool_proj, 1))
            last = row.pool_proj
        else:
            self.branch2 = nn.Sequential(unit(before, row.ch3x3, 3))
            self.branch3 = nn.Sequential(unit(before, row.ch5x5, spec.branch5x5))
            self.branch4 = nn.Sequential(pool)
            last = before
        self.concat = Concat()
        self.out_channels = row.ch1x1 + row.ch3x3 + row.ch5x5 + last

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.concat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)])
        return joined


class AuxHead(nn.Sequential):
    """The auxiliary classifier of section 5; it runs only in training."""

    def __init__(self, spec: GoogLeNetSpec, before: int, map_size: Size) -> None:
        super().__init__()
        adaptive = spec.aux_pool == "adaptive"
        self.pool = nn.AdaptiveAvgPool2d(AUX_SIDE) if adaptive else nn.AvgPool2d(AUX_WINDOW, AUX_STRIDE)
        self.conv = BasicConv2d(spec, before, 128, 1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(128 * spec.aux_size(map_size).area, 1024)
        self.add_module(spec.activation, make_activation(spec))
        self.dropout = nn.Dropout(spec.aux_dropout)
        self.fc2 = nn.Linear(1024, spec.num_classes)


class GoogLeNet(nn.Module):
    """(N, C, H, W) to (N, classes) logits; in training a list of logits: the main head, then each auxiliary head."""

    def __init__(self, spec: GoogLeNetSpec) -> None:
        super().__init__()

        def unit(before: int, after: int, kernel: int, stride: int = 1) -> BasicConv2d:
            return BasicConv2d(spec, before, after, kernel, stride)

        self.body: list[str] = []  # names of the modules in running order
        self.aux: dict[str, str] = {}  # names of auxiliary heads by the name of the module that they read
        size = spec.sides

        def then(name: str, module: nn.Module) -> None:
            self.add_module(name, module)
            self.body.append(name)

        if spec.stem == "imagenet":
            then("conv1", unit(spec.in_channels, 64, 7, 2))
            then("maxpool1", nn.MaxPool2d(3, 2, ceil_mode=True))
            then("conv2", unit(64, 64, 1))
            then("conv3", unit(64, 192, 3))
            then("maxpool2", nn.MaxPool2d(3, 2, ceil_mode=True))
            size = size.through(7, 2, 3).through(3, 2, ceil=True).through(3, 2, ceil=True)
        else:
            then("conv1", unit(spec.in_channels, 192, 3))
        channels, pools, heads = 192, 2 if spec.stem == "imagenet" else 0, []
        for row in spec.modules:
            inception = Inception(spec, channels, row)
            then(f"inception{row.name}", inception)
            channels = inception.out_channels
            if row.name in spec.aux_after:
                heads.append((f"inception{row.name}", channels, size))
            if row.name in spec.pool_after:
                pools += 1
                kernel = spec.pool_kernel(row.name)
                then(f"maxpool{pools}", nn.MaxPool2d(kernel, 2, ceil_mode=True))
                size = size.through(kernel, 2, ceil=True)
        for number, (tap, width, map_size) in enumerate(heads, 1):
            self.add_module(f"aux{number}", AuxHead(spec, width, map_size))
            self.aux[tap] = f"aux{number}"
        then("avgpool", nn.AdaptiveAvgPool2d(1))
        then("flatten", nn.Flatten())
        if spec.dropout:
            then("dropout", nn.Dropout(spec.dropout))
        then("fc", nn.Linear(channels, spec.num_classes))

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        logits = []
        for name in self.body:
            x = self.get_submodule(name)(x)
            if self.training and (head := self._modules.get(self.aux.get(name, ""))) is not None:
                logits.append(head(x))
        return [x, *logits] if logits else x


def build(spec: GoogLeNetSpec) -> GoogLeNet:
    """The network of a spec."""
    return GoogLeNet(spec)
