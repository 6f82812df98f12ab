"""Networks of the ``densenet`` family; tensor names are torchvision's."""

import re
from collections import OrderedDict

from torch import Tensor, nn

from explorer.families.activations import make_activation
from explorer.families.densenet.spec import DenseNetSpec
from explorer.families.modules import Concat

HEAD = ("avgpool", "flatten", "classifier")
_OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")


class DenseLayer(nn.Module):
    """Batch norm, activation and convolution, once or twice; the new channels are concatenated after the input.

    (N, C, H, W) to (N, C + growth_rate, H, W).
    """

    def __init__(self, spec: DenseNetSpec, before: int) -> None:
        super().__init__()
        growth = spec.growth_rate
        narrow = before if spec.bottleneck is None else spec.bottleneck * growth
        kernels = [(before, growth, 3)] if spec.bottleneck is None else [(before, narrow, 1), (narrow, growth, 3)]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (reads, makes, kernel) in enumerate(kernels, 1):
            layers[f"norm{number}"] = nn.BatchNorm2d(reads)
            layers[f"{spec.activation}{number}"] = make_activation(spec)
            layers[f"conv{number}"] = nn.Conv2d(reads, makes, kernel, padding=kernel // 2, bias=False)
        if spec.dropout:
            layers["dropout"] = nn.Dropout(spec.dropout)
        self.new = list(layers)
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        new = x
        for name in self.new:
            new = self.get_submodule(name)(new)
        joined: Tensor = self.concat([x, new])
        return joined


def make_features(spec: DenseNetSpec) -> nn.Sequential:
    """The stem, the dense blocks with transitions between them, and the last batch norm with its activation."""
    width = spec.stem_width
    features: OrderedDict[str, nn.Module] = OrderedDict()
    if spec.stem == "imagenet":
        features["conv0"] = nn.Conv2d(spec.in_channels, width, 7, 2, 3, bias=False)
        features["norm0"] = nn.BatchNorm2d(width)
        features[f"{spec.activation}0"] = make_activation(spec)
        features["pool0"] = nn.MaxPool2d(3, 2, 1)
    else:
        features["conv0"] = nn.Conv2d(spec.in_channels, width, 3, padding=1, bias=False)
    for stage, count in enumerate(spec.blocks, 1):
        arriving = spec.widths[stage - 1]
        features[f"denseblock{stage}"] = nn.Sequential(
            OrderedDict(
                (f"denselayer{number}", DenseLayer(spec, arriving + (number - 1) * spec.growth_rate))
                for number in range(1, count + 1)
            )
        )
        made = arriving + count * spec.growth_rate
        if stage == len(spec.blocks):
            features[f"norm{stage + 1}"] = nn.BatchNorm2d(made)  # norm5 after four blocks
            features[f"{spec.activation}{stage + 1}"] = make_activation(spec)
        else:
            features[f"transition{stage}"] = nn.Sequential(
                OrderedDict(
                    {
                        "norm": nn.BatchNorm2d(made),
                        spec.activation: make_activation(spec),
                        "conv": nn.Conv2d(made, spec.widths[stage], 1, bias=False),
                        "pool": nn.AvgPool2d(2, 2),
                    }
                )
            )
    return nn.Sequential(features)


class DenseNet(nn.Module):
    """``features``, global average pool, ``classifier``; (N, C, H, W) to (N, classes) logits."""

    def __init__(self, spec: DenseNetSpec) -> None:
        super().__init__()
        self.features = make_features(spec)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(spec.widths[-1], spec.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.children():  # in the order of registration
            x = stage(x)
        return x


def current_name(name: str) -> str:
    """The current name of a tensor: ``norm.1`` in files from before 2019 is ``norm1`` today."""
    return _OLD_NAME.sub(r"\1", name)


def build(spec: DenseNetSpec) -> DenseNet:
    """The network of a spec."""
    return DenseNet(spec)
