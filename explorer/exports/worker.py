"""Makes one export in a process of its own, so that its memory is given back and its end is sure.

usage: python -m explorer.exports.worker        see explorer.workers.protocol
"""

from pathlib import Path
from typing import Any

from explorer.exports.formats import FORMATS
from explorer.exports.onnx_model import onnx_model, trained_model
from explorer.families import parse_spec
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve


def write(request: dict[str, Any], _progress: Progress) -> None:
    """Write the file.

    Args:
        request: The name of the ``format``, the ``file``, the ``spec`` as a dict, the path of its ``weights`` or ``""``
            for random ones, and ``fold``, whether batch norm goes into the layers before it.
    """
    fold = request["fold"]
    if request["weights"]:
        content = trained_model(Path(request["weights"]), fold=fold)
    elif fold:
        content = onnx_model(parse_spec(request["spec"]), fold=True)
    else:
        content = FORMATS[request["format"]].make(parse_spec(request["spec"]))
    Path(request["file"]).write_bytes(content)


if __name__ == "__main__":
    serve(write)
