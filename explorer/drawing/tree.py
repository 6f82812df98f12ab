"""The layers of a network as a tree of stages, runs of equal blocks, blocks and units.

A block is the module with an addition or concatenation in it that joins a fork, found by the names of modules. A unit
is one layer, with the normalisation, activation and dropout after it that read only its output.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from explorer.analysis import Analysis, Head, Layer
from explorer.drawing.kinds import Group, group_of

MIN_BLOCK_RUN = 3  # least number of equal blocks in a row that are drawn as one node
MIN_LAYER_RUN = 5  # the same for equal layers: plain networks have such runs, and VGG has only three or four


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the network.

    Attributes:
        key: Name of the node, distinct in the tree.
        level: "stage", "run", "block" or "unit".
        layers: Indices of its layers in the table of layers.
        children: Parts of the node; units have none.
    """

    key: str
    level: str
    layers: tuple[int, ...]
    children: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree(analysis: Analysis) -> tuple[Node, ...]:
    """The stages of a network, in order."""
    layers = analysis.layers
    consumers = Counter(source for layer in layers for source in layer.inputs)
    blocks = {layer.name.rpartition(".")[0] for layer in layers if len(layer.inputs) > 1} - {""}
    trunk = _units(layers, consumers)

    # A block belongs to the stage in which it ends, although its first convolution may still read the larger map.
    outermost = {unit: _outermost(layers[unit.layers[0]].name, blocks) for unit in trunk}
    stages: list[tuple[str, list[Node]]] = []
    for block, members in groupby(trunk, key=outermost.__getitem__):
        found = list(members)
        for part in [found] if block else [[unit] for unit in found]:
            stage = layers[part[-1].layers[0]].stage
            if stages and stages[-1][0] == stage:
                stages[-1][1].extend(part)
            else:
                stages.append((stage, part))
    keys = _unique(stage for stage, _members in stages)
    return tuple(
        Node(key, "stage", _positions(members), _runs(_nest(members, blocks, "", layers), layers))
        for key, (_stage, members) in zip(keys, stages, strict=True)
    )


def head_units(analysis: Analysis, head: Head) -> list[Node]:
    """The units of an auxiliary head, in order; their layers are indices in ``analysis.all_layers``.

    Args:
        analysis: Analysis of the network.
        head: One of its auxiliary heads.
    """
    layers = analysis.all_layers
    consumers = Counter(source for layer in layers for source in layer.inputs)
    own = {layer.name for layer in head.layers}
    positions = [position for position, layer in enumerate(layers) if layer.name in own]
    return _units(layers, consumers, positions)


def _units(layers: Sequence[Layer], consumers: Counter[int], positions: Iterable[int] | None = None) -> list[Node]:
    units: list[list[int]] = []
    for position in range(len(layers)) if positions is None else positions:
        layer = layers[position]
        before = units[-1][-1] if units else None
        if before is not None and layer.inputs == (before,) and consumers[before] == 1 and _follows(layers, position):
            units[-1].append(position)
        else:
            units.append([position])
    return [Node(layers[unit[0]].name, "unit", tuple(unit)) for unit in units]


def _follows(layers: Sequence[Layer], position: int) -> bool:
    layer = layers[position]
    if layer.kind == "Flatten":
        return True
    if layer.output_shape != layers[layer.inputs[0]].output_shape:
        return False
    return group_of(layer.kind) in (Group.NORMALISATION, Group.ACTIVATION) or "Dropout" in layer.kind


def _outermost(name: str, blocks: set[str]) -> str:
    """The name of the outermost block around a layer; empty if there is none."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(1, len(parts)))
    return next((prefix for prefix in prefixes if prefix in blocks), "")


def _nest(units: list[Node], blocks: set[str], inside: str, layers: Sequence[Layer]) -> list[Node]:
    deeper = {block for block in blocks if block.startswith(f"{inside}." if inside else "") and block != inside}
    nodes: list[Node] = []
    times: Counter[str] = Counter()  # parts of each block; other modules may run between them
    for block, members in groupby(units, key=lambda unit: _outermost(layers[unit.layers[0]].name, deeper)):
        found = list(members)
        if block and len(found) > 1:
            times[block] += 1
            key = block if times[block] == 1 else f"{block}#{times[block]}"
            children = _runs(_nest(found, deeper, block, layers), layers)
            nodes.append(Node(key, "block", _positions(found), children))
        else:
            nodes += found
    return nodes


def _runs(nodes: list[Node], layers: Sequence[Layer]) -> tuple[Node, ...]:
    """The nodes, with equal blocks, or many equal layers, in a row combined into one node."""

    def signature(node: Node) -> object:
        return node.level, tuple(
            (layers[i].kind, layers[i].window, layers[i].output_shape, layers[i].params) for i in node.layers
        )

    out: list[Node] = []
    for _same, members in groupby(nodes, key=signature):
        found = list(members)
        if len(found) < (MIN_BLOCK_RUN if found[0].children else MIN_LAYER_RUN):
            out += found
        else:
            out.append(Node(f"{found[0].key}–{_last_part(found)}", "run", _positions(found), tuple(found)))
    return tuple(out)


def _last_part(nodes: list[Node]) -> str:
    """The last part of the name of a run's last node: ``35`` for layer3.1 to layer3.35."""
    return nodes[-1].key.rpartition(".")[2]


def _positions(nodes: Iterable[Node]) -> tuple[int, ...]:
    return tuple(position for node in nodes for position in node.layers)


def _unique(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return out


def visible(stages: Iterable[Node], is_open: Callable[[Node], bool]) -> list[Node]:
    """The nodes that are drawn as boxes, in order: units, and nodes that are not open."""
    out: list[Node] = []
    for node in stages:
        out += visible(node.children, is_open) if node.children and is_open(node) else [node]
    return out


def path_to(stages: Iterable[Node], layer: int) -> list[str]:
    """Keys of the nodes that must be open to draw a layer, outermost first.

    Args:
        stages: Stages of the network.
        layer: Index of the layer.
    """
    for node in stages:
        if layer in node.layers:
            return [node.key, *path_to(node.children, layer)] if node.children else []
    return []
