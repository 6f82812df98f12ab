"""Weights: the times of loading and importing, and the memory after a hundred networks.

    python -m benchmarks.weights [--rounds 9]

Tensors: from a weights file with its card, compared with ``torch.load`` of the same tensors. Network: in addition, both
sides load them into the same network on meta. Our files are mapped, so numbers are read at their first use; a third
comparison therefore reads all numbers. The files are in the system's cache.

Importing is ``import_checkpoint`` of ResNet-50's 25.6 M parameters in a ``.pth``, compared with a process that only has
the imports of the reading process. All run alternately. Run it alone on the machine.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import psutil
import torch
from torch import nn

from explorer.families import resolve
from explorer.families.building import build
from explorer.weights.files import Card, load, read, save
from explorer.weights.importing.importing import import_checkpoint

NAMES = ("resnet20", "resnet50", "vgg16")
CHILD = "from explorer.weights.importing import pickles, reader, tied_weights; import safetensors.torch, torch"
MANY = 100


def weights(folder: Path, name: str) -> tuple[Path, Path]:
    """Writes the same tensors as a weights file and as a ``.pth``, and returns both paths."""
    spec = resolve(name)
    tensors = build(spec).state_dict()
    size = {"size": spec.image_size, "mean": [0.5], "std": [0.5]}
    card = Card(name=name, spec=spec.to_dict(), classes=tuple(map(str, range(spec.num_classes))), preprocessing=size)
    ours, theirs = folder / f"{name}.safetensors", folder / f"{name}.pth"
    save(ours, tensors, card)
    torch.save(tensors, theirs)
    return ours, theirs


def load_with_pytorch(name: str, path: Path) -> nn.Module:
    """Loads a network as usual in PyTorch: the network on meta, and then the tensors of the file."""
    network = build(resolve(name), "meta")
    network.load_state_dict(torch.load(path, weights_only=True), assign=True)
    return network.eval()


def touch(network: nn.Module) -> None:
    for tensor in network.state_dict().values():
        tensor.max()


def touch_loaded(path: Path) -> None:
    touch(load(path)[0])


def touch_filled(name: str, path: Path) -> None:
    touch(load_with_pytorch(name, path))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def interleaved(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Runs the functions alternately, and returns the median seconds of each after one round to warm up."""
    taken = [[seconds(work) for work in works] for _round in range(rounds + 1)]
    return [median(column) for column in zip(*taken[1:], strict=True)]


def loading(folder: Path, rounds: int) -> None:
    for name in NAMES:
        ours, theirs = weights(folder, name)
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "tensors": (partial(read, ours), partial(torch.load, theirs, weights_only=True)),
            "network": (partial(load, ours), partial(load_with_pytorch, name, theirs)),
            "network, all numbers read": (
                partial(touch_loaded, ours),
                partial(touch_filled, name, theirs),
            ),
        }
        taken = interleaved(rounds, *(work for pair in pairs.values() for work in pair))
        for what, mine, peer in zip(pairs, taken[::2], taken[1::2], strict=True):
            print(f"{name}, {what}: {1000 * mine:.1f} ms, PyTorch {1000 * peer:.1f} ms, ratio {mine / peer:.2f}")


def importing(folder: Path, rounds: int) -> None:
    _ours, theirs = weights(folder, "resnet50")

    def start() -> None:
        subprocess.run([sys.executable, "-c", CHILD], check=True, cwd=Path(__file__).parents[1])

    def run_import() -> None:
        import_checkpoint(theirs, folder / "imported.safetensors", name=theirs.name, answers={})

    bare, whole = interleaved(rounds, start, run_import)
    print(f"import of resnet50.pth: {whole:.2f} s; bare start of the child {bare:.2f} s, ratio {whole / bare:.2f}")


def memory(folder: Path) -> None:
    paths = [folder / f"{name}.safetensors" for name in ("resnet20", "resnet50")]
    used = {}
    for number in range(1, MANY + 1):
        network, card = load(paths[number % len(paths)])
        spec = card.network_spec
        with torch.inference_mode():
            network(torch.zeros(1, *spec.input_shape))
        del network
        if number in {MANY // 10, MANY}:
            gc.collect()
            used[number] = psutil.Process().memory_info().rss / 1e6
    first, last = used.values()
    print(f"memory after {MANY // 10} networks {first:.0f} MB, after {MANY} {last:.0f} MB, ratio {last / first:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="weights: loading, importing, memory")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loading(folder, rounds)
        importing(folder, rounds)
        memory(folder)


if __name__ == "__main__":
    main()
