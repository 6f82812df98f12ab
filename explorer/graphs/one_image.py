"""The shapes in a file that fixes its batch, written for one image."""

from typing import Any

from explorer.graphs.shapes import known_integers

RESHAPED, EXPANDED = "Reshape", "Expand"


def for_one_image(model: Any, image: str, batch: int) -> None:
    """Divides by the batch the first side of the shapes that a file states for a batch.

    These are the constant shapes of ``Reshape`` and ``Expand``, and the declared shapes of results and outputs. A first
    side that is no multiple of the batch stays. Without this, ``[8, -1]`` would not fit one image.

    Args:
        model: Model, which changes.
        image: Name of its input.
        batch: Batch size of the file, at least 2.
    """
    from onnx import numpy_helper

    known = known_integers(model)
    added: set[str] = set()
    of_image = {image}
    for node in model.graph.node:
        is_of_image = not of_image.isdisjoint(node.input)
        if is_of_image:
            of_image.update(node.output)
        if node.op_type not in (RESHAPED, EXPANDED) or len(node.input) < 2:
            continue
        shape = known.get(node.input[1])
        if shape is None or shape.ndim != 1 or not len(shape) or shape[0] < batch or shape[0] % batch:
            continue
        if not is_of_image and (node.op_type == RESHAPED or shape[0] != batch):  # a weight, or a class token
            continue
        name = f"{node.input[1]} (one image)"
        if name not in added:
            of_one = shape.copy()
            of_one[0] //= batch
            model.graph.initializer.append(numpy_helper.from_array(of_one, name))
            added.add(name)
        node.input[1] = name
    for value in (*model.graph.value_info, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name in of_image and dims and dims[0].dim_value >= batch and dims[0].dim_value % batch == 0:
            dims[0].dim_value //= batch
