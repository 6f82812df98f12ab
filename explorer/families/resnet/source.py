"""Values for the source template of the ``resnet`` family: the kind of shortcuts, and the blocks of each stage."""

from collections.abc import Mapping
from typing import Any

from explorer.families.recognition.layers import Shape
from explorer.families.resnet.spec import EXPANSION, ResNetSpec
from explorer.families.writing import shape


def context(spec: ResNetSpec, maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        maps: Shape of the last output of each top-level module.
    """
    expansion = EXPANSION[spec.block]
    befores = [spec.widths[0], *(width * expansion for width in spec.widths[:-1])]
    same = {
        position > 0 or (stage == 0 and before == width * expansion)
        for stage, (before, width, count) in enumerate(zip(befores, spec.widths, spec.blocks, strict=True))
        for position in range(count)
    }
    if not spec.residual:
        shortcut = "none"
    elif spec.shortcut == "C" or (spec.shortcut == "B" and same == {False}):
        shortcut = "projection"
    elif same == {True}:
        shortcut = "identity"
    else:
        shortcut = "padding" if spec.shortcut == "A" else "projection where shapes differ"
    last = {name: shape(sizes) for name, sizes in maps.items()}
    stages = [
        (f"layer{number}", before, width, count, last[f"layer{number}"])
        for number, (before, width, count) in enumerate(zip(befores, spec.widths, spec.blocks, strict=True), 1)
    ]
    return {
        "stages": stages,
        "strides": len(stages) > 1,
        "shortcut": shortcut,
        "bottleneck": spec.block == "bottleneck",
        "bias": ", bias=False" if spec.batch_norm else "",
        "channels": spec.widths[0],
        "features": spec.widths[-1] * expansion,
        "map_of": last,
    }
