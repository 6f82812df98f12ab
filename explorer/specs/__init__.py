"""What a network is, without torch: specs, presets, parsers, links."""

from explorer.specs.base import Preset, Spec
from explorer.specs.googlenet import GoogLeNetSpec
from explorer.specs.presets import FAMILIES, PRESETS, nearest, parse_json, parse_spec, resolve
from explorer.specs.resnet import ResNetSpec
from explorer.specs.vgg import VggSpec
from explorer.specs.zoo import ZooSpec

__all__ = [
    "FAMILIES",
    "PRESETS",
    "GoogLeNetSpec",
    "Preset",
    "ResNetSpec",
    "Spec",
    "VggSpec",
    "ZooSpec",
    "nearest",
    "parse_json",
    "parse_spec",
    "resolve",
]
