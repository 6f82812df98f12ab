"""Narrows specs, tensors and modules to the type that a test expects."""

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
    """The value, after a check of its type."""
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
    """The images of a split in memory."""
    return of_kind(Tensor, split.images)


def weight(layer: object) -> Tensor:
    """The weight of a layer of any class."""
    return of_kind(Tensor, of_kind(nn.Module, layer).weight)


def bias(layer: object) -> Tensor:
    return of_kind(Tensor, of_kind(nn.Module, layer).bias)
