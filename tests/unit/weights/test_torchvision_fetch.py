"""Fetching torchvision's weights from a local server, with torchvision's loader and our processes."""

import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.errors import InputError
from explorer.families import resolve
from explorer.weights import download_worker, downloads, torchvision
from explorer.weights.files import load, read
from explorer.weights.importing import conversion, reader
from explorer.weights.importing.file_formats import FileFormat
from explorer.weights.registry import find
from explorer.weights.torchvision import find_weights
from explorer.workers import sandbox, subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.subprocess_runner import LimitError, Limits
from tests.helpers.classify import classify
from tests.helpers.command import run as command
from tests.helpers.fake_reader import ADDRESS, NAMESPACE, NEIGHBOUR, redirect
from tests.helpers.landlock import landlock_version
from tests.helpers.pixels import noise
from tests.helpers.weights import random_weights, theirs

pytestmark = pytest.mark.process

Serve = Callable[..., str]
call_process = subprocess_runner.call


def here(
    module: str, request: dict[str, Any], _limits: Limits, progress: Progress = silent, **_options: object
) -> dict[str, Any] | None:
    """Runs the work of a worker process in this process."""
    progress("", 0, 0)
    if module == conversion.READER:
        return reader.work(request, silent)
    download_worker.download(request, silent)
    return None


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Iterator[Serve]:
    """Returns a function that serves content as the download of a network. PyTorch's cache is a temporary folder.

    Work of other processes runs in this process, because a process takes seconds to start.
    """
    servers = []
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(subprocess_runner, "call", here)
    monkeypatch.setattr(sandbox, "limit", lambda **_limits: None)
    monkeypatch.setattr(sandbox, "confine", lambda **_places: None)
    monkeypatch.setattr(socket, "setdefaulttimeout", lambda _seconds: None)
    before = {name: find_weights(name).weights.value for name in ("resnet18", "googlenet", "densenet121")}

    def start(content: bytes, name: str = "resnet18", *, digest: str | None = None, length: int | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) if length is None else length))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        servers.append(server)
        digest = digest or hashlib.sha256(content).hexdigest()[:8]
        address = f"http://127.0.0.1:{server.server_port}/models/{name}-{digest}.pth"
        redirect(name, address)
        return address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
    for name, value in before.items():
        find_weights(name).weights._value_ = value


def pickled(tensors: dict[str, Tensor], path: Path) -> bytes:
    torch.save(tensors, path)
    return path.read_bytes()


