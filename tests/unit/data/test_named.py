"""Named data sets: the bundled digits, and downloads from a server in this process."""

import gzip
import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets

from explorer.data import NAMES, load
from explorer.errors import InputError

RNG = np.random.default_rng(0)
TRAIN, TEST = 12, 5


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class Mirror:
    """A web server for some files.

    Attributes:
        files: Contents by name.
        requested: Requested names in order.
        cut: Number of bytes after which it closes the connection; None if it sends all.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requested: list[str] = []
        self.cut: int | None = None
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                mirror.requested.append(name)
                if name not in mirror.files:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(mirror.files[name])))
                self.end_headers()
                self.wfile.write(mirror.files[name][: mirror.cut])

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mirror = Mirror()
    yield mirror
    mirror.close()


@pytest.fixture
def mnist(mirror: Mirror, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A small MNIST in the real format; arrays by file name."""
    arrays = {
        "train-images-idx3-ubyte": RNG.integers(0, 256, (TRAIN, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": (np.arange(TRAIN) % 10).astype(np.uint8),
        "t10k-images-idx3-ubyte": RNG.integers(0, 256, (TEST, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": (np.arange(TEST) % 10).astype(np.uint8),
    }
    for name, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes()
        mirror.files[f"{name}.gz"] = gzip.compress(header + array.tobytes())
    resources = [(name, md5(data)) for name, data in mirror.files.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [mirror.address])
    monkeypatch.setitem(NAMES, "mnist", replace(NAMES["mnist"], images=(TRAIN, TEST)))
    return arrays


@pytest.fixture
def cifar(mirror: Mirror, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A small CIFAR-10 in the real format; contents by file name."""
    kind = datasets.CIFAR10
    batches: dict[str, Any] = {
        name: {
            "data": RNG.integers(0, 256, (count, 3 * 32 * 32), dtype=np.uint8),
            "labels": (np.arange(count) % 10).tolist(),
        }
        for name, count in (("data_batch_1", TRAIN), ("test_batch", TEST))
    }
    batches["batches.meta"] = {"label_names": [f"class {i}" for i in range(10)]}
    file = io.BytesIO()
    sums = {}
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in batches.items():
            # As NumPy 1 wrote the real files: flags of a dtype are 0 and 1, and a module has another name.
            data = pickle.dumps(content, protocol=2).replace(b"\x89\x88\x87", b"K\x00K\x01\x87")
            data = data.replace(b"numpy._core.", b"numpy.core.")
            info = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            info.size, sums[name] = len(data), md5(data)
            archive.addfile(info, io.BytesIO(data))
    mirror.files[kind.filename] = file.getvalue()
    monkeypatch.setattr(kind, "url", mirror.address + kind.filename)
    monkeypatch.setattr(kind, "tgz_md5", md5(file.getvalue()))
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": sums["batches.meta"]})
    monkeypatch.setitem(NAMES, "cifar10", replace(NAMES["cifar10"], images=(TRAIN, TEST)))
    return batches


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits  # takes a second

    found, wanted = load("digits"), load_digits()
    entry = NAMES["digits"]
    assert (len(found.train), len(found.test)) == entry.images
    pixels = torch.cat([torch.as_tensor(found.train.images), torch.as_tensor(found.test.images)])
    assert pixels.shape == (1797, entry.channels, entry.size, entry.size)
    labels = torch.cat([found.train.labels, found.test.labels]).tolist()
    expected = np.rint(wanted.images * 255 / 16).astype(np.uint8)
    assert sorted(zip([p.numpy().tobytes() for p in pixels], labels, strict=True)) == sorted(
        zip([p.tobytes() for p in expected], wanted.target.tolist(), strict=True)
    )
    for split, share in ((found.train, 0.8), (found.test, 0.2)):
        assert np.abs(np.array(split.per_class(10)) - share * np.bincount(wanted.target)).max() <= 0.5
    assert torch.equal(torch.as_tensor(load("digits").test.images), torch.as_tensor(found.test.images))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "cifar100"])
def test_the_catalogue_agrees_with_torchvision(name: str) -> None:
    kind = getattr(datasets, NAMES[name].source)
    assert len(getattr(kind, "classes", range(100 if name == "cifar100" else 10))) == NAMES[name].classes


def test_mnist_is_downloaded_once(mnist: dict[str, np.ndarray], mirror: Mirror, data_dir: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    found = load("mnist", lambda *step: steps.append(step))
    for split, prefix in ((found.train, "train"), (found.test, "t10k")):
        assert (torch.as_tensor(split.images)[:, 0].numpy() == mnist[f"{prefix}-images-idx3-ubyte"]).all()
        assert (split.labels.numpy() == mnist[f"{prefix}-labels-idx1-ubyte"]).all()
    assert found.classes == tuple(datasets.MNIST.classes)
    assert (found.channels, found.mirrored) == (1, False)
    sizes = [(f"downloading {name}", len(data), len(data)) for name, data in mirror.files.items()]
    assert [step for step in steps if step[0].startswith("downloading")] == sizes
    assert len(load("mnist").train) == TRAIN
    assert len(mirror.requested) == 4
    assert not list(data_dir.rglob("*.part"))


def test_nothing_is_printed(mnist: dict[str, np.ndarray], cifar: Any, capfd: pytest.CaptureFixture[str]) -> None:
    load("mnist")
    load("cifar10")
    assert capfd.readouterr() == ("", "")


def test_cifar(cifar: dict[str, Any], mirror: Mirror) -> None:
    found = load("cifar10")
    for split, name in ((found.train, "data_batch_1"), (found.test, "test_batch")):
        assert (torch.as_tensor(split.images).flatten(1).numpy() == cifar[name]["data"]).all()
        assert split.labels.tolist() == cifar[name]["labels"]
    assert found.classes == tuple(cifar["batches.meta"]["label_names"])
    assert (found.channels, found.mirrored) == (3, True)
    assert len(load("cifar10").train) == TRAIN
    assert len(mirror.requested) == 1


def test_files_put_there_by_hand_are_used(mnist: Any, cifar: Any, mirror: Mirror, data_dir: Path) -> None:
    (data_dir / "MNIST" / "raw").mkdir(parents=True)
    for name, data in mirror.files.items():
        (data_dir / name if "cifar" in name else data_dir / "MNIST" / "raw" / name).write_bytes(data)
    assert len(load("mnist").train) == len(load("cifar10").train) == TRAIN
    assert mirror.requested == []


def test_the_offline_error_names_files_folder_and_address(mnist: Any, mirror: Mirror, data_dir: Path) -> None:
    (data_dir / "MNIST" / "raw").mkdir(parents=True)
    first, *rest = mirror.files
    (data_dir / "MNIST" / "raw" / first).write_bytes(mirror.files[first])
    mirror.close()
    with pytest.raises(InputError) as caught:
        load("mnist")
    assert str(caught.value) == (
        f"MNIST is not in {data_dir}/MNIST/raw, and the download failed (<urlopen error [Errno 111] Connection "
        f"refused>); put {', '.join(rest)} there, from {mirror.address}"
    )


def test_a_damaged_file_offline_is_reported(cifar: Any, mirror: Mirror, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / datasets.CIFAR10.filename).write_bytes(b"half a file")
    mirror.files.clear()
    with pytest.raises(InputError, match=r"cifar-10-python.tar.gz in .* is damaged or another file .*HTTP Error 404"):
        load("cifar10")
    assert (data_dir / datasets.CIFAR10.filename).read_bytes() == b"half a file"


def test_a_damaged_file_is_downloaded_again(cifar: Any, mirror: Mirror, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / datasets.CIFAR10.filename).write_bytes(b"half a file")
    assert len(load("cifar10").train) == TRAIN


def test_a_download_that_is_cut_short_leaves_nothing(cifar: Any, mirror: Mirror, data_dir: Path) -> None:
    mirror.cut = 100
    with pytest.raises(InputError, match=r"the download failed .* is cut short or another file: its checksum is wrong"):
        load("cifar10")
    assert [file.name for file in data_dir.iterdir() if file.name != ".lock"] == []
    mirror.cut = None
    assert len(load("cifar10").train) == TRAIN


def test_the_next_mirror_is_tried(mnist: Any, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{mirror.address}gone/", mirror.address])
    assert len(load("mnist").train) == TRAIN
    assert len(mirror.requested) == 8


def test_concurrent_loads_download_once(mnist: Any, mirror: Mirror) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert [len(found.train) for found in pool.map(load, ["mnist", "mnist"])] == [TRAIN, TRAIN]
    assert len(mirror.requested) == 4


def test_an_interrupt_leaves_nothing(cifar: Any, data_dir: Path) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load("cifar10", interrupt)
    assert [file.name for file in data_dir.iterdir() if file.name != ".lock"] == []


def test_unpacked_files_that_are_damaged(mnist: Any, cifar: Any, data_dir: Path) -> None:
    load("mnist")
    load("cifar10")
    (data_dir / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"x")
    assert len(load("cifar10").train) == TRAIN  # unpacked again: its parts have checksums
    for damage in (b"", b"x" * 9, (data_dir / "MNIST/raw/train-images-idx3-ubyte").read_bytes()[:-1]):
        (data_dir / "MNIST/raw/train-images-idx3-ubyte").write_bytes(damage)
        with pytest.raises(InputError, match=r"MNIST in .*/MNIST/raw is damaged .*delete what train-images-idx3-ubyte"):
            load("mnist")


def test_a_data_folder_that_can_not_be_written(cifar: Any, data_dir: Path) -> None:
    data_dir.write_text("a file")
    with pytest.raises(InputError, match=rf"the data folder {data_dir} can't be written: .*File exists"):
        load("cifar10")
