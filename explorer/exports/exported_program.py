"""The network as a ``.pt2`` file of ``torch.export``, with random or trained weights. Such files are never read."""

import io
from pathlib import Path

import torch
from torch import nn

from explorer.exports.onnx_model import example_images, random_network
from explorer.families import Spec
from explorer.families.building import detach_auxiliary
from explorer.weights.files import load

NODE_NOTES = (
    "stack_trace",
    "nn_module_stack",
    "source_fn_stack",
    "from_node",
)  # name files and classes of this machine


def exported_program(spec: Spec) -> bytes:
    """Returns the network in evaluation mode with random weights as a ``.pt2`` file.

    ``torch.export.load(FILE).module()`` takes images (batch, C, H, W) and returns logits (batch, classes), without this
    product. The spec is in the file's ``extra/spec.json``.

    Args:
        spec: Spec of the network.

    Raises:
        SpecError: If torchvision can't build the model.
    """
    return _saved(random_network(spec), spec, {})


def trained_exported_program(path: Path) -> bytes:
    """Returns trained weights as a ``.pt2`` file, with their card in ``extra/card.json``.

    Args:
        path: Path of the weights.

    Raises:
        InputError: If the weights can't be read.
    """
    network, card = load(path)
    return _saved(network, card.network_spec, {"card.json": card.model_dump_json()})


def _saved(network: nn.Module, spec: Spec, about: dict[str, str]) -> bytes:
    detach_auxiliary(network.eval())
    # Batches of one image too: torch.export takes a batch of one as a constant only if it is the example.
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    with torch.no_grad():
        program = torch.export.export(network, (example_images(spec),), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        for key in NODE_NOTES:
            node.meta.pop(key, None)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={"spec.json": spec.to_json(), **about})
    return content.getvalue()
