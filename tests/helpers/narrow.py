"""A spec of a known family, and parts of networks and data of a known type, for tests that look into them."""

from typing import TypeVar

from torch import Tensor, nn

from explorer.data.dataset import Split
from explorer.families import Spec
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.torchvision.spec import ZooSpec
from explorer.families.vgg.spec import VggSpec

Kind = TypeVar("Kind")


def of_kind(kind: type[Kind], value: object) -> Kind:
    """The value, which has to be of that type."""
    assert isinstance(value, kind), type(value)
    return value


def vgg(spec: Spec) -> VggSpec:
    return of_kind(VggSpec, spec)


def resnet(spec: Spec) -> ResNetSpec:
    return of_kind(ResNetSpec, spec)


def googlenet(spec: Spec) -> GoogLeNetSpec:
    return of_kind(GoogLeNetSpec, spec)


def zoo(spec: Spec) -> ZooSpec:
    return of_kind(ZooSpec, spec)


def pixels(split: Split) -> Tensor:
    """The images of a split that stays in memory."""
    return of_kind(Tensor, split.images)


def weight(layer: object) -> Tensor:
    """The weight of a layer, whatever class it has."""
    return of_kind(Tensor, of_kind(nn.Module, layer).weight)


def bias(layer: object) -> Tensor:
    return of_kind(Tensor, of_kind(nn.Module, layer).bias)
