"""Networks of the ``vgg`` family; tensor names are torchvision's."""

from itertools import pairwise

from torch import Tensor, nn

from explorer.families.activations import make_activation
from explorer.families.vgg.spec import VggSpec
from explorer.specs.cfg import Conv, Norm, Pool, tokens

HEAD = ("avgpool", "flatten", "classifier")


class VGG(nn.Module):
    """``features`` from the cfg list, ``avgpool``, ``classifier``; (N, C, H, W) to (N, classes) logits."""

    def __init__(self, spec: VggSpec) -> None:
        super().__init__()
        if spec.cfg:
            self.features = make_features(spec)
        if spec.head == "linear":
            if spec.pool_to:
                self.avgpool = nn.AdaptiveAvgPool2d(spec.pool_to)
            self.flatten = nn.Flatten()
        self.classifier = make_head(spec)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.children():  # in the order of registration
            x = stage(x)
        return x


def make_features(spec: VggSpec) -> nn.Sequential:
    """The layers of the cfg list; the activation follows each convolution, after batch norm if the spec has it."""
    layers: list[nn.Module] = []
    channels = spec.in_channels
    for token in tokens(spec.cfg):
        match token:
            case Conv(out, kernel, stride, padding, dilation, groups):
                layers.append(nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups))
                if spec.batch_norm:
                    layers.append(nn.BatchNorm2d(out))
                layers.append(make_activation(spec))
                channels = out
            case Pool("M", kernel, stride, padding):
                layers.append(nn.MaxPool2d(kernel, stride, padding))
            case Pool(_, kernel, stride, padding):
                layers.append(nn.AvgPool2d(kernel, stride, padding))
            case Norm():
                # n = 5, alpha = 1e-4, beta = 0.75, k = 2: Krizhevsky et al. 2012, section 3.3.
                layers.append(nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0))
    return nn.Sequential(*layers)


def make_head(spec: VggSpec) -> nn.Sequential:
    """Hidden layers with the activation, dropout at the spec's position, and the last layer to the classes.

    A convolutional head slides over larger maps, and its class scores are averaged (Simonyan and Zisserman 2015,
    section 3.2).
    """
    convolutional = spec.head == "conv"
    cells = 1 if convolutional else spec.head_size.area
    layers: list[nn.Module] = []
    widths = (spec.out_channels * cells, *spec.classifier, spec.num_classes)
    for position, (before, after) in enumerate(pairwise(widths)):
        if spec.dropout and spec.dropout_position == "before" and position < 2:
            layers.append(nn.Dropout(spec.dropout))
        if convolutional:
            layers.append(nn.Conv2d(before, after, 1 if position else spec.head_size))
        else:
            layers.append(nn.Linear(before, after))
        if position < len(spec.classifier):
            layers.append(make_activation(spec))
            if spec.dropout and spec.dropout_position == "after":
                layers.append(nn.Dropout(spec.dropout))
    if convolutional:
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)


def build(spec: VggSpec) -> VGG:
    """The network of a spec."""
    return VGG(spec)
