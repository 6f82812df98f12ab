"""The graph of layers in Graphviz's DOT language, with a cluster per stage and a colour per kind of layer."""

from itertools import groupby

from explorer.analysis import Layer
from explorer.drawing.kinds import Group, colours, group_of
from explorer.exports.figure import Network, analysed
from explorer.formatting import shape
from explorer.i18n import ngettext

COLOURS = colours(dark=False)
GREY = COLOURS[Group.OTHER]
IMAGE = "image"
TINT = "33"  # a fifth of the colour's opacity, so that black text stays readable on every kind


def dot(network: Network) -> str:
    """Returns the network as a directed graph from ``image`` to the logits; nodes have the names of layers.

    Each auxiliary head, which runs in training only, is a separate cluster with dashed edges.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    analysis = analysed(network)
    layers = analysis.all_layers
    image = _quoted(IMAGE, shape(analysis.input_shape))
    lines = [
        "digraph network {",
        f'  graph [fontname="sans-serif", style="rounded", color="{GREY}"];',
        '  node [fontname="sans-serif", fontsize=11, shape=box, style="rounded,filled"];',
        f'  edge [fontname="sans-serif", fontsize=9, color="{GREY}"];',
        f'  {_quoted(IMAGE)} [label={image}, shape=plaintext, style=""];',
    ]
    titles = {
        head.name: ngettext(
            "{name}, in training only: {count:,} parameter",
            "{name}, in training only: {count:,} parameters",
            head.params,
        ).format(name=head.name, count=head.params)
        for head in analysis.auxiliary
    }
    for number, (stage, members) in enumerate(groupby(layers, key=lambda layer: layer.stage)):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(titles.get(stage, stage))};"]
        lines += [f"    {_node(layer)}" for layer in members]
        lines.append("  }")
    for layer in layers:
        dashed = ', style="dashed"' if layer.stage in titles else ""
        sources = [(layers[position].name, layers[position].output_shape) for position in layer.inputs]
        if not sources and layer.input_shape:  # it reads the image itself
            sources = [(IMAGE, analysis.input_shape)]
        for name, sizes in sources:
            lines.append(f"  {_quoted(name)} -> {_quoted(layer.name)} [label={_quoted(shape(sizes))}{dashed}];")
    return "\n".join([*lines, "}", ""])


def _node(layer: Layer) -> str:
    colour = COLOURS[group_of(layer.kind)]
    label = _quoted(layer.name, layer.description, shape(layer.output_shape))
    return f'{_quoted(layer.name)} [label={label}, color="{colour}", fillcolor="{colour}{TINT}"];'


def _quoted(*lines: str) -> str:
    """Returns a quoted string of DOT; a backslash would start an escape in labels."""
    return '"' + r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines) + '"'
