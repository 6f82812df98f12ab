"""Reads the graph of an ONNX file with onnx's own parser, checker and shape inference. Nothing is executed.

usage: python -m explorer.workers.sandbox explorer.graphs.reader        see explorer.workers.protocol

Before the checks, weights are replaced by inputs of the same shape. So they take no memory twice, and weights in other
files are not opened. The result has the fields of :class:`explorer.graphs.graph.Graph`.
"""

import math
import os
import re
import sys
from ast import literal_eval
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import explorer
from explorer.errors import ContentError, InputError, shown
from explorer.graphs.graph import MAX_ELEMENTS, MAX_FLOATS, MAX_NODES, MAX_VALUES
from explorer.graphs.input_image import input_image
from explorer.graphs.one_image import for_one_image
from explorer.graphs.shapes import OWN_DOMAINS, infer, static_shape
from explorer.i18n import _
from explorer.workers import sandbox
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

SCOPES = "pkg.torch.onnx.name_scopes"  # metadata of PyTorch's exporter: names of the modules around an operator
UNKNOWN_DOMAIN = "unknown"  # of operators that claim to be ONNX's own
MAX_CAPTURED = 500  # values
MAX_DEPTH = 100  # of functions that call functions
WEIGHTED = frozenset(
    "Conv ConvTranspose Gemm MatMul BatchNormalization LayerNormalization GroupNormalization InstanceNormalization "
    "PRelu".split(" ")
)