def files(folder: Path) -> list[str]:
    """Returns the names of all files in a folder except locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def check_confined(tried: dict[str, str]) -> None:
    """Checks the outcomes of forbidden attempts, if this kernel supports the limits."""
    if sys.platform != "linux":
        return
    own = str(NAMESPACE.readlink())
    leave = "from pathlib import Path; from explorer.workers import sandbox; sandbox.leave_network();"
    script = [sys.executable, "-c", f"{leave} print(Path('{NAMESPACE}').readlink())"]
    isolated = subprocess.run(
        script, cwd=subprocess_runner.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert (tried.pop("namespace") != own) is (isolated != own)  # both have left the network, or neither can
    if landlock_version() >= 4:
        assert tried == dict.fromkeys(("read", "write", "change", "link", "send", "run"), "PermissionError")


def test_fetched_weights_give_the_same_answers_as_torchvision(
    serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is downloaded once, checked, and read in a sandboxed process."""
    source = find_weights("resnet18")
    state = random_weights(theirs(source))
    old = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}  # as in old files
    address = serve(pickled(old, tmp_path / "file"))
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.setattr(conversion, "READER", "tests.helpers.fake_reader")
    monkeypatch.setattr(subprocess_runner, "call", call_process)
    notes: list[str] = []

    def convert(*arguments: Any) -> tuple[dict[str, Tensor], conversion.Answer]:
        tensors, answer = convert_file(*arguments)
        notes.extend(answer.notes)
        return tensors, answer

    convert_file = conversion.convert
    monkeypatch.setattr(conversion, "convert", convert)
    monkeypatch.setattr(sandbox, "INHERITED", (*sandbox.INHERITED, ADDRESS))
    monkeypatch.setattr(torch, "load", None)  # this process must not unpickle
    source.download.parent.mkdir(parents=True)
    source.download.with_name(NEIGHBOUR).touch()
    reports: list[tuple[str, int, int]] = []
    path = find("torchvision:resnet18", lambda *report: reports.append(report))
    file = address.rpartition("/")[2]
    assert files(tmp_path / "torch") == [NEIGHBOUR, file]
    assert files(data_dir) == ["ResNet18_Weights.IMAGENET1K_V1.json", "ResNet18_Weights.IMAGENET1K_V1.safetensors"]
    assert {step for step, _done, _total in reports} <= {
        "connecting to 127.0.0.1",
        f"downloading {file}",
        f"reading {file}",
    }
    assert all(0 <= done <= total for _step, done, total in reports)
    network, card = load(path)
    assert card == source.card()
    check_confined(json.loads(notes[0]))
    twin = theirs(source)
    twin.load_state_dict(state, assign=True)
    pixels = noise(2, 3, 260, 240)
    inputs = torch.stack(
        [source.weights.transforms()(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in pixels]
    )
    with torch.no_grad():
        expected = twin(inputs).softmax(1)
    ours = classify(network, card, list(pixels))
    torch.testing.assert_close(ours, expected, rtol=0.1, atol=1e-4)  # a few pixels differ by one level
    (tmp_path / "torch" / "hub" / "checkpoints" / file).unlink()
    assert find("torchvision:ResNet18_Weights.DEFAULT") == path  # the download is not needed any more


def test_auxiliary_heads_are_dropped_and_listed_on_the_card(serve: Serve, tmp_path: Path) -> None:
    source = find_weights("googlenet")
    state = {key: tensor.half() for key, tensor in random_weights(theirs(source)).items()}
    serve(pickled(state, tmp_path / "file"), "googlenet")
    network, card = load(find("torchvision:googlenet"))
    heads = [key for key in state if key.startswith("aux")]
    assert card.made_by["ignored"] == heads
    assert heads
    got = network.state_dict()
    assert got.keys() == state.keys() - set(heads)
    assert all(torch.equal(tensor, state[key].to(tensor.dtype)) for key, tensor in got.items())


def test_old_tensor_names_are_converted(serve: Serve, tmp_path: Path) -> None:
    """torchvision's DenseNet files have ``norm.1`` for ``norm1``. Its own networks rename them when they load."""
    source = find_weights("densenet121")
    state = random_weights(theirs(source))
    layer = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])(?=\.)")
    old = {layer.sub(r"\1.\2", key): tensor for key, tensor in state.items() if "num_batches" not in key}
    assert any(".norm.1." in key for key in old)
    serve(pickled(old, tmp_path / "file"), "densenet121")
    tensors, card = read(find("torchvision:densenet121"))
    assert card.network_spec == resolve("densenet121")
    assert {key: tensor for key, tensor in tensors.items() if "num_batches" not in key}.keys() == {
        key for key in state if "num_batches" not in key
    }
    assert all(torch.equal(tensors[key], tensor) for key, tensor in state.items() if "num_batches" not in key)


def test_a_file_in_the_cache_is_checked_and_used(serve: Serve, tmp_path: Path, data_dir: Path) -> None:
    content = pickled(random_weights(theirs(find_weights("resnet18"))), tmp_path / "file")
    address = serve(b"", digest=hashlib.sha256(content).hexdigest()[:8])
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    file = folder / address.rpartition("/")[2]
    file.write_bytes(content[:-1000])
    with pytest.raises(
        InputError, match=r"resnet18-.*\.pth in .*checkpoints can't be used \(its checksum is wrong"
    ) as e:
        find("torchvision:resnet18")
    assert address in str(e.value)
    assert files(data_dir) == []
    assert file.exists()  # it belongs to the user
    file.write_bytes(content)
    assert read(find("torchvision:resnet18"))[1].name == "torchvision:ResNet18_Weights.IMAGENET1K_V1"


