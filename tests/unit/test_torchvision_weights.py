"""torchvision's weights: its own loader against a local server, its own transforms, its own networks."""

import hashlib
import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import models

from explorer import beside
from explorer.data.preprocessing import Normalise, Preprocessing, fitted
from explorer.errors import InputError
from explorer.models import build, torchvision_weights, torchvision_worker
from explorer.models.library import find
from explorer.models.torchvision_weights import Source, catalogue, choose
from explorer.models.weights import load, read
from explorer.prediction.classify import classify
from explorer.specs import parse_spec

from .pixels import noise
from .test_cli import run as command
from .test_models import random_weights
from .torchvision_stand_in import ADDRESS, redirect

CPU = torch.device("cpu")
FAMILIES = [import_module(f"torchvision.models.{name}") for name in ("vgg", "resnet", "googlenet")]


def theirs(source: Source) -> torch.nn.Module:
    """torchvision's network, without numbers."""
    options = {"init_weights": False} if source.model == "googlenet" else {}
    with torch.device("meta"):
        return models.get_model(source.model, **options).eval()


def test_every_enum_of_the_three_families_is_there() -> None:
    expected = {
        f"torchvision:{weights!r}"
        for module in FAMILIES
        for name in module.__all__
        if name.endswith("_Weights")
        for weights in getattr(module, name)
    }
    assert catalogue().keys() == expected
    assert len(expected) > 25


@pytest.mark.parametrize("name", catalogue())
def test_the_network_is_torchvisions_tensor_by_tensor(name: str) -> None:
    source = catalogue()[name]
    card = source.card()
    shapes = {key: tensor.shape for key, tensor in theirs(source).state_dict().items() if not key.startswith("aux")}
    ours = {key: tensor.shape for key, tensor in build(parse_spec(card.spec), "meta").state_dict().items()}
    assert ours == shapes
    own = next((family for family in ("vgg", "resnet", "googlenet") if source.model.startswith(family)), "torchvision")
    assert card.network_spec.family == own
    assert card.classes == tuple(source.weights.meta["categories"] or map(str, range(1000)))
    figures = source.weights.meta["_metrics"]["ImageNet-1K"]
    for k in (1, 5):
        if math.isnan(figures[f"acc@{k}"]):
            assert card.metrics == {}
        else:
            assert card.metrics[f"torchvision/top{k}"] == pytest.approx(figures[f"acc@{k}"] / 100)
    assert card.made_by["url"] == source.weights.url
    assert card.license is not None


def test_names() -> None:
    v1 = choose("ResNet50_Weights.IMAGENET1K_V1")
    assert v1.weights is models.ResNet50_Weights.IMAGENET1K_V1
    for name in ("resnet50", "torchvision:resnet50", "ResNet50_Weights", "torchvision:ResNet50_Weights.DEFAULT"):
        assert choose(name).weights is models.ResNet50_Weights.DEFAULT is models.ResNet50_Weights.IMAGENET1K_V2
    for name in ("alexnet", "AlexNet_Weights.DEFAULT", "", "../../x", "ResNet50_Weights.V9", "x" * 9999):
        with pytest.raises(InputError, match=r"^weights: torchvision has no .*; close names: torchvision:") as caught:
            find(f"torchvision:{name}")
        assert len(str(caught.value)) < 300


SIZES = [
    (500, 375),
    (375, 500),
    (256, 256),
    (224, 224),
    (257, 300),
    (640, 256),
    (33, 20),
    (3, 7),
    (1, 1),
    (1000, 40),
    (1463, 1099),
]
KINDS = [
    models.VGG16_Weights.IMAGENET1K_V1,  # resize 256
    models.ResNet50_Weights.IMAGENET1K_V2,  # resize 232
    models.VGG16_Weights.IMAGENET1K_FEATURES,  # another mean, standard deviation 1/255
]


@pytest.mark.parametrize("weights", KINDS, ids=repr)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_images_are_prepared_as_torchvisions_transforms_do(
    weights: models.WeightsEnum, width: int, height: int
) -> None:
    """Of a Pillow image, and noise is the worst: at most one value in forty differs, by one of 255 levels."""
    pixels = noise(3, height, width)
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    inputs = torchvision_weights.Source("vgg16", weights).card().inputs
    ours = Normalise(inputs, CPU)(fitted(pixels[None], inputs))[0]
    expected = weights.transforms()(picture)
    assert ours.shape == expected.shape == (3, 224, 224)
    level = 1 / (255 * torch.tensor(inputs.std)[:, None, None])
    apart = (ours - expected).abs() / level
    assert apart.max() < 1.001
    assert (apart > 0.001).float().mean() < 0.025


