"""The options of a diagram, and the choice of its open parts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from explorer.analysis import Analysis
from explorer.drawing.tree import Node, path_to, tree, visible

MAX_UNITS = 26  # most units of a network that is drawn in full
MAX_BOXES = 36  # most boxes of a network that is drawn with open stages


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


def open_predicate(analysis: Analysis, stages: Iterable[Node], appearance: Appearance) -> Callable[[Node], bool]:
    """The function that says whether a node is open.

    Args:
        analysis: Analysis of the network.
        stages: Stages of the network.
        appearance: Options of the diagram.
    """
    stages = tuple(stages)
    everything = {"stage", "run", "block"}
    levels: set[str] = everything if appearance.detail == "all" else set()
    if appearance.detail == "auto":
        if len(visible(stages, lambda _node: True)) <= MAX_UNITS:
            levels = everything
        elif len(visible(stages, lambda node: node.level == "stage")) <= MAX_BOXES:
            levels = {"stage"}
    names = [layer.name for layer in analysis.layers]
    needed = set(path_to(stages, names.index(appearance.chosen))) if appearance.chosen in names else set()
    return lambda node: node.key in needed or (node.level in levels) != (node.key in appearance.folded)


def toggle(analysis: Analysis, appearance: Appearance, key: str) -> Appearance:
    """The options after the user opened or closed a node; a chosen layer in a node that closes is no longer chosen.

    Args:
        analysis: Analysis of the network.
        appearance: Options before.
        key: Key of the node.
    """
    stages = tree(analysis)
    node = next((node for stage in stages for node in stage.walk() if node.key == key and node.children), None)
    if node is None:
        return appearance
    opened = not open_predicate(analysis, stages, appearance)(node)
    inside = appearance.chosen in {analysis.layers[position].name for position in node.layers}
    plain = replace(appearance, folded=appearance.folded - {key}, chosen="")
    folded = plain.folded if open_predicate(analysis, stages, plain)(node) == opened else plain.folded | {key}
    return replace(appearance, folded=folded, chosen="" if inside and not opened else appearance.chosen)
