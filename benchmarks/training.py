"""The speed of the training loop, compared with a typical loop and with the bound, in one interleaved run.

    python -m benchmarks.training [--rounds 5] [--seconds 4]

* explorer: the product's loop as in ``train``, with its metrics logger, on images in memory
* usual: PIL images, torchvision's transforms, a DataLoader with the best number of workers (0, 1 or 2), float32, and
  PyTorch's optimizer with its defaults
* bound: forward, backward and step on the same batch again and again, in explorer's precision and memory format

It prints medians of images per second, and explorer's ratio to each. Run it alone on the machine.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

from explorer.data import Dataset, Split
from explorer.families import Spec, resolve
from explorer.families.building import build
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import RunDirectory
from explorer.recipes import resolve as resolve_recipe
from explorer.training.loop import step, train_epoch
from explorer.training.metrics_logger import MetricsLogger
from explorer.training.setup import PreparedTraining, prepare
from explorer.training.worker import WorkerCallback

IMAGES = 5_000
# network, recipe, changes to the recipe
TASKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("vgg16-cifar10", "r0", {}),
    ("vgg16-cifar10", "r0", {"batch_size": 128}),
    ("resnet20", "r1", {"augment": ["crop", "flip"]}),
    ("mnist-cnn", "r3", {"augment": [], "batch_size": 64, "mean": [0.1307], "std": [0.3081]}),
)
AUGMENTATIONS: dict[str, Callable[[int], Any]] = {
    "random_resized_crop": transforms.RandomResizedCrop,
    "crop": lambda size: transforms.RandomCrop(size, padding=size // 8),
    "flip": lambda _size: transforms.RandomHorizontalFlip(),
}

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


def dataset(spec: Spec) -> Dataset:
    """Returns noise, because the time does not depend on the content of images."""
    random = torch.Generator().manual_seed(0)
    shape = (IMAGES, *spec.input_shape)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
    split = Split(images, torch.arange(IMAGES) % spec.num_classes)
    names = tuple(map(str, range(spec.num_classes)))
    return Dataset("noise", names, spec.in_channels, mirrored=True, train=split, test=split.take(torch.arange(100)))


Contestant = Generator[float, float]  # receives seconds, yields images per second


def explorer(prepared: PreparedTraining, folder: Path) -> Contestant:
    training = prepared.training
    logger = MetricsLogger(RunDirectory(folder), {}, prepared.card)
    logger.open(training, prepared.dataset.classes)
    watch = WorkerCallback(logger)
    seconds = yield 0.0
    while True:
        begin, epochs = time.perf_counter(), 0
        while time.perf_counter() < begin + seconds:
            train_epoch(training, watch)
            training.epoch, training.batch, epochs = training.epoch + 1, 0, epochs + 1
        seconds = yield epochs * training.batches.images / (time.perf_counter() - begin)


def bound(prepared: PreparedTraining) -> Contestant:
    training = prepared.training
    batch = next(iter(training.batches.epoch(0)))
    training.network.train()
    seconds = yield 0.0
    while True:
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() < begin + seconds:
            step(training, batch)
            steps += 1
        seconds = yield steps * batch.total / (time.perf_counter() - begin)


class Pictures(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Images that are converted to PIL's and back one by one, as in torchvision's CIFAR10."""

    def __init__(self, split: Split, transform: Any) -> None:
        assert isinstance(split.images, Tensor)
        self.arrays = split.images.permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.labels = split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


def usual(job: Job, prepared: PreparedTraining, workers: int) -> Contestant:
    recipe, spec = prepared.job.recipe, job.spec
    assert recipe.mean is not None
    assert recipe.std is not None
    transform = transforms.Compose(
        [
            *(AUGMENTATIONS[name](spec.sides.height) for name in recipe.augment or ()),
            transforms.ToTensor(),
            transforms.Normalize(recipe.mean, recipe.std),
        ]
    )
    pictures = Pictures(prepared.dataset.train, transform)
    loader = DataLoader(pictures, recipe.batch_size, shuffle=True, num_workers=workers)
    network = build(spec)
    optimizer = OPTIMIZERS[recipe.optimizer](network.parameters(), recipe.lr)
    loss_of = nn.CrossEntropyLoss()

    def batches() -> Generator[list[Tensor]]:
        while True:
            yield from loader

    seconds = yield 0.0
    while True:
        images, begin = 0, 0.0
        source = batches()
        for number, (pixels, labels) in enumerate(source):
            if number == 2 * workers:  # batches that were ready before do not count
                images, begin = 0, time.perf_counter()
            loss = loss_of(network(pixels), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            images += len(labels)
            if begin and time.perf_counter() > begin + seconds:
                break
        speed = images / (time.perf_counter() - begin)
        source.close()
        seconds = yield speed


def measure(name: str, recipe: str, changes: dict[str, Any], rounds: int, seconds: float) -> None:
    spec = resolve(name)
    job = Job.new(spec, "noise", resolve_recipe(recipe).changed(**changes), Resources(device="cpu"))
    speeds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(job, dataset(spec))
        contestants = {
            "explorer": explorer(prepared, Path(folder)),
            "bound": bound(prepare(job, dataset(spec))),
            **{f"usual, {workers} workers": usual(job, prepared, workers) for workers in (0, 1, 2)},
        }
        for contestant in contestants.values():
            next(contestant)
            contestant.send(seconds / 4)  # warms up
        for _round in range(rounds):
            for title, contestant in contestants.items():
                torch.set_flush_denormal(not title.startswith("usual"))  # as the worker does, and few others do
                speeds.setdefault(title, []).append(contestant.send(seconds))
    medians = {title: statistics.median(values) for title, values in speeds.items()}
    best = max((title for title in medians if title.startswith("usual")), key=lambda title: medians[title])
    ours, plan = medians["explorer"], prepared.training.plan
    print(
        f"| {name} at {job.recipe.batch_size} | {str(plan.dtype).removeprefix('torch.')} | {ours:,.0f} | "
        f"{medians[best]:,.0f} ({best.removeprefix('usual, ')}) | {ours / medians[best]:.2f} | "
        f"{medians['bound']:,.0f} | {ours / medians['bound']:.0%} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="images per second of the training loop beside its peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    print("| network, batch | precision | explorer | usual loop | ratio | bound | share |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, recipe, changes in TASKS:
        measure(name, recipe, changes, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
