"""Values for the source template of the ``densenet`` family: widths, and shapes of maps for its comments."""

from collections.abc import Mapping
from typing import Any

from explorer.families.densenet.spec import DenseNetSpec
from explorer.families.recognition.layers import Shape
from explorer.families.writing import shape


def context(spec: DenseNetSpec, maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        maps: Shape of the last output of each top-level module.
    """
    return {
        "imagenet": spec.stem == "imagenet",
        "narrow": None if spec.bottleneck is None else spec.bottleneck * spec.growth_rate,
        "last_norm": len(spec.blocks) + 1,
        "several": len(spec.blocks) > 1,
        "features": spec.widths[-1],
        "last_map": shape(maps["features"]),
    }
