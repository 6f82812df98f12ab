"""torchvision's weights, fetched: a local server in place of theirs, their loader, and processes of our own."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.errors import InputError
from explorer.prediction.classify import classify
from explorer.weights import torchvision, torchvision_worker
from explorer.weights.files import load, read
from explorer.weights.registry import find
from explorer.weights.torchvision import choose
from explorer.workers import sandbox, subprocess_runner
from tests.helpers.command import run as command
from tests.helpers.fake_torchvision_worker import ADDRESS, NAMESPACE, NEIGHBOUR, redirect
from tests.helpers.landlock import landlock
from tests.helpers.pixels import noise
from tests.helpers.weights import random_weights, theirs

pytestmark = pytest.mark.process

Serve = Callable[..., str]
run_beside = subprocess_runner.run


SANDBOX, DONE = "explorer.workers.sandbox", '{"fault": null}'


def here(module: str, *arguments: str, watch: Callable[[float, int], None], **_options: object) -> str:
    """What the process prints, without the process."""
    watch(0.0, 0)
    with redirect_stdout(StringIO()) as printed:
        torchvision_worker.main(*arguments[module == SANDBOX :])
    return printed.getvalue()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Iterator[Serve]:
    """Serves content at an address for ResNet-18's or GoogLeNet's file; PyTorch's cache is a folder of the test's.

    What runs beside otherwise runs here: a process takes seconds to start.
    """
    servers = []
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(subprocess_runner, "run", here)
    monkeypatch.setattr(sandbox, "limit", lambda **_limits: None)
    monkeypatch.setattr(sandbox, "confine", lambda **_places: None)
    monkeypatch.setattr(socket, "setdefaulttimeout", lambda _seconds: None)
    before = {name: choose(name).weights.value for name in ("resnet18", "googlenet")}

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
        choose(name).weights._value_ = value


def pickled(tensors: dict[str, Tensor], path: Path) -> bytes:
    torch.save(tensors, path)
    return path.read_bytes()


def files(folder: Path) -> list[str]:
    """All of a folder but locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def check_confined(tried: dict[str, str]) -> None:
    """As far as this kernel can."""
    if sys.platform != "linux":
        return
    own = str(NAMESPACE.readlink())
    left = "from pathlib import Path; from explorer.workers import sandbox; sandbox.leave_network();"
    script = [sys.executable, "-c", f"{left} print(Path('{NAMESPACE}').readlink())"]
    there = subprocess.run(
        script, cwd=subprocess_runner.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert (tried.pop("namespace") != own) is (there != own)  # it has left the network if a process without torch can
    if landlock() >= 4:
        assert tried == dict.fromkeys(("read", "write", "change", "link", "send", "run"), "PermissionError")


def test_loader_cache_and_network_are_torchvisions(
    serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downloaded once, checked, read by a process that can do little else; the answers are those of its network."""
    source = choose("resnet18")
    state = random_weights(theirs(source))
    old = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}  # as old files are
    address = serve(pickled(old, tmp_path / "file"))
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.setattr(torchvision, "WORKER", "tests.helpers.fake_torchvision_worker")
    monkeypatch.setattr(subprocess_runner, "run", run_beside)
    monkeypatch.setattr(sandbox, "INHERITED", (*sandbox.INHERITED, ADDRESS))
    monkeypatch.setattr(torch, "load", None)  # not in this process
    source.download.parent.mkdir(parents=True)
    source.download.with_name(NEIGHBOUR).touch()
    told: list[tuple[str, int, int]] = []
    path = find("torchvision:resnet18", lambda *words: told.append(words))
    file = address.rpartition("/")[2]
    assert files(tmp_path / "torch") == [NEIGHBOUR, file]
    assert files(data_dir) == ["ResNet18_Weights.IMAGENET1K_V1.json", "ResNet18_Weights.IMAGENET1K_V1.safetensors"]
    assert {step for step, _done, _total in told} <= {
        "connecting to 127.0.0.1",
        f"downloading {file}",
        f"reading {file}",
    }
    assert all(0 <= done <= total for _step, done, total in told)
    network, card = load(path)
    assert card.model_copy(update={"recipe": None}) == source.card()
    check_confined(card.recipe or {})
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
    assert find("torchvision:ResNet18_Weights.DEFAULT") == path  # from now on nothing else is needed


def test_auxiliary_heads_are_dropped_and_the_card_says_so(serve: Serve, tmp_path: Path) -> None:
    source = choose("googlenet")
    state = {key: tensor.half() for key, tensor in random_weights(theirs(source)).items()}
    serve(pickled(state, tmp_path / "file"), "googlenet")
    network, card = load(find("torchvision:googlenet"))
    heads = [key for key in state if key.startswith("aux")]
    assert card.made_by["ignored"] == heads
    assert heads
    got = network.state_dict()
    assert got.keys() == state.keys() - set(heads)
    assert all(torch.equal(tensor, state[key].to(tensor.dtype)) for key, tensor in got.items())


def test_a_file_that_was_put_there_is_checked_and_used(serve: Serve, tmp_path: Path, data_dir: Path) -> None:
    content = pickled(random_weights(theirs(choose("resnet18"))), tmp_path / "file")
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
    assert file.exists()  # it is the user's
    file.write_bytes(content)
    assert read(find("torchvision:resnet18"))[1].name == "torchvision:ResNet18_Weights.IMAGENET1K_V1"


def test_the_bytes_that_have_come_are_told_and_a_stopped_download_leaves_none(
    serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader writes to FILE.RANDOM.partial, whose size is how far it is."""
    source, told = choose("resnet18"), []
    older = source.download.with_name(f"{source.download.name}.0.partial")
    older.parent.mkdir(parents=True)
    older.write_bytes(b"x" * 9)  # of another program

    def run(*_arguments: str, watch: Callable[[float, int], None], **_options: object) -> str:
        watch(0.0, 0)
        for size in (1000, 2000):
            source.download.with_name(f"{source.download.name}.1.partial").write_bytes(b"x" * size)
            watch(0.0, 0)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess_runner, "run", run)
    monkeypatch.setattr(torchvision, "_unreachable", lambda _source, _progress: None)
    with pytest.raises(KeyboardInterrupt):
        find("torchvision:resnet18", lambda *words: told.append(words))
    total = round(source.weights.meta["_file_size"] * 2**20)
    assert told == [(f"downloading {source.download.name}", done, total) for done in (0, 1000, 2000)]
    assert files(tmp_path) == [older.name]


@pytest.mark.parametrize(
    ("seconds", "used", "words"), [(200.0, 10**9, "longer than 180 seconds"), (1.0, 10**10, "more than 1.5 GB")]
)
def test_reading_has_limits_and_knows_no_secrets(
    seconds: float, used: int, words: str, serve: Serve, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_DATABASE_URL", "postgresql://user:secret@host/db")

    def run(
        module: str, *_arguments: str, watch: Callable[[float, int], None], environment: dict[str, str], **_more: object
    ) -> str:
        assert "secret" not in str(environment)
        if module != SANDBOX:
            watch(50_000.0, 10**9)  # a download may take all day
            return DONE
        watch(1.0, 10**9)
        watch(seconds, used)
        raise AssertionError

    monkeypatch.setattr(subprocess_runner, "run", run)
    monkeypatch.setattr(torchvision, "_unreachable", lambda _source, _progress: None)
    with pytest.raises(InputError, match=f"reading resnet18.* took {words}"):
        find("torchvision:resnet18")
    assert files(data_dir) == []


def test_the_process_that_downloads_reads_nothing(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes whatever has the checksum, and never gets to PyTorch's unpickler."""
    serve(content := b"no pickle")
    source = choose("resnet18")
    monkeypatch.setattr(torch, "load", None)
    torchvision_worker.main("download", repr(source.weights), str(source.download))
    assert json.loads(capsys.readouterr().out) == {"fault": None}
    assert source.download.read_bytes() == content
    assert files(tmp_path) == [source.download.name]


@pytest.mark.parametrize("answer", ["", "[1]", "{}", DONE, '{"fault": 1}', '{"fault": "' + "x" * 2000 + '"}'])
def test_the_process_that_reads_is_not_trusted(
    answer: str, serve: Serve, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(b"")
    monkeypatch.setattr(
        subprocess_runner, "run", lambda module, *_more, **_options: answer if module == SANDBOX else DONE
    )
    with pytest.raises(InputError, match=r"can't be used \(the process that read it gave no answer"):
        find("torchvision:resnet18")
    assert files(data_dir) == []


@pytest.mark.parametrize("fault", ["cut", "other", "gone"])
def test_a_broken_download_leaves_nothing_and_says_where_the_file_belongs(
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


def test_without_a_network_it_fails_at_once_and_no_process_is_started(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://127.0.0.1:9/models/resnet18-0123abcd.pth"
    redirect("resnet18", address)
    monkeypatch.setattr(subprocess_runner, "run", None)
    told: list[tuple[str, int, int]] = []
    with pytest.raises(InputError) as caught:
        find("torchvision:resnet18", lambda *words: told.append(words))
    folder = str(tmp_path / "torch" / "hub" / "checkpoints")
    assert all(word in str(caught.value) for word in (address, folder, "127.0.0.1 can't be reached"))
    assert told == [("connecting to 127.0.0.1", 0, 0)]


def test_a_look_up_that_hangs_is_left_behind(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(torchvision, "LONGEST_CONNECTING", 0.01)

    def hang(*_more: object) -> None:
        over.wait(60)
        raise OSError

    monkeypatch.setattr(torchvision.socket, "create_connection", hang)
    with pytest.raises(InputError, match="did not answer within"):
        find("torchvision:resnet18")
    over.set()


def test_code_in_the_file_does_not_run(serve: Serve, tmp_path: Path, data_dir: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)

    serve(pickled({"conv1.weight": Evil()}, tmp_path / "file"))
    with pytest.raises(InputError, match=r"torchvision:ResNet18_Weights"):
        find("torchvision:resnet18")
    assert not (tmp_path / "ran").exists()
    assert files(data_dir) == []
