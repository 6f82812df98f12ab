"""Groups of operators that exporters write for one layer."""

from collections import Counter
from collections.abc import Sequence

from explorer.graphs import Graph, Node


def with_group_norms(graph: Graph) -> list[Node]:
    """Returns the operators of a graph with each written-out group norm as one operator.

    Before version 21 of its operators, ONNX has no group norm as PyTorch defines it. Exporters write a map as one row
    for each group, normalise the rows, and write them as a map again; scale and bias of the channels come after that.
    """
    shapes = {graph.image: graph.shape} | {
        name: shape for node in graph.nodes for name, shape in zip(node.outputs, node.shapes, strict=False) if shape
    }
    uses = Counter(name for node in graph.nodes for name in node.inputs) + Counter(graph.outputs)
    makers = {name: node for node in graph.nodes for name in node.outputs}
    replaced: dict[str, Node] = {}
    inner: set[str] = set()
    for node in graph.nodes:
        rows = makers.get(node.inputs[0]) if node.operator == "Reshape" and node.inputs else None
        before = makers.get(rows.inputs[0]) if rows is not None and rows.operator == "InstanceNormalization" else None
        if rows is None or before is None or before.operator != "Reshape":
            continue
        shape = shapes.get(before.inputs[0])
        groups = _groups(shape, before.shapes[0])
        if groups and node.shapes[0] == shape and uses[rows.outputs[0]] == uses[before.outputs[0]] == 1:
            update = {
                "operator": "GroupNormalization",
                "name": rows.name,
                "inputs": before.inputs[:1],
                "attributes": {"num_groups": groups},
            }
            replaced[node.outputs[0]] = node.model_copy(update=update)
            inner |= {rows.outputs[0], before.outputs[0]}
    return [replaced.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in inner]


def _groups(shape: Sequence[int] | None, rows: Sequence[int] | None) -> int:
    """Returns the number of groups of channels of which a map has been written as one row each; 0 if it has not."""
    if shape is None or rows is None or len(shape) != 4 or len(rows) != 3:
        return 0
    return rows[1] if shape[0] == rows[0] and shape[1] % rows[1] == 0 else 0
