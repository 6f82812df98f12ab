"""Makes one export in a process of its own, so that its memory is given back and its end is sure.

usage: python -m explorer.exports.worker FORMAT FILE        the spec's JSON on standard input
"""

import sys
from pathlib import Path

from explorer.exports.formats import FORMATS
from explorer.specs import parse_json


def main(name: str, file: str) -> None:
    """Write the file."""
    Path(file).write_bytes(FORMATS[name].make(parse_json(sys.stdin.read())))


if __name__ == "__main__":
    main(*sys.argv[1:])
