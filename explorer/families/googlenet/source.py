"""Values for the source template of the ``googlenet`` family: tables of modules, pools and auxiliary heads."""

from collections.abc import Mapping
from typing import Any

from explorer.families.googlenet.spec import AUX_SIDE, AUX_STRIDE, AUX_WINDOW, GoogLeNetSpec
from explorer.families.recognition.layers import Shape
from explorer.families.writing import bracketed, names, shape
from explorer.specs.size import Size

# Columns of the paper's table by the names of the module's arguments. Naive modules have no reductions.
LEGEND = {
    "ch1x1": "1x1",
    "ch3x3red": "3x3 reduce",
    "ch3x3": "3x3",
    "ch5x5red": "5x5 reduce",
    "ch5x5": "5x5",
    "pool_proj": "pool projection",
}
NAIVE = ("ch1x1", "ch3x3", "ch5x5")


def context(spec: GoogLeNetSpec, maps: Mapping[str, Shape]) -> dict[str, Any]:
    """Values of the template.

    Args:
        spec: Spec of the network.
        maps: Shape of the last output of each top-level module.
    """
    columns = tuple(LEGEND) if spec.reduce else NAIVE
    table = [f'"{row.name}": ({", ".join(str(getattr(row, key)) for key in columns)})' for row in spec.modules]
    kernels = {name: spec.pool_kernel(name) for name in spec.pool_after}
    kernel = str(min(kernels.values())) if len(set(kernels.values())) == 1 else None
    if kernel:
        pools = bracketed("POOL_AFTER = [", names(kernels), "]")
    else:
        pools = bracketed("POOL_AFTER = {", [f'"{name}": {side}' for name, side in kernels.items()], "}")
    sizes = [spec.aux_size(Size(*maps[f"inception{name}"][-2:])) for name in spec.aux_after]
    square = all(size.height == size.width for size in sizes)
    heads = [
        f'"{name}": ("aux{number}", {size.height if square else size.area})'
        for number, (name, size) in enumerate(zip(spec.aux_after, sizes, strict=True), 1)
    ]
    return {
        "imagenet": spec.stem == "imagenet",
        "columns": columns,
        "legend": ", ".join(LEGEND[column] for column in columns),
        "table": "\n".join(["MODULES = {", *(f"    {row}," for row in table), "}"]),
        "pools": pools if kernels else "",
        "pool_kernel": kernel,
        "heads": bracketed("AUX_AFTER = {", heads, "}") if heads else "",
        "aux_extent": ("side", "side * side") if square else ("cells", "cells"),
        "aux_pool": f"nn.AdaptiveAvgPool2d({AUX_SIDE})"
        if spec.aux_pool == "adaptive"
        else f"nn.AvgPool2d({AUX_WINDOW}, stride={AUX_STRIDE})",
        "features": maps["avgpool"][1],
        "map_of": {name: shape(sizes_of_map) for name, sizes_of_map in maps.items()},
    }
