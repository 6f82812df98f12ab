"""Well-known mistakes, made on purpose, with the message of PyTorch and the message of this product.

Everything is computed: PyTorch's errors are raised by PyTorch, the sentences come from this product's own importer and
recipes, and the accuracies from networks and images that it ships.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.data import load
from explorer.data.dataset import Split
from explorer.errors import InputError
from explorer.families import PRESETS, Spec
from explorer.families.building import build
from explorer.prediction.networks import Network, shipped
from explorer.recipes import Recipe
from explorer.training.batches import Batch, EvaluationBatches, Placement, TrainingBatches
from explorer.weights.importing.checkpoint import Checkpoint
from explorer.weights.importing.importing import propose
from explorer.weights.importing.wrappers import unwrap

NETWORK, DATASET = "digits-cnn", "digits"
TIMES = 4  # the wrong head reads so many times as many features as arrive
BATCH_SIZES = (128, 32, 8, 4, 2)
EVALUATIONS = 3
CROPS = 4  # augmented images that are shown
PLACEMENT = Placement(torch.device("cpu"), torch.contiguous_format)
EPOCHS, RATES = 6, (0.1, 0.0001)
USED_RATE = 0.001  # whatever the flag says
CHANCE_CLASSES = 10
UNSEEN = 2_000  # images that have no part in the choice


class MistakeOptions(NamedTuple):
    """Options of the mistakes.

    Attributes:
        width: Channels of the first convolution.
        candidates: Number of programs to choose from.
        images: Number of test images for the choice.
        seed: Seed of everything that is random.
    """

    width: int
    candidates: int
    images: int
    seed: int


class Finding(NamedTuple):
    """The consequences of a mistake.

    Attributes:
        evidence: Lines that a user sees after the mistake.
        sentence: Message of this product; empty if there is no error.
        values: Numbers for the text, by name.
        series: Points of the curves, by name.
        pictures: Grey values of pictures, (H, W) each.
    """

    evidence: str
    sentence: str = ""
    values: dict[str, float] = {}  # noqa: RUF012  never changed
    series: dict[str, list[tuple[float, float]]] = {}  # noqa: RUF012  never changed
    pictures: tuple[list[list[int]], ...] = ()


def small_vgg(width: int) -> Spec:
    """Returns a small VGG whose last map has one pixel."""
    cfg = [width, "M", 2 * width, "M", 4 * width, "M", 8 * width, "M", 8 * width, "M"]
    return PRESETS["lenet5"].spec.changed(
        cfg=cfg, classifier=[], pool_to=None, batch_norm=True, in_channels=3, image_size=32, num_classes=10
    )


def head(options: MistakeOptions) -> Finding:
    """The last linear layer reads more features than arrive."""
    spec = small_vgg(options.width)
    network = build(spec).eval()
    name, last = next((name, one) for name, one in network.named_modules() if isinstance(one, nn.Linear))
    wrong = nn.Linear(TIMES * last.in_features, last.out_features)
    parent, _dot, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, wrong)
    try:
        with torch.inference_mode():
            network(torch.zeros(1, *spec.input_shape))
    except RuntimeError as error:
        evidence = f"RuntimeError: {error}"
    try:
        propose(Checkpoint(network.state_dict(), ordered=True), "homework.pt", spec)
    except InputError as error:
        sentence = str(error)
    return Finding(evidence, sentence, {"reads": wrong.in_features, "arrive": last.in_features})


def module(options: MistakeOptions) -> Finding:
    """All names begin with ``module.``, because the network was wrapped for several GPUs when it was saved."""
    network = build(small_vgg(options.width))
    saved = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    try:
        network.load_state_dict(saved)
    except RuntimeError as error:
        lines = [line if len(line) < 150 else f"{line[:150]} …" for line in str(error).splitlines()]
    found = unwrap({"net": saved, "epoch": 50})
    return Finding(
        "\n".join(["RuntimeError: " + lines[0], *lines[1:]]),
        "; ".join(found.notes),
        {"tensors": len(found.tensors), "weights": sum(one.numel() for one in found.tensors.values())},
    )


def augmented(options: MistakeOptions) -> Finding:
    """The test images go through the random changes that are meant for training."""
    network, split = shipped(NETWORK), _test_images()
    batches = TrainingBatches(split, network.card.inputs, ["crop", "rotation"], 128, options.seed, PLACEMENT)
    shares = [_share(network.module, batches.epoch(number)) for number in range(EVALUATIONS)]
    first = next(iter(batches.epoch(0)))
    return Finding(
        "\n".join(f"evaluation {number}: {share:.1%}" for number, share in enumerate(shares, 1)),
        values={"plain": _plain(network), "least": min(shares), "most": max(shares)},
        pictures=tuple(_grey(image) for image in first.images[:CROPS]),
    )


def mode(options: MistakeOptions) -> Finding:
    """The network is evaluated in training mode, so batch norm takes the statistics of the batch."""
    network, split = shipped(NETWORK), _test_images()
    training = deepcopy(network.module).train()  # its running statistics change, so it is a copy
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(options.seed))
    shares = {
        size: _share(training, EvaluationBatches(split.take(order), network.card.inputs, size, PLACEMENT).batches())
        for size in BATCH_SIZES
    }
    return Finding(
        "\n".join(f"batch size {size:>3}: {share:.1%}" for size, share in shares.items()),
        values={"plain": _plain(network), "small": shares[BATCH_SIZES[-1]], "size": BATCH_SIZES[-1]},
        series={"": [(size, share) for size, share in sorted(shares.items())]},
    )


def rate(options: MistakeOptions) -> Finding:
    """A training program has a flag for the learning rate, and never gives its value to the optimizer."""
    series = {f"--lr {flag}": _program(flag, options) for flag in RATES}
    try:
        Recipe.parse({"learning_rate": RATES[0]})
    except InputError as error:
        sentence = str(error)
    rows = "\n".join(f"--lr {flag}: " + ", ".join(f"{share:.2%}" for _epoch, share in series[f"--lr {flag}"])
                     for flag in RATES)  # fmt: skip
    last = series[f"--lr {RATES[0]}"][-1][1]
    return Finding(rows, sentence, {"last": last, "epochs": EPOCHS}, series)


def choice(options: MistakeOptions) -> Finding:
    """The best of many guessing programs is chosen on the test set."""
    random = torch.Generator().manual_seed(options.seed)

    def guesses(images: int) -> Tensor:
        # By lot, an answer is right in one of ten cases, whatever the image.
        return torch.randint(CHANCE_CLASSES, (options.candidates, images), generator=random) == 0

    test, unseen = (guesses(count).float().mean(1) for count in (options.images, UNSEEN))
    best = int(test.argmax())
    leaders = [int(test[:count].argmax()) for count in range(1, options.candidates + 1)]
    steps = range(1, options.candidates + 1)
    return Finding(
        f"best of {options.candidates}: {float(test[best]):.1%}",
        values={"test": float(test[best]), "unseen": float(unseen[best]), "mean": float(test.mean())},
        series={
            "test": [(step, float(test[leader])) for step, leader in zip(steps, leaders, strict=True)],
            "unseen": [(step, float(unseen[leader])) for step, leader in zip(steps, leaders, strict=True)],
        },
    )


CASES = {"head": head, "module": module, "augmented": augmented, "mode": mode, "rate": rate, "choice": choice}


@lru_cache(maxsize=64)
def find(case: str, options: MistakeOptions) -> Finding:
    """Makes a mistake. The caller holds a semaphore slot."""
    return CASES[case](options)


def _test_images() -> Split:
    return load(DATASET).test


def _plain(network: Network) -> float:
    batches = EvaluationBatches(_test_images(), network.card.inputs, 128, PLACEMENT).batches()
    return _share(network.module, batches)


def _share(network: nn.Module, batches: Any) -> float:
    """Share of right answers. Each batch holds images and labels."""
    right = count = 0
    batch: Batch
    with torch.inference_mode():
        for batch in batches:
            right += int((network(batch.images).argmax(1) == batch.labels).sum())
            count += len(batch.labels)
    return right / count


def _grey(image: Tensor) -> list[list[int]]:
    values = image[0] - image[0].min()
    levels: list[list[int]] = (255 * values / values.max().clamp(min=1e-6)).round().int().tolist()
    return levels


def _program(flag: float, options: MistakeOptions) -> list[tuple[float, float]]:
    """Trains a linear classifier as a program with a useless flag would, and returns its accuracy by epoch."""
    del flag  # this is the mistake
    split = load(DATASET).train
    pixels = torch.as_tensor(split.take(torch.arange(500)).images).flatten(1).float() / 255
    labels = split.labels[:500]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network = nn.Linear(pixels.shape[1], 10)
    optimizer = torch.optim.Adam(network.parameters(), lr=USED_RATE)
    shares = []
    for epoch in range(1, EPOCHS + 1):
        with torch.enable_grad():
            for start in range(0, len(pixels), 25):
                optimizer.zero_grad()
                cross_entropy(network(pixels[start : start + 25]), labels[start : start + 25]).backward()
                optimizer.step()
        with torch.inference_mode():
            shares.append((float(epoch), float((network(pixels).argmax(1) == labels).float().mean())))
    return shares
