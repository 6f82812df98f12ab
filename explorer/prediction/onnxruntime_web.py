"""The web build of onnxruntime, which pages of exported networks carry.

It comes from npm's registry: one version, whose SHA-512 stands here and is verified whenever the package is read. The
package is kept in the data folder. WebAssembly on one thread is enough for a page; the parts for GPUs are left out.
"""

import base64
import gzip
import hashlib
import re
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from explorer import access
from explorer.errors import InputError
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights import downloads
from explorer.weights.downloads import Download
from explorer.workers.progress import Progress

VERSION = "1.31.1"
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
# As in the registry's own record of the version (dist.integrity).
SHA512 = "5GeH+bWQ+HxM10z7erGlsWqryrwMbSvm/1tkIsKTT48g0fI19VXVVC435t4t7VsPdSQeS7NmuZPXrQ73k82URw=="
SIZE = 34_586_352  # bytes
SCRIPT, BINARY = "package/dist/ort.wasm.bundle.min.mjs", "package/dist/ort-wasm-simd-threaded.wasm"
NAME = f"onnxruntime-web {VERSION}"
LICENSE = "onnxruntime-web: copyright (c) Microsoft Corporation, MIT License (https://opensource.org/license/mit)."
_EXPORTS = re.compile(r"export\s*\{([^{}]*)\};?")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


class Engine(NamedTuple):
    """The parts of the web build that a page needs.

    Attributes:
        script: JavaScript module that sets ``globalThis.ort`` and exports nothing.
        binary: WebAssembly, compressed by gzip, in base64.
    """

    script: str
    binary: str


def engine(progress: Progress) -> Engine:
    """Returns the web build. At the first use it is downloaded.

    Args:
        progress: Callback for the progress.

    Raises:
        InputError: If the package can't be downloaded or is another one. Names file, address and folder.
    """
    file = settings().data_dir / "onnxruntime-web" / Path(ADDRESS).name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):  # another process may download it meanwhile
            if not file.is_file():
                _download(file, progress)
            return _parts(file)
    except OSError as error:
        raise InputError(
            _("the data folder {folder} can't be used: {reason}").format(
                folder=file.parent, reason=error.strerror or _("no access")
            )
        ) from None


def _download(file: Path, progress: Progress) -> None:
    access.check_downloads(NAME)
    with tempfile.TemporaryDirectory(prefix=".", dir=file.parent) as folder:
        if fault := downloads.fetch(Download(ADDRESS, file, SIZE), Path(folder), progress):
            raise InputError(
                _(
                    "{name}: {file} is not in {folder}, and the download failed ({reason}); put it there, from "
                    "{address}"
                ).format(name=NAME, file=file.name, folder=file.parent, reason=fault, address=ADDRESS)
            )


def _parts(file: Path) -> Engine:
    content = file.read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != SHA512:
        raise InputError(
            _(
                "{name}: {file} in {folder} is cut short or another file (its SHA-512 is wrong); delete it, and it is "
                "downloaded again from {address}"
            ).format(name=NAME, file=file.name, folder=file.parent, address=ADDRESS)
        )
    return _read(file)


@cache
def _read(file: Path) -> Engine:
    """Returns the parts of a package whose checksum is right. Cached, because it is always the same."""
    with tarfile.open(file) as package:
        script, binary = (_member(package, name) for name in (SCRIPT, BINARY))
    return Engine(_as_global(script.decode()), base64.b64encode(gzip.compress(binary, mtime=0)).decode())


def _member(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(name)
    assert member is not None  # noqa: S101  the checksum stands for the content
    return member.read()


def _as_global(script: str) -> str:
    """Returns a module that sets ``globalThis.ort`` in place of its exports.

    A page without any request can't import a module, so the module stands in the page itself.
    """
    (exports,) = _EXPORTS.findall(script)
    names = [pair.split(" as ") for pair in exports.split(",")]
    made = ", ".join(f"{outer.strip()}: {inner.strip()}" for inner, outer in names if outer.strip() != "default")
    replaced = _EXPORTS.sub(lambda _match: f"globalThis.ort = {{ {made} }};", script)
    assert "</script" not in replaced.lower()  # noqa: S101  it would end the script of the page
    assert "<!--" not in replaced  # noqa: S101
    return _SOURCE_MAP.sub("", replaced)
