"""What the template of the ``googlenet`` family needs: the tables of modules, pools and auxiliary heads."""

from typing import Any

from explorer.analysis import Analysis
from explorer.exports.pytorch.writing import bracketed, names, shape
from explorer.specs import GoogLeNetSpec
from explorer.specs.googlenet import AUX_SIDE, AUX_STRIDE, AUX_WINDOW

# The columns of the paper's table, by the names of the module's arguments. Naive modules have no reductions.
LEGEND = {
    "ch1x1": "1x1",
    "ch3x3red": "3x3 reduce",
    "ch3x3": "3x3",
    "ch5x5red": "5x5 reduce",
    "ch5x5": "5x5",
    "pool_proj": "pool projection",
}
NAIVE = ("ch1x1", "ch3x3", "ch5x5")


def context(spec: GoogLeNetSpec, analysis: Analysis) -> dict[str, Any]:
    """Values of the template."""
    columns = tuple(LEGEND) if spec.reduce else NAIVE
    table = [f'"{row.name}": ({", ".join(str(getattr(row, key)) for key in columns)})' for row in spec.modules]
    kernels = {name: spec.pool_kernel(name) for name in spec.pool_after}
    kernel = str(min(kernels.values())) if len(set(kernels.values())) == 1 else None
    if kernel:
        pools = bracketed("POOL_AFTER = [", names(kernels), "]")
    else:
        pools = bracketed("POOL_AFTER = {", [f'"{name}": {side}' for name, side in kernels.items()], "}")
    last = {layer.name.split(".")[0]: layer.output_shape for layer in analysis.layers}
    heads = []
    for number, name in enumerate(spec.aux_after, 1):
        side = spec.aux_side(last[f"inception{name}"][-1])
        heads.append(f'"{name}": ("aux{number}", {side})')
    return {
        "imagenet": spec.stem == "imagenet",
        "columns": columns,
        "legend": ", ".join(LEGEND[column] for column in columns),
        "table": "\n".join(["MODULES = {", *(f"    {row}," for row in table), "}"]),
        "pools": pools if kernels else "",
        "pool_kernel": kernel,
        "heads": bracketed("AUX_AFTER = {", heads, "}") if heads else "",
        "aux_pool": f"nn.AdaptiveAvgPool2d({AUX_SIDE})"
        if spec.aux_pool == "adaptive"
        else f"nn.AvgPool2d({AUX_WINDOW}, stride={AUX_STRIDE})",
        "features": last["avgpool"][1],
        "map_of": {name: shape(sizes) for name, sizes in last.items()},
    }
