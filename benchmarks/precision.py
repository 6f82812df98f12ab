"""The network size from which on bf16 is faster on this processor: the basis of ``WORTH_CASTING`` in
``explorer/training/devices.py``.

    python -m benchmarks.precision [--seconds 6]

It alternates between forward, backward and step on one batch in float32 and under bf16 autocast, both channels last,
and prints the fastest of each in milliseconds. Run it alone on the machine.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from explorer.families import resolve
from explorer.families.building import build
from explorer.training.dry_run import forward_macs

TASKS = (
    ("digits-cnn", 64),
    ("mnist-cnn", 64),
    ("cnn-cifar10", 64),
    ("cnn-cifar10", 256),
    ("vgg16-cifar10", 8),
    ("vgg16-cifar10", 32),
    ("resnet20", 32),
    ("resnet20", 128),
)


def stepper(name: str, batch: int, *, cast: bool) -> Callable[[], None]:
    """Returns a function that trains one step."""
    spec = resolve(name)
    network = build(spec).to(memory_format=torch.channels_last)
    images = torch.rand(batch, *spec.input_shape)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, spec.num_classes, (batch,))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=cast):
            loss = cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def fastest(steps: list[Callable[[], None]], seconds: float) -> list[float]:
    """Runs the steps alternately, and returns the least time of each in seconds."""
    least = [float("inf")] * len(steps)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for index, step in enumerate(steps):
            begin = time.perf_counter()
            step()
            least[index] = min(least[index], time.perf_counter() - begin)
    return least


def main(seconds: float) -> None:
    """Prints the table."""
    torch.set_flush_denormal(True)
    print("| network, batch | MACs of a batch | float32 | bf16 | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name, batch in TASKS:
        plain, low = fastest([stepper(name, batch, cast=cast) for cast in (False, True)], seconds)
        macs = forward_macs(resolve(name)) * batch
        print(
            f"| {name} at {batch} | {macs / 1e6:,.0f} M | {plain * 1e3:.2f} | {low * 1e3:.2f} | {plain / low:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    main(parser.parse_args().seconds)
