"""Values for the Keras template of the ``resnet`` family: the blocks of each stage."""

from collections.abc import Mapping
from typing import Any

from explorer.families.recognition.layers import Shape
from explorer.families.resnet import source
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.writing import bracketed


def context(spec: ResNetSpec, maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        maps: Shape of the last output of each top-level module.
    """
    stages = [f"({blocks}, {width})" for blocks, width in zip(spec.blocks, spec.widths, strict=True)]
    return {**source.context(spec, maps), "table": bracketed("STAGES = [", stages, "]")}
