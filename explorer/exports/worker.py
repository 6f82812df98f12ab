"""Makes one export in a process of its own, so that its memory is given back and its end is sure.

usage: python -m explorer.exports.worker FORMAT FILE             the spec's JSON on standard input
       python -m explorer.exports.worker onnx FILE WEIGHTS       the network of weights, with them
       python -m explorer.exports.worker onnx FILE WEIGHTS fold  with batch norm folded; WEIGHTS may be empty
"""

import sys
from pathlib import Path

from explorer.exports.formats import FORMATS
from explorer.exports.onnx_model import onnx_model, trained_model
from explorer.families import parse_json


def main(name: str, file: str, weights: str = "", fold: str = "") -> None:
    """Write the file."""
    if weights:
        content = trained_model(Path(weights), fold=bool(fold))
    elif fold:
        content = onnx_model(parse_json(sys.stdin.read()), fold=True)
    else:
        content = FORMATS[name].make(parse_json(sys.stdin.read()))
    Path(file).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
