"""The network as an ONNX model in one file, with random or with trained weights."""

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
EXAMPLE_BATCH = 2  # a batch of one would be written into the graph as a constant
BATCH_NORM = "BatchNormalization"
KEPT = "explorer.kept"  # a domain that no rule of the optimizer knows
EVALUATION = "Evaluation mode: no dropout, running statistics in batch norm, no auxiliary heads."


def onnx_model(spec: Spec, *, fold: bool = False) -> bytes:
    """The network in evaluation mode; input ``image`` (batch, C, H, W), output ``logits`` (batch, classes).

    The batch is free, everything else fixed. The weights are random, and the model's metadata says so beside the
    spec. Allocates about four times the weights.

    Args:
        spec: the network.
        fold: whether batch norm goes into the weights and biases of the layers before it, so that the model is
            smaller and faster and can't be trained further; else it stays a layer of its own.

    Raises:
        SpecError: where torchvision can't build the model.
        onnx.checker.ValidationError: where the model breaks a rule of ONNX.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(SEED)
        network = build(spec)
    note = f"The weights are random (torch.manual_seed({SEED})), not trained."
    return _content(network, spec, note, {"weights": f"random, seed {SEED}"}, fold=fold)


def trained_model(path: Path, *, fold: bool = False) -> bytes:
    """The same of weights, which go into the model with their card in its metadata.

    Args:
        path: of the weights.
        fold: as of :func:`onnx_model`.

    Raises:
        InputError: where the weights can't be read.
        onnx.checker.ValidationError: where the model breaks a rule of ONNX.
    """
    network, card = load(path)
    about = {"weights": card.name, "card": card.model_dump_json()}
    return _content(network, card.network_spec, f"The weights are trained: {card.name}.", about, fold=fold)


def _content(network: nn.Module, spec: Spec, note: str, about: dict[str, str], *, fold: bool) -> bytes:
    import onnx  # with its operators a second of import, needed in the export's own process only

    detach_auxiliary(network.eval())
    # One number seen as a whole batch: torch.export reads its shape alone, and real images may take gigabytes.
    image = torch.zeros(()).expand(EXAMPLE_BATCH, spec.in_channels, spec.image_size, spec.image_size)
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
    _forget_this_machine(program.model)
    program.model.doc_string = f"{EVALUATION} Batch norm: {state}. {note}"
    program.model.metadata_props.update(
        about, batch_norm=state, spec=spec.to_json(), made_by=f"CNN Architecture Explorer {__version__}"
    )
    content: bytes = program.model_proto.SerializeToString()
    onnx.checker.check_model(content)
    return content


def _optimize(program: torch.onnx.ONNXProgram, *, fold: bool) -> str:
    """Let PyTorch's optimizer run, which would always fold batch norm, and say what became of that."""
    from onnxscript import optimizer  # as onnx above

    optimizer.inline(program.model)
    norms = [node for node in program.model.graph.all_nodes() if node.op_type == BATCH_NORM]
    if not fold:
        for node in norms:
            node.domain = KEPT
    program.optimize()
    left = [node for node in program.model.graph.all_nodes() if node.op_type == BATCH_NORM]
    for node in left:
        node.domain = ""
    if not norms:
        return "none"
    return f"{len(left)} layers of their own" if left else "folded into the layers before"


def _forget_this_machine(model: Any) -> None:
    """Drop torch's notes on every node, which hold stack traces with this machine's paths."""
    graph = model.graph
    graph.metadata_props.clear()
    for value in (*graph.inputs, *graph.outputs, *graph.initializers.values()):
        value.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
