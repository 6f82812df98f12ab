"""The package of onnxruntime's web build: verified, kept, and prepared for a page. A small package stands for it."""

import base64
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from explorer.errors import ExplorerError, InputError
from explorer.prediction import onnxruntime_web
from explorer.prediction.onnxruntime_web import BINARY, SCRIPT, engine
from explorer.settings import settings
from explorer.weights import downloads
from explorer.weights.downloads import Download
from explorer.workers.progress import Progress, silent

MODULE = "var a=1,$b=2;export{a as env,$b as Tensor,a as default};\n//# sourceMappingURL=x.map\n"


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> bytes:
    """Returns the package that the server has. The data folder is empty."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, part in {SCRIPT: MODULE.encode(), BINARY: b"\0asm"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(part)
            archive.addfile(member, io.BytesIO(part))
    checksum = base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()
    monkeypatch.setattr(onnxruntime_web, "SHA512", checksum)
    onnxruntime_web._read.cache_clear()
    return content.getvalue()


def kept(data_dir: Path) -> Path:
    return data_dir / "onnxruntime-web" / Path(onnxruntime_web.ADDRESS).name


def serve(content: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Downloads write this content. Returns their addresses."""
    asked: list[str] = []

    def fetch(download: Download, _folder: Path, _progress: Progress) -> None:
        asked.append(download.address)
        download.file.write_bytes(content)

    monkeypatch.setattr(downloads, "fetch", fetch)
    return asked


def test_it_is_downloaded_once_and_exports_nothing(
    package: bytes, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(package, monkeypatch)
    found = engine(silent)
    assert found.script.strip() == "var a=1,$b=2;globalThis.ort = { env: a, Tensor: $b };"
    assert gzip.decompress(base64.b64decode(found.binary)) == b"\0asm"
    assert engine(silent) == found
    assert asked == ["https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-1.31.1.tgz"]
    assert kept(data_dir).read_bytes() == package


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 0)])
def test_another_package_is_refused_also_when_it_was_good_before(
    damage: slice, package: bytes, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(package, monkeypatch)
    engine(silent)
    kept(data_dir).write_bytes(package[damage])
    with pytest.raises(InputError, match=r"onnxruntime-web-1\.31\.1\.tgz in .* is cut short .* SHA-512 .* delete it"):
        engine(silent)


def test_without_a_network_the_reason_and_the_address_are_named(
    package: bytes, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime_web, "ADDRESS", "http://127.0.0.1:9/onnxruntime-web.tgz")
    with pytest.raises(InputError, match=r"127\.0\.0\.1 can't be reached: .*put it there, from http://127\.0\.0\.1:9/"):
        engine(silent)
    kept(data_dir).write_bytes(package)  # as the message says
    assert engine(silent).binary


def test_a_read_only_server_downloads_nothing(package: bytes, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(package, monkeypatch)
    monkeypatch.setenv("EXPLORER_READ_ONLY", "true")
    settings.cache_clear()
    with pytest.raises(ExplorerError, match="would be downloaded first, and this server is read-only"):
        engine(silent)
    assert asked == []


def test_a_data_folder_that_cannot_be_used_is_named(
    package: bytes, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(package, monkeypatch)
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "onnxruntime-web").write_text("a file in the place of the folder")
    with pytest.raises(InputError, match=r"the data folder .*onnxruntime-web can't be used"):
        engine(silent)
