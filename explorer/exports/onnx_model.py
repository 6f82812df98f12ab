"""The network as an ONNX model in one file, with random or trained weights."""

import warnings
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from explorer import __version__
from explorer.families import Spec
from explorer.families.building import build, detach_auxiliary
from explorer.weights.files import load

SEED = 0
EXAMPLE_BATCH = 2  # a batch of one would become a constant of the graph
BATCH_NORM = "BatchNormalization"
PROTECTED_DOMAIN = "explorer.kept"  # a domain that no rule of the optimizer knows
EVALUATION = "Evaluation mode: no dropout, running statistics in batch norm, no auxiliary heads."


def onnx_model(spec: Spec, *, fold: bool = False) -> bytes:
    """Returns the network in evaluation mode as an ONNX model.

    The input is ``image`` (batch, C, H, W), the output ``logits`` (batch, classes). Only the batch size is variable.
    The weights are random, which the metadata says, next to the spec. The export allocates about four times the
    weights.

    Args:
        spec: Spec of the network.
        fold: Whether to fold batch norm into the weights and biases of the layers before it. The model is then smaller
            and faster, but can't be trained further.

    Raises:
        SpecError: If torchvision can't build the model.
        onnx.checker.ValidationError: If the model breaks a rule of ONNX.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(SEED)
        network = build(spec)
    note = f"The weights are random (torch.manual_seed({SEED})), not trained."
    return _onnx_bytes(network, spec, note, {"weights": f"random, seed {SEED}"}, fold=fold)


def trained_onnx_model(path: Path, *, fold: bool = False) -> bytes:
    """Returns trained weights as an ONNX model, with their card in the metadata.

    Args:
        path: Path of the weights.
        fold: Whether to fold batch norm, as in :func:`onnx_model`.

    Raises:
        InputError: If the weights can't be read.
        onnx.checker.ValidationError: If the model breaks a rule of ONNX.
    """
    network, card = load(path)
    about = {"weights": card.name, "card": card.model_dump_json()}
    return _onnx_bytes(network, card.network_spec, f"The weights are trained: {card.name}.", about, fold=fold)


def _onnx_bytes(network: nn.Module, spec: Spec, note: str, about: dict[str, str], *, fold: bool) -> bytes:
    import onnx  # imported here because it takes a second, and only the export's process needs it

    detach_auxiliary(network.eval())
    # A single number expanded to a batch: torch.export reads only the shape, and real images may take gigabytes.
    image = torch.zeros(()).expand(EXAMPLE_BATCH, *spec.input_shape)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = cast(
            torch.onnx.ONNXProgram,
            torch.onnx.export(
                network,
                (image,),
                dynamo=True,
                optimize=False,
                verbose=False,
                input_names=["image"],
                output_names=["logits"],
                dynamic_shapes=({0: "batch"},),
            ),
        )
        state = _optimize(program, fold=fold)
    _remove_node_metadata(program.model)
    program.model.doc_string = f"{EVALUATION} Batch norm: {state}. {note}"
    program.model.metadata_props.update(
        about, batch_norm=state, spec=spec.to_json(), made_by=f"CNN Architecture Explorer {__version__}"
    )
    content: bytes = program.model_proto.SerializeToString()
    onnx.checker.check_model(content)
    return content


def _optimize(program: torch.onnx.ONNXProgram, *, fold: bool) -> str:
    """Runs PyTorch's optimizer, which would always fold batch norm, and returns a description of the batch norms."""
    from onnxscript import optimizer  # imported here like onnx

    optimizer.inline(program.model)
    norms = [node for node in program.model.graph.all_nodes() if node.op_type == BATCH_NORM]
    if not fold:
        for node in norms:
            node.domain = PROTECTED_DOMAIN
    program.optimize()
    left = [node for node in program.model.graph.all_nodes() if node.op_type == BATCH_NORM]
    for node in left:
        node.domain = ""
    if not norms:
        return "none"
    return f"{len(left)} layers of their own" if left else "folded into the layers before"


def _remove_node_metadata(model: Any) -> None:
    """Removes torch's metadata of nodes and values, which contain stack traces with paths of this machine."""
    graph = model.graph
    graph.metadata_props.clear()
    for value in (*graph.inputs, *graph.outputs, *graph.initializers.values()):
        value.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
