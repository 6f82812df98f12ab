"""The options of a diagram, and the choice of its open parts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from explorer.analysis import Analysis
from explorer.drawing.tree import Node, path_to, tree, visible

WHOLE = 26  # most units of a network that is drawn in full
PARTS = 36  # most boxes of a network that is drawn with open stages


@dataclass(frozen=True, slots=True)
class Appearance:
    """The options of a diagram.

    ``colour`` is "kind" or a key of :data:`explorer.analysis.measures.DRAWN`; ``detail`` "auto" opens as much as fits a
    page, "all" everything, "stages" nothing; ``folded`` are the keys of nodes that are the other way round;
    ``chosen`` is the name of a layer, which is drawn even if its block is closed.
    """

    colour: str = "kind"
    detail: str = "auto"
    folded: frozenset[str] = frozenset()
    chosen: str = ""
    dark: bool = False


def opening(analysis: Analysis, stages: Iterable[Node], look: Appearance) -> Callable[[Node], bool]:
    """The function that says whether a node is open.

    Args:
        analysis: Analysis of the network.
        stages: Its stages.
        look: Options of the diagram.
    """
    stages = tuple(stages)
    everything = {"stage", "run", "block"}
    levels: set[str] = everything if look.detail == "all" else set()
    if look.detail == "auto":
        if len(visible(stages, lambda _node: True)) <= WHOLE:
            levels = everything
        elif len(visible(stages, lambda node: node.level == "stage")) <= PARTS:
            levels = {"stage"}
    names = [layer.name for layer in analysis.layers]
    needed = set(path_to(stages, names.index(look.chosen))) if look.chosen in names else set()
    return lambda node: node.key in needed or (node.level in levels) != (node.key in look.folded)


def toggled(analysis: Analysis, look: Appearance, key: str) -> Appearance:
    """The options after the user opened or closed a node; a chosen layer in a node that closes is no longer chosen.

    Args:
        analysis: Analysis of the network.
        look: Options before.
        key: Key of the node.
    """
    stages = tree(analysis)
    node = next((node for stage in stages for node in stage.walk() if node.key == key and node.children), None)
    if node is None:
        return look
    opened = not opening(analysis, stages, look)(node)
    inside = look.chosen in {analysis.layers[position].name for position in node.layers}
    plain = replace(look, folded=look.folded - {key}, chosen="")
    folded = plain.folded if opening(analysis, stages, plain)(node) == opened else plain.folded | {key}
    return replace(look, folded=folded, chosen="" if inside and not opened else look.chosen)
