"""The network as an ONNX model in one file, with random or trained weights."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from explorer import __version__
from explorer.errors import InputError
from explorer.exports.onnx_options import NO_OPTIONS, OPSET, OnnxOptions
from explorer.families import Spec
from explorer.families.building import build, detach_auxiliary
from explorer.i18n import _
from explorer.weights.files import load

if TYPE_CHECKING:
    import onnx

SEED = 0
EXAMPLE_BATCH = 2  # a batch of one would become a constant of the graph
BATCH_NORM = "BatchNormalization"
EVALUATION = "Evaluation mode: no dropout, running statistics in batch norm, no auxiliary heads."


def onnx_model(spec: Spec, options: OnnxOptions = NO_OPTIONS) -> bytes:
    """Returns the network in evaluation mode as an ONNX model.

    The input is ``image`` (batch, C, H, W), the output ``logits`` (batch, classes). Only the batch size is variable.
    The weights are random, which the metadata says, next to the spec. The export allocates about four times the
    weights.

    Args:
        spec: Spec of the network.
        options: Options of the export.

    Raises:
        SpecError: If torchvision can't build the model.
        InputError: If the version of the operators is out of its limits, or has no form for a layer.
        onnx.checker.ValidationError: If the model breaks a rule of ONNX.
    """
    network = random_network(spec)
    note = f"The weights are random (torch.manual_seed({SEED})), not trained."
    return _onnx_bytes(network, spec, note, {"weights": f"random, seed {SEED}"}, options)


def random_network(spec: Spec) -> nn.Module:
    """Returns the network with random weights, always the same ones (:data:`SEED`).

    Raises:
        SpecError: If torchvision can't build the model.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(SEED)
        return build(spec)


def trained_onnx_model(path: Path, options: OnnxOptions = NO_OPTIONS) -> bytes:
    """Returns trained weights as an ONNX model, with their card in the metadata.

    Args:
        path: Path of the weights.
        options: Options of the export.

    Raises:
        InputError: If the weights can't be read, or as in :func:`onnx_model`.
        onnx.checker.ValidationError: If the model breaks a rule of ONNX.
    """
    network, card = load(path)
    about = {"weights": card.name, "card": card.model_dump_json()}
    return _onnx_bytes(network, card.network_spec, f"The weights are trained: {card.name}.", about, options)


def _to_half(network: nn.Module) -> None:
    """Converts a network to float16, for images and scores in float32. The names of its tensors stay."""
    forward = network.half().forward

    def convert(image: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = forward(image.half())
        return scores.float()

    network.forward = convert


def _onnx_bytes(network: nn.Module, spec: Spec, note: str, about: dict[str, str], options: OnnxOptions) -> bytes:
    import onnx  # imported here because it takes a second, and only the export's process needs it

    options.check()
    detach_auxiliary(network.eval())
    if options.half:
        _to_half(network)
    write = _converted if options.opset >= OPSET else _traced
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model = write(network, example_images(spec), options)
    left = sum(node.op_type == BATCH_NORM for node in model.graph.node)
    had_some = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    state = f"{left} layers of their own" if left else "folded into the layers before" if had_some else "none"
    model.doc_string = f"{EVALUATION} Batch norm: {state}. {note}"
    notes = {
        **about,
        "batch_norm": state,
        "precision": "float16" if options.half else "float32",
        "spec": spec.to_json(),
        "made_by": f"CNN Architecture Explorer {__version__}",
    }
    onnx.helper.set_model_props(model, notes)
    content: bytes = model.SerializeToString()
    onnx.checker.check_model(content)
    return content


def example_images(spec: Spec) -> torch.Tensor:
    """Returns a batch of :data:`EXAMPLE_BATCH` images for a trace, which take the memory of a single number."""
    return torch.zeros(()).expand(EXAMPLE_BATCH, *spec.input_shape)


def _converted(network: nn.Module, images: torch.Tensor, options: OnnxOptions) -> "onnx.ModelProto":
    """Returns the model from ``torch.export``, which runs nothing and writes the operators from :data:`OPSET` on."""
    program = cast(
        torch.onnx.ONNXProgram,
        torch.onnx.export(
            network,
            (images,),
            dynamo=True,
            optimize=False,
            verbose=False,
            opset_version=options.opset,
            input_names=["image"],
            output_names=["logits"],
            dynamic_shapes=({0: "batch"},),
        ),
    )
    _optimize(program, weights=frozenset() if options.fold else frozenset(network.state_dict()))
    _remove_node_metadata(program.model)
    return program.model_proto


def _traced(network: nn.Module, images: torch.Tensor, options: OnnxOptions) -> "onnx.ModelProto":
    """Returns the model from a trace, for older operators, which ``torch.export`` can't write.

    Raises:
        InputError: If a layer has no form in these operators.
    """
    import onnx  # imported here as in _onnx_bytes

    training = torch.onnx.TrainingMode.EVAL if options.fold else torch.onnx.TrainingMode.PRESERVE
    content = io.BytesIO()
    torch._C._jit_set_onnx_log_output_stream("stderr")  # where C++ prints the whole graph after an error
    try:
        torch.onnx.export(
            network,
            (images,),
            cast(Any, content),  # the annotation knows paths alone
            dynamo=False,
            opset_version=options.opset,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
            training=training,  # evaluation folds batch norm
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise InputError(
            _("opset: a layer of this network can't be written in version {value}; choose {known} or newer").format(
                value=options.opset, known=OPSET
            )
        ) from error
    return onnx.load_from_string(content.getvalue())


def _optimize(program: torch.onnx.ONNXProgram, *, weights: frozenset[str]) -> None:
    """Runs PyTorch's optimizer.

    It would fold batch norm, leave out biases that are still zero, and store equal tensors once.

    Args:
        program: Model, which changes.
        weights: Names of the tensors of the network that it must leave alone. It does not see their numbers.
    """
    from onnxscript import optimizer  # imported here like onnx

    graph = program.model.graph
    optimizer.inline(program.model)
    hidden = {name: graph.initializers.pop(name) for name in list(graph.initializers) if name in weights}
    numbers = {name: value.const_value for name, value in hidden.items()}
    for value in hidden.values():
        value.const_value = None
    graph.inputs.extend(hidden.values())
    program.optimize()
    graph = program.model.graph
    for name, value in hidden.items():
        graph.inputs.remove(value)
        value.const_value = numbers[name]
        graph.initializers[name] = value


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