def work(request: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Answers a request.

    Args:
        request: ``path`` of the file, ``image_size`` as (height, width) or None, ``memory`` in bytes, ``seconds``.

    Raises:
        InputError: If something is wrong with the file. The message does not contain the name of the file.
    """
    import onnx
    from onnx import checker, inliner, shape_inference  # noqa: F401  imported before the process is confined

    path = Path(request["path"])
    sandbox.limit(memory=request["memory"], written=2**26, seconds=request["seconds"])
    code = (explorer.__file__, onnx.__file__)
    sandbox.confine(
        readable=(path, Path(sys.prefix), Path(sys.base_prefix), *(Path(file).parent for file in code)),
        writable=Path(os.environ["TMPDIR"]),
    )
    try:
        return _Reader(path.read_bytes(), request["image_size"]).document()
    except InputError:
        raise
    except OSError as error:
        raise InputError(_("it can't be read: {reason}").format(reason=error.strerror)) from None
    except MemoryError:
        raise ContentError(_("it asks for more memory than a network of its size needs")) from None
    except Exception as error:  # noqa: BLE001  onnx and protobuf raise errors of many kinds
        raise ContentError(_fault(error)) from None


def _fault(error: Exception) -> str:
    """Translates a message of onnx, which is recognised by its words."""
    text = str(error)
    if "DecodeError" in type(error).__name__ or "parsing" in text:
        return _("it is no ONNX file, or it is cut off")
    if "opset" in text.lower() or "No Op registered" in text or "version" in text:
        return _("it uses a version of ONNX's operators that is not known here")
    patterns = (r"[Nn]ame: ?([\w./:-]+)", r"OpType: ?(\w+)", r"'([\w./:-]+)'")
    named = next((found for pattern in patterns if (found := re.search(pattern, text))), None)
    if named:
        return _("it breaks a rule of ONNX at {place}").format(place=shown(named[1]))
    return _("it breaks a rule of ONNX")


class _Reader:
    """Converts one model to the fields of :class:`explorer.graphs.graph.Graph`."""

    def __init__(self, content: bytes, image_size: tuple[int, int] | None) -> None:
        import onnx

        self.onnx = onnx
        self.model = onnx.ModelProto()
        self.model.ParseFromString(content)
        self.image_size = image_size
        self.constants: dict[str, dict[str, Any]] = {}
        self.channels_last = ""  # the input, if the file begins by moving its channels to the front

    def document(self) -> dict[str, Any]:
        """Returns the fields of the graph."""
        onnx, model = self.onnx, self.model
        if not model.graph.node:
            raise ContentError(_("it is no ONNX file, or it has no operators"))
        self._check_count(self._inlined_count())
        opset = next((entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS), 0)
        if opset > (newest := onnx.defs.onnx_opset_version()):
            raise ContentError(
                _("it uses version {version} of ONNX's operators, and the newest known here is {newest}").format(
                    version=opset, newest=newest
                )
            )
        self._weights_become_inputs()
        self._check_order()
        self._admit_unknown_operators()
        image = input_image(model, {name: entry["shape"] for name, entry in self.constants.items()}, self.image_size)
        self.channels_last = image.name if image.is_channels_last else ""
        if not all(value.type.tensor_type.HasField("shape") for value in model.graph.output):
            self.model = model = onnx.shape_inference.infer_shapes(model)  # the checker asks for them
        self._check(model)
        if model.functions:
            self.model = model = onnx.inliner.inline_local_functions(model)
        inferred = infer(model)
        if image.batch is not None and image.batch > 1:  # some of its shapes are constants only now
            for_one_image(model, image.name, image.batch)
            inferred = infer(model)
        for tensor in model.graph.initializer:  # some are computed from shapes
            if tensor.name not in self.constants:
                self._add_constant(tensor.name, tensor)
        types = {
            value.name: value.type.tensor_type for value in (*inferred.input, *inferred.value_info, *inferred.output)
        }
        nodes = list(self._nodes(inferred.node, types))
        return {
            "name": inferred.name[:200],
            "image": image.name,
            "shape": image.shape,
            "nodes": nodes,
            "constants": self.constants,
            "outputs": [value.name for value in inferred.output],
            "opset": opset,
            "batch": image.batch,
            "are_channels_assumed": image.are_channels_assumed,
        }

    def _admit_unknown_operators(self) -> None:
        """Moves operators that are unknown to ONNX to a domain that the checker does not check."""
        model = self.model
        for node in model.graph.node:
            if node.domain in OWN_DOMAINS and not self.onnx.defs.has(node.op_type):
                node.domain = UNKNOWN_DOMAIN
        imported = {entry.domain for entry in model.opset_import}
        for domain in dict.fromkeys(node.domain for node in model.graph.node):
            if domain not in imported and domain not in OWN_DOMAINS:
                model.opset_import.add(domain=domain, version=1)

    def _check(self, model: Any) -> None:
        """Checks a model; the shapes of its results may be unknown after an operator that is not known here."""
        types = [value.type.tensor_type for value in model.graph.output if value.type.WhichOneof("value")]
        without = [one for one in types if one.elem_type and not one.HasField("shape")]
        for one in without:
            one.shape.SetInParent()  # for the checker, which asks for one
        self.onnx.checker.check_model(model)
        for one in without:
            one.ClearField("shape")

    def _inlined_count(self) -> int:
        """Returns the number of operators after all calls of the file's functions are replaced by their bodies."""
        functions = {(one.domain, one.name): one for one in self.model.functions}
        counts: dict[tuple[str, str], int] = {}

        def count(nodes: Iterable[Any], callers: tuple[tuple[str, str], ...]) -> int:
            total = 0
            for node in nodes:
                key = (node.domain, node.op_type)
                if key in functions and key not in counts:
                    if key in callers or len(callers) > MAX_DEPTH:
                        raise ContentError(_("its functions call each other in a circle, or too deep"))
                    counts[key] = count(functions[key].node, (*callers, key))
                total += counts.get(key, 1)
            return total

        return count(self.model.graph.node, ())

    def _check_count(self, count: int) -> None:
        if count > MAX_NODES:
            raise ContentError(
                _("it has {count:,} operators, and at most {limit:,} are read").format(count=count, limit=MAX_NODES)
            )

    def _check_order(self) -> None:
        """Checks that each operator uses earlier results only. Shape inference does not report this."""
        graph = self.model.graph
        known = {"", *self.constants, *(value.name for value in graph.input)}
        for node in graph.node:
            later = next((name for name in node.input if name not in known), None)
            if later is not None:
                raise ContentError(
                    _(
                        "its operators are not in the order of execution, or they form a circle: {node} uses {result}, "
                        "which is no earlier result"
                    ).format(node=shown(node.name or node.op_type), result=shown(later))
                )
            known.update(node.output)

    def _weights_become_inputs(self) -> None:
        graph, tensor_type = self.model.graph, self.onnx.TensorProto
        inputs = {value.name for value in graph.input}
        small = []
        for tensor in graph.initializer:
            self._add_constant(tensor.name, tensor)
            is_external = tensor.data_location == tensor_type.EXTERNAL
            if not is_external and math.prod(tensor.dims) <= MAX_VALUES:
                small.append(tensor)
            elif tensor.name not in inputs:
                graph.input.append(
                    self.onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                )
        parts = [tensor.SerializeToString() for tensor in small]
        del graph.initializer[:]
        for content in parts:
            graph.initializer.add().ParseFromString(content)
        if graph.sparse_initializer:
            raise ContentError(_("it has sparse weights, which are not read"))

    def _add_constant(self, name: str, tensor: Any) -> None:
        elements = math.prod(tensor.dims)
        if elements > MAX_ELEMENTS:
            raise ContentError(_("its tensor {name} is larger than any network needs").format(name=shown(name)))
        kinds = self.onnx.TensorProto
        floats = (kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16, kinds.DOUBLE)
        is_float, values = tensor.data_type in floats, None
        is_short = elements <= (MAX_FLOATS if is_float else MAX_VALUES)
        if is_short and tensor.data_location != kinds.EXTERNAL and tensor.data_type != kinds.STRING:
            found = self.onnx.numpy_helper.to_array(tensor).ravel().tolist()
            values = [float(one) if is_float else int(one) for one in found if math.isfinite(one)]
            values = values if len(values) == elements else None
        self.constants[name] = {
            "shape": list(tensor.dims),
            "is_float": is_float,
            "values": values,
        }

    def _nodes(self, nodes: Iterable[Any], types: dict[str, Any]) -> Iterator[dict[str, Any]]:
        kinds = self.onnx.TensorProto
        for node in nodes:
            own = node.domain in OWN_DOMAINS
            if own and node.op_type == "Constant":
                self._add_constant_node(node)
                continue
            first = types.get(node.output[0])
            is_moved = self.channels_last != "" and self.channels_last in node.input  # the image is read as if it were
            yield {
                "operator": "Identity" if is_moved else operator_name(node),
                "name": self._layer_name(node),
                "inputs": [*node.input, *self._captured(node)],
                "outputs": list(node.output),
                "attributes": dict(self._attributes(node)),
                "shapes": [static_shape(types.get(name)) for name in node.output],
                "is_float": first is None
                or first.elem_type in (kinds.UNDEFINED, kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16, kinds.DOUBLE),
            }

    def _captured(self, node: Any) -> list[str]:
        """Returns what the graphs inside an operator (If, Loop, Scan) use of the graph around them, and their weights.

        A long list is cut.
        """
        names: dict[str, None] = {}
        for graph in _inner_graphs(node):
            own = {name for one in graph.node for name in one.output} | {value.name for value in graph.input}
            for tensor in graph.initializer:
                own.add(tensor.name)
                name = f"{len(self.constants)}/{tensor.name}"  # inner graphs may have the same names
                self._add_constant(name, tensor)
                names[name] = None
            names |= dict.fromkeys(name for one in graph.node for name in one.input if name and name not in own)
        inside = {name for graph in _inner_graphs(node) for one in graph.node for name in one.output}
        return [name for name in names if name not in inside and name not in node.input][:MAX_CAPTURED]

    def _add_constant_node(self, node: Any) -> None:
        helper = self.onnx.helper
        attribute = node.attribute[0]
        value = helper.get_attribute_value(attribute)
        if attribute.name == "value":
            self._add_constant(node.output[0], value)
        elif attribute.name in ("value_int", "value_ints", "value_float", "value_floats"):
            values = list(value) if attribute.name.endswith("s") else [value]
            self.constants[node.output[0]] = {
                "shape": [len(values)] if attribute.name.endswith("s") else [],
                "is_float": "float" in attribute.name,
                "values": values[:MAX_VALUES],
            }

    def _attributes(self, node: Any) -> Iterator[tuple[str, Any]]:
        kinds, helper = self.onnx.AttributeProto, self.onnx.helper
        for attribute in node.attribute:
            if attribute.type in (kinds.INT, kinds.FLOAT):
                yield attribute.name, helper.get_attribute_value(attribute)
            elif attribute.type in (kinds.INTS, kinds.FLOATS):
                yield attribute.name, list(helper.get_attribute_value(attribute))[:MAX_VALUES]
            elif attribute.type == kinds.STRING:
                yield attribute.name, attribute.s.decode(errors="replace")[:200]

    def _layer_name(self, node: Any) -> str:
        """Returns the name of the module that the operator was made from, if the file contains it."""
        if node.op_type in WEIGHTED:
            owners = [name.rpartition(".")[0] for name in node.input[1:] if name in self.constants and "." in name]
            if owners and owners[0]:
                return str(owners[0][:200])
        for entry in node.metadata_props:
            if entry.key == SCOPES and len(entry.value) < 10_000:
                try:
                    listed = [str(scope) for scope in literal_eval(entry.value)]
                except (ValueError, SyntaxError, TypeError, RecursionError):
                    break
                named = [scope for scope in listed[:-1] if scope]
                return f"{named[-1] if named else ''}.{node.op_type.lower()}".lstrip(".")[:200]
        scopes: list[str] = []
        for scope in (node.name or node.output[0]).strip("/").split("/"):
            # PyTorch's older exporter writes /layer1/layer1.0/relu/Relu.
            if scopes and scope.startswith(f"{scopes[-1]}."):
                scopes.pop()
            scopes.append(scope)
        name = ".".join(scopes)
        module, dot, last = name.rpartition(".")
        return f"{module}{dot}{last.lower() if dot else last}"[:200]


def operator_name(node: Any) -> str:
    """Returns the name of an operator, with its domain unless it is or claims to be ONNX's own."""
    own = node.domain in (*OWN_DOMAINS, UNKNOWN_DOMAIN)
    return str(node.op_type if own else f"{node.domain}.{node.op_type}")


def _inner_graphs(node: Any) -> Iterator[Any]:
    """Yields the graphs inside an operator, including nested ones."""
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
            yield graph
            for inner in graph.node:
                yield from _inner_graphs(inner)


if __name__ == "__main__":
    serve(work)
    os._exit(0)  # without freeing a large file piece by piece
