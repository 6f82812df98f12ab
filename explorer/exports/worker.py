"""A process that makes one export, so that its memory is freed and its time is limited.

usage: python -m explorer.exports.worker        see explorer.workers.protocol
"""

from pathlib import Path
from typing import Any

from explorer.exports.formats import FORMATS
from explorer.exports.onnx_model import onnx_model, trained_onnx_model
from explorer.families import parse_spec
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve


def write(request: dict[str, Any], _progress: Progress) -> None:
    """Writes the file.

    Args:
        request: Key of the ``format``, path of the ``file``, ``spec`` as a dict, path of the ``weights`` (``""`` for
            random weights), and ``fold``, whether to fold batch norm.
    """
    fold = request["fold"]
    if request["weights"]:
        content = trained_onnx_model(Path(request["weights"]), fold=fold)
    elif fold:
        content = onnx_model(parse_spec(request["spec"]), fold=True)
    else:
        content = FORMATS[request["format"]].make(parse_spec(request["spec"]))
    Path(request["file"]).write_bytes(content)


if __name__ == "__main__":
    serve(write)
