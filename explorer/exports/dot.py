"""The graph of layers in Graphviz's DOT language: a cluster a stage, one colour a kind of layer."""

from itertools import groupby

from explorer.analysis import Layer, analyse
from explorer.drawing.kinds import LIGHT, group_of
from explorer.drawing.numbers import shape
from explorer.specs import Spec

IMAGE = "image"
TINT = "33"  # a fifth of the colour's opacity, so that black text stays readable on every kind


def dot(spec: Spec) -> str:
    """The network as a directed graph from ``image`` to the logits; nodes are called as the layers.

    Raises:
        SpecError: where torchvision can't build or run the model.
    """
    analysis = analyse(spec)
    layers = analysis.layers
    image = _quoted(IMAGE, shape(analysis.input_shape))
    lines = [
        "digraph network {",
        '  graph [fontname="sans-serif", style="rounded", color="#8D99A3"];',
        '  node [fontname="sans-serif", fontsize=11, shape=box, style="rounded,filled"];',
        '  edge [fontname="sans-serif", fontsize=9, color="#5B6770"];',
        f'  {_quoted(IMAGE)} [label={image}, shape=plaintext, style=""];',
    ]
    for number, (stage, members) in enumerate(groupby(layers, key=lambda layer: layer.stage)):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(stage)};"]
        lines += [f"    {_node(layer)}" for layer in members]
        lines.append("  }")
    for layer in layers:
        sources = [(layers[position].name, layers[position].output_shape) for position in layer.inputs]
        if not sources and layer.input_shape:  # it reads the image itself
            sources = [(IMAGE, analysis.input_shape)]
        for name, sizes in sources:
            lines.append(f"  {_quoted(name)} -> {_quoted(layer.name)} [label={_quoted(shape(sizes))}];")
    return "\n".join([*lines, "}", ""])


def _node(layer: Layer) -> str:
    colour = LIGHT[group_of(layer.kind)]
    kind = f"{layer.kind} {layer.window}" if layer.window else layer.kind
    label = _quoted(layer.name, kind, shape(layer.output_shape))
    return f'{_quoted(layer.name)} [label={label}, color="{colour}", fillcolor="{colour}{TINT}"];'


def _quoted(*lines: str) -> str:
    """A string of the language; in labels a backslash would begin an escape."""
    return '"' + r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines) + '"'
