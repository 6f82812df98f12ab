"""A process that makes one export, so that its memory is freed and its time is limited.

usage: python -m explorer.exports.worker        see explorer.workers.protocol
"""

from pathlib import Path
from typing import Any

from explorer.exports.exported_program import trained_exported_program
from explorer.exports.formats import FORMATS
from explorer.exports.onnx_model import onnx_model, trained_onnx_model
from explorer.exports.onnx_options import OnnxOptions
from explorer.families import Spec, parse_spec
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve


def write(request: dict[str, Any], _progress: Progress) -> None:
    """Writes the file.

    Args:
        request: Key of the ``format``, path of the ``file``, ``spec`` as a dict, path of the ``weights`` (``""`` for
            random weights), and the options of ``onnx``.
    """
    name, path = request["format"], Path(request["weights"])
    if name == "onnx":
        options = OnnxOptions(**request["onnx"])
        content = trained_onnx_model(path, options) if request["weights"] else onnx_model(_spec(request), options)
    elif request["weights"]:
        content = trained_exported_program(path)
    else:
        content = FORMATS[name].make(_spec(request))
    Path(request["file"]).write_bytes(content)


def _spec(request: dict[str, Any]) -> Spec:
    return parse_spec(request["spec"])


if __name__ == "__main__":
    serve(write)