def test_progress_counts_bytes_and_a_stopped_download_leaves_none(
    serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader writes to FILE.RANDOM.partial, and the size of this file is the progress."""
    source, reports = find_weights("resnet18"), []
    older = source.download.with_name(f"{source.download.name}.0.partial")
    older.parent.mkdir(parents=True)
    older.write_bytes(b"x" * 9)  # from another program

    def call(_module: str, _request: object, _limits: Limits, progress: Progress, **_options: object) -> None:
        progress("", 0, 0)
        for size in (1000, 2000):
            source.download.with_name(f"{source.download.name}.1.partial").write_bytes(b"x" * size)
            progress("", 0, 0)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess_runner, "call", call)
    monkeypatch.setattr(downloads, "connection_error", lambda _address, _progress: None)
    with pytest.raises(KeyboardInterrupt):
        find("torchvision:resnet18", lambda *report: reports.append(report))
    total = round(source.weights.meta["_file_size"] * 2**20)
    assert reports == [(f"downloading {source.download.name}", done, total) for done in (0, 1000, 2000)]
    assert files(tmp_path) == [older.name]


@pytest.mark.parametrize(
    ("limit", "words"),
    [("TIMEOUT", "longer than 0 seconds"), ("BASE_MEMORY", "more than .* of memory")],
)
def test_reading_beyond_the_limits_is_a_limit_error(
    limit: str, words: str, serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(pickled({"conv1.weight": torch.zeros(4, 4)}, tmp_path / "file"))

    def call(module: str, request: Any, limits: Limits, progress: Progress, **options: Any) -> Any:
        return (call_process if module == conversion.READER else here)(module, request, limits, progress, **options)

    monkeypatch.setattr(subprocess_runner, "call", call)
    monkeypatch.setattr(conversion, "TORCH_MEMORY", 0)
    monkeypatch.setattr(conversion, limit, 0)
    with pytest.raises(LimitError, match=rf"^resnet18-.*pth: it took {words}"):
        find("torchvision:resnet18")
    assert files(data_dir) == []


def test_processes_get_no_secrets(serve: Serve, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATABASE_URL", "postgresql://user:secret@host/db")
    serve(b"no pickle")
    environments: list[Mapping[str, str]] = []

    def run(arguments: list[str], *_more: object, environment: Mapping[str, str], **_options: object) -> list[str]:
        environments.append(environment)
        if arguments == [downloads.WORKER]:
            find_weights("resnet18").download.parent.mkdir(parents=True)
            find_weights("resnet18").download.write_bytes(b"no pickle")
        return ['{"result": null}']

    monkeypatch.setattr(subprocess_runner, "call", call_process)
    monkeypatch.setattr(subprocess_runner, "run", run)
    monkeypatch.setattr(download_worker, "download", None)
    monkeypatch.setattr("explorer.weights.importing.file_formats.detect_format", lambda _path: FileFormat.ZIP)
    with pytest.raises(InputError):
        find("torchvision:resnet18")
    assert len(environments) == 2
    assert "user:secret" not in str(environments)


def test_the_download_process_does_not_read_the_file(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts any file with the checksum, and does not call PyTorch's unpickler."""
    address = serve(content := b"no pickle")
    source = find_weights("resnet18")
    monkeypatch.setattr(torch, "load", None)
    download_worker.download(
        {"address": address, "file": str(source.download), "checksum": torchvision.checksum_prefix(source.download)},
        silent,
    )
    assert source.download.read_bytes() == content
    assert files(tmp_path) == [source.download.name]


@pytest.mark.parametrize("answer", [None, [1], {}, {"names": []}, {"names": ["conv1.weight"]}])
def test_answers_of_the_reading_process_are_checked(
    answer: Any, serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(pickled({"conv1.weight": torch.zeros(4, 4)}, tmp_path / "file"))

    def call(module: str, *arguments: Any, **options: Any) -> Any:
        return answer if module == conversion.READER else here(module, *arguments, **options)

    monkeypatch.setattr(subprocess_runner, "call", call)
    with pytest.raises(InputError):
        find("torchvision:resnet18")
    assert files(data_dir) == []


@pytest.mark.parametrize("fault", ["cut", "other", "gone"])
def test_a_failed_download_leaves_nothing_and_names_the_folder_for_the_file(
    serve: Serve,
    tmp_path: Path,
    data_dir: Path,
    fault: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = serve(b"x" * 1000, digest="0123abcd", length=5000 if fault == "cut" else None)
    if fault == "gone":
        address = "http://127.0.0.1:9/models/resnet18-0123abcd.pth"
        redirect("resnet18", address)
    status, out, err = command(capsys, monkeypatch, "predict", "torchvision:resnet18", "x.png", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert all(words in err for words in (address, address.rpartition("/")[2], str(tmp_path / "torch")))
    assert files(tmp_path) == []


def test_without_a_network_it_fails_before_a_process_is_started(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://127.0.0.1:9/models/resnet18-0123abcd.pth"
    redirect("resnet18", address)
    monkeypatch.setattr(subprocess_runner, "call", None)
    reports: list[tuple[str, int, int]] = []
    with pytest.raises(InputError) as caught:
        find("torchvision:resnet18", lambda *report: reports.append(report))
    folder = str(tmp_path / "torch" / "hub" / "checkpoints")
    assert all(word in str(caught.value) for word in (address, folder, "127.0.0.1 can't be reached"))
    assert reports == [("connecting to 127.0.0.1", 0, 0)]


def test_a_slow_lookup_of_the_host_name_times_out(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(downloads, "CONNECT_TIMEOUT", 0.01)

    def hang(*_more: object) -> None:
        over.wait(60)
        raise OSError

    monkeypatch.setattr("socket.create_connection", hang)
    with pytest.raises(InputError, match="did not answer within"):
        find("torchvision:resnet18")
    over.set()


def test_code_in_the_file_does_not_run(serve: Serve, tmp_path: Path, data_dir: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    serve(pickled(cast("dict[str, Tensor]", {"conv1.weight": Evil()}), tmp_path / "file"))
    with pytest.raises(InputError, match=r"torchvision:ResNet18_Weights"):
        find("torchvision:resnet18")
    assert not (tmp_path / "ran").exists()
    assert files(data_dir) == []
