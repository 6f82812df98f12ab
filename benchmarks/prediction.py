"""The overhead of a prediction over the network's forward pass, and the times of ten sessions that predict at once.

    python -m benchmarks.prediction [--rounds 9] [--images 64] [--sessions 10] [--seconds 30]

* one image: from the bytes of a JPEG (500 x 375 pixels) to probabilities, compared with the forward pass of the same
  network for one tensor. Aim: an overhead of less than 10% plus 20 ms.
* a batch: the code of the command over JPEG files, compared with a plain loop of Pillow, torchvision's transforms and
  the same network with the same batches, without a DataLoader. Aim: not slower.
* sessions: each opens the page over a WebSocket, like a browser, with another image each time, and asks again after 1
  to 3 s. The clock runs until the script of the page has ended, with its reasons. The memory is the server's.

The weights are random, because the answers do not matter. Run it alone on the machine.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import torch
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from torch import Tensor, nn
from torchvision.transforms import v2
from websockets.typing import Subprotocol

from benchmarks.page import served
from benchmarks.weights import interleaved
from explorer.families import resolve
from explorer.families.building import build
from explorer.prediction.answers import ask
from explorer.prediction.classify import batch_size
from explorer.prediction.image_files import predict
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.settings import settings
from explorer.weights.files import Card, load, save

NETWORKS = {"resnet20": 32, "vgg16": 224, "resnet50": 224}
SHARE, MORE = 0.10, 0.020  # allowed overhead: share of the forward pass, plus seconds
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DIGITS = 359  # test images of the bundled digits


def write(name: str, folder: Path) -> Path:
    """Writes random weights of a network with a card."""
    spec = resolve(name).changed(image_size=NETWORKS[name], num_classes=1000)
    torch.manual_seed(0)
    preprocessing = {"size": NETWORKS[name], "mean": MEAN, "std": STD}
    classes = tuple(f"class {number}" for number in range(1000))
    card = Card(name=name, spec=spec.to_dict(), classes=classes, preprocessing=preprocessing)
    save(folder / f"{name}.safetensors", build(spec).state_dict(), card)
    return folder / f"{name}.safetensors"


def photographs(folder: Path, number: int) -> list[Path]:
    """Writes JPEGs with smooth shapes and some noise, which compress like photographs."""
    dice = np.random.default_rng(0)
    paths = []
    for index in range(number):
        coarse = Image.fromarray(dice.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375))
        noisy = np.asarray(coarse) + dice.normal(0, 6, (375, 500, 3))
        paths.append(folder / f"{index}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def one_image(network: Network, path: Path, rounds: int) -> None:
    card, data, number = network.card, path.read_bytes(), count()
    tensor = torch.randn(1, 3, *card.inputs.sides)

    def bare() -> None:
        with torch.inference_mode():
            network.module(tensor)

    def ours() -> None:
        (answer,) = ask(network, [Picture.of_file("p", next(number), data)], lambda _ahead: None)
        assert answer.probabilities is not None

    forward, whole = interleaved(rounds, bare, ours)
    beyond, most = whole - forward, SHARE * forward + MORE
    print(
        f"{network.name:10} {card.inputs.size:4} px  forward {1000 * forward:7.1f} ms  whole {1000 * whole:7.1f} ms  "
        f"beyond {1000 * beyond:6.1f} ms of {1000 * most:.1f}: {'within' if beyond <= most else 'beyond'}",
        flush=True,
    )


def plain(module: nn.Module, card: Card, paths: list[Path]) -> None:
    """Predicts with a typical loop: Pillow, torchvision's transforms, batches."""
    size = card.inputs.size
    prepare = v2.Compose(
        [v2.Resize((size, size)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    )
    step = batch_size(card)
    for first in range(0, len(paths), step):
        images: list[Tensor] = []
        for path in paths[first : first + step]:
            with Image.open(path) as image:
                images.append(prepare(image.convert("RGB")))
        with torch.inference_mode():
            module(torch.stack(images)).softmax(1).topk(5)


def a_batch(network: Network, paths: list[Path], rounds: int) -> None:
    def ours() -> None:
        for prediction in predict(network, paths, 5):
            assert prediction.top

    works: list[Callable[[], object]] = [ours, partial(plain, network.module, network.card, paths)]
    mine, theirs = interleaved(rounds, *works)
    print(
        f"{network.name:10} {len(paths)} JPEGs  {len(paths) / mine:7.1f} images/s, a plain loop "
        f"{len(paths) / theirs:7.1f}: {theirs / mine:.2f} times its speed",
        flush=True,
    )


async def session(address: str, name: str, number: int, end: float, took: list[float]) -> None:
    """Sends the messages of a browser: it opens the page, with another image each time."""
    dice = random.Random(number)  # noqa: S311  pauses between clicks, no secrets
    stream = f"{address.replace('http', 'ws')}/_stcore/stream"
    async with websockets.connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:
        for index in count():
            await asyncio.sleep(dice.uniform(1, 3))
            if time.monotonic() > end:
                return
            message = BackMsg()
            state = message.rerun_script
            image = (37 * number + index) % DIGITS
            state.query_string = f"weights={name}&source=data&data=digits&index={image}"
            state.page_name = "predict"
            headings, begun = list[str](), time.perf_counter()
            await socket.send(message.SerializeToString())
            async for data in socket:
                answer = ForwardMsg.FromString(data)
                headings.append(answer.delta.new_element.heading.body)
                if answer.WhichOneof("type") == "script_finished":
                    break
            assert f"digits {image}" in headings, f"no answer, {headings}"
            if index:  # the first opens the page
                took.append(time.perf_counter() - begun)


async def at_once(folder: Path, name: str, sessions: int, seconds: float) -> None:
    os.environ |= {"EXPLORER_WEIGHTS_DIR": str(folder), "EXPLORER_RUNS_DIR": str(folder / "runs")}
    settings.cache_clear()
    with served("streamlit_app.py") as address:
        (server,) = psutil.Process().children()
        await ready(address)
        before, most, took = server.memory_info().rss, 0, list[float]()
        end = time.monotonic() + seconds
        tasks = asyncio.gather(*(session(address, name, number, end, took) for number in range(sessions)))
        while not tasks.done():
            most = max(most, server.memory_info().rss)
            await asyncio.sleep(0.2)
        await tasks
    took.sort()
    slow = took[min(len(took) - 1, int(0.95 * len(took)))]
    print(
        f"{sessions} sessions with {name}, {len(took)} predictions in {seconds:g} s: "
        f"p50 {statistics.median(took):.2f} s, p95 {slow:.2f} s, most {took[-1]:.2f} s; "
        f"memory {before / 1e6:,.0f} MB before, {most / 1e6:,.0f} MB at most"
    )


async def ready(address: str) -> None:
    """Waits until the server has started and finished its imports."""
    while True:
        try:
            await session(address, "digits-cnn", 0, time.monotonic() + 3, [])
        except OSError:
            await asyncio.sleep(0.5)
        else:
            return


def main(rounds: int, images: int, sessions: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        paths = photographs(folder, max(images, 1))
        for name in NETWORKS:
            network = Network(*load(write(name, folder)), name, folder / f"{name}.safetensors")
            if rounds:
                one_image(network, paths[0], rounds)
                a_batch(network, paths, max(rounds // 3, 1))
        if sessions:
            for name in ("resnet20", "resnet50"):
                asyncio.run(at_once(folder, name, sessions, seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    main(given.rounds, given.images, given.sessions, given.seconds)
