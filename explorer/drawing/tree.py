"""The layers of a network as a tree: stages, runs of equal blocks, blocks, and units of a layer with its followers.

A block is what stands between a fork and the addition or concatenation that joins it, by the names of the
modules. A unit is one layer together with the normalisation, activation and dropout that only it feeds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from explorer.analysis import Analysis, Layer
from explorer.drawing.kinds import Group, group_of

RUN = 3  # equal blocks in a row that are drawn as one
LONG_RUN = 5  # equal layers in a row: those of plain networks, not the three or four of a VGG


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the network; ``layers`` are positions in the table.

    Nodes without children are units. ``level`` is "stage", "run", "block" or "unit".
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
    units = _units(layers, consumers)

    # A block belongs to the stage that it ends in, although its first convolution may still see the larger map.
    outermost = {unit: _outermost(layers[unit.layers[0]].name, blocks) for unit in units}
    stages: list[tuple[str, list[Node]]] = []
    for block, members in groupby(units, key=outermost.__getitem__):
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


def _units(layers: Sequence[Layer], consumers: Counter[int]) -> list[Node]:
    units: list[list[int]] = []
    for position, layer in enumerate(layers):
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
    """The widest block that a layer stands in; empty for none."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(1, len(parts)))
    return next((prefix for prefix in prefixes if prefix in blocks), "")


def _nest(units: list[Node], blocks: set[str], inside: str, layers: Sequence[Layer]) -> list[Node]:
    deeper = {block for block in blocks if block.startswith(f"{inside}." if inside else "") and block != inside}
    nodes: list[Node] = []
    times: Counter[str] = Counter()  # other modules may run between the parts of a block
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
    """Equal blocks, or many equal layers, in a row become one node."""

    def looks(node: Node) -> object:
        return node.level, tuple(
            (layers[i].kind, layers[i].window, layers[i].output_shape, layers[i].params) for i in node.layers
        )

    out: list[Node] = []
    for _same, members in groupby(nodes, key=looks):
        found = list(members)
        if len(found) < (RUN if found[0].children else LONG_RUN):
            out += found
        else:
            out.append(Node(f"{found[0].key}–{_last_part(found)}", "run", _positions(found), tuple(found)))
    return tuple(out)


def _last_part(nodes: list[Node]) -> str:
    """What tells the last node of a run from the first: ``35`` of layer3.1 and layer3.35."""
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
    """The nodes that are drawn as boxes, in order: units, and what is not open."""
    out: list[Node] = []
    for node in stages:
        out += visible(node.children, is_open) if node.children and is_open(node) else [node]
    return out


def path_to(stages: Iterable[Node], layer: int) -> list[str]:
    """Keys of the nodes that must be open for a layer to be drawn, outermost first."""
    for node in stages:
        if layer in node.layers:
            return [node.key, *path_to(node.children, layer)] if node.children else []
    return []