def test_googlenets_own_normalisation_is_in_the_card() -> None:
    """With weights torchvision's network changes its input first; the card says the same of the pixels."""
    weights = models.GoogLeNet_Weights.IMAGENET1K_V1
    source = choose("googlenet")
    network = theirs(source).to_empty(device="cpu")
    network.transform_input = True
    pixels = noise(1, 3, 300, 260)
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).numpy())
    expected = network._transform_input(weights.transforms()(picture)[None])
    inputs = source.card().inputs
    ours = Normalise(inputs, CPU)(fitted(pixels, inputs))
    assert (ours - expected).abs().max() < 1.001 / (255 * 0.5)
    assert ((ours - expected).abs() > 1e-5).float().mean() < 0.025


def test_a_long_strip_takes_no_more_memory_than_its_middle() -> None:
    inputs = Preprocessing(224, (0.5,), (0.5,), resize=256)
    image = torch.full((1, 1, 1, 65_536), 77, dtype=torch.uint8)
    assert (fitted(image, inputs) == 77).all()


Serve = Callable[..., str]
run_beside = beside.run


def here(_module: str, *arguments: str, watch: Callable[[float, int], None], **_options: object) -> str:
    """What the process prints, without the process."""
    watch(0.0, 0)
    with redirect_stdout(StringIO()) as printed:
        torchvision_worker.main(*arguments)
    return printed.getvalue()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Iterator[Serve]:
    """Serves content at an address for ResNet-18's or GoogLeNet's file; PyTorch's cache is a folder of the test's.

    What runs beside otherwise runs here: a process takes seconds to start.
    """
    servers = []
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(beside, "run", here)
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


def test_loader_cache_and_network_are_torchvisions(
    serve: Serve, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downloaded once, checked, converted in a process beside; the network answers as torchvision's does."""
    source = choose("resnet18")
    state = random_weights(theirs(source))
    old = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}  # as old files are
    address = serve(pickled(old, tmp_path / "file"))
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.setattr(torchvision_weights, "WORKER", "tests.unit.torchvision_stand_in")
    monkeypatch.setattr(beside, "run", run_beside)
    monkeypatch.setattr(torchvision_weights, "INHERITED", torchvision_weights.INHERITED | {ADDRESS})
    monkeypatch.setattr(torch, "load", None)  # not in this process
    told: list[tuple[str, int, int]] = []
    path = find("torchvision:resnet18", lambda *words: told.append(words))
    file = address.rpartition("/")[2]
    assert files(tmp_path / "torch") == [file]
    assert files(data_dir) == ["ResNet18_Weights.IMAGENET1K_V1.json", "ResNet18_Weights.IMAGENET1K_V1.safetensors"]
    assert {step for step, _done, _total in told} <= {f"downloading {file}", f"reading {file}"}
    assert all(0 <= done <= total for _step, done, total in told)
    network, card = load(path)
    assert card == source.card()
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

    monkeypatch.setattr(beside, "run", run)
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
    source = choose("resnet18")

    def run(*_arguments: str, watch: Callable[[float, int], None], environment: dict[str, str], **_more: object) -> str:
        assert "secret" not in str(environment)
        watch(50_000.0, 10**9)  # a download may take all day
        source.download.parent.mkdir(parents=True, exist_ok=True)
        source.download.write_bytes(b"whole")
        watch(50_001.0, 10**9)
        watch(50_001.0 + seconds, used)
        raise AssertionError

    monkeypatch.setattr(beside, "run", run)
    with pytest.raises(InputError, match=f"reading resnet18.* took {words}"):
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


def test_code_in_the_file_does_not_run(serve: Serve, tmp_path: Path, data_dir: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)

    serve(pickled({"conv1.weight": Evil()}, tmp_path / "file"))
    with pytest.raises(InputError, match=r"torchvision:ResNet18_Weights"):
        find("torchvision:resnet18")
    assert not (tmp_path / "ran").exists()
    assert files(data_dir) == []
