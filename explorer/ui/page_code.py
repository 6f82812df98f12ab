"""The code that Streamlit loads for each kind of part of a page, found in its built files.

A browser asks for the code of a kind when the first part of this kind arrives, which is after the page's script has
run. The document names the code that nearly all pages need, so the browser fetches it while it waits. And it lets the
code of charts, which runs for as long as all other code together, wait until the numbers of the page are painted.
"""

import json
import re
from functools import cache
from pathlib import Path

import streamlit

FOLDER = Path(streamlit.__file__).parent / "static" / "static" / "js"
# Kinds of parts, by the name of their file before its hash.
EARLY = (
    "StreamlitMarkdown", "BidiComponent", "Html", "Metric", "Selectbox", "Button", "ButtonGroup", "PageLink",
    "TextInput", "NumberInput", "Checkbox", "FileUploader",
)  # fmt: skip
LATE = ("PlotlyChart", "ArrowVegaLiteChart")
_ADDRESS = "./static/js/"
_IMPORTED = re.compile(r"""(?:\bfrom|\bimport)\s*["']\./([\w.~-]+\.js)["']""")


@cache
def preloads(folder: Path = FOLDER) -> str:
    """Return the links that make a browser fetch early code, and the code that it imports, before it is needed.

    A kind that this version of Streamlit does not have is left out.
    """
    files: dict[str, None] = {}
    waiting = [file.name for kind in EARLY for file in _files(folder, kind)]
    while waiting:
        name = waiting.pop()
        if name not in files and (folder / name).is_file():
            files[name] = None
            waiting += _IMPORTED.findall((folder / name).read_text(encoding="utf-8"))
    return "".join(f'<link rel="modulepreload" crossorigin href="{_ADDRESS}{name}">' for name in files)


@cache
def import_map(folder: Path = FOLDER) -> str:
    """Return the map after which Streamlit's own code gets the code of charts through assets/numbers_first.js.

    It counts for what Streamlit's files import: the function's own import has another address.
    """
    addresses = [f"{_ADDRESS}{file.name}" for kind in LATE for file in _files(folder, kind)]
    script = "data:text/javascript,export default (await codeOfChart('{}')).default"
    late = {address: script.format(address) for address in addresses}
    return f'<script type="importmap">{json.dumps({"scopes": {_ADDRESS: late}})}</script>'


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}.*.js"))
