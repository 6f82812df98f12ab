"""The time of a full analysis, compared with other tools in one interleaved run.

    python -m benchmarks.analysis [--rounds 9]

``explorer`` starts from a spec without caches: it builds the network, and computes all numbers, receptive fields,
training memory and warnings. The other tools get the same network from torchvision (ResNet-110 from us), and count
only parameters and MACs:

* torchinfo in its usual form: the network on the CPU, then ``summary``
* fvcore ``FlopCountAnalysis`` and ptflops ``get_model_complexity_info``: the network on the CPU
* torchinfo on meta: network and ``summary`` on the meta device, the least time for such counts

It prints medians in milliseconds, and ratios to explorer. Run it alone on the machine.
"""

import argparse
import contextlib
import gc
import io
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torchinfo
import torchvision
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from torch import nn

from explorer.analysis import analyse
from explorer.analysis.summary import clear_caches
from explorer.families import resolve
from explorer.families.building import build

NETWORKS = {"vgg16": "vgg16", "resnet152": "resnet152", "googlenet": "googlenet", "resnet110": None}


def make_network(name: str) -> nn.Module:
    theirs = NETWORKS[name]
    if theirs is None:
        return build(resolve(name), torch.get_default_device())
    options: dict[str, Any] = {"init_weights": True} if theirs == "googlenet" else {}
    network: nn.Module = torchvision.models.get_model(theirs, weights=None, **options)
    return network.eval()


def explorer(name: str) -> None:
    clear_caches()
    analyse(resolve(name))


def torchinfo_cpu(name: str) -> None:
    torchinfo.summary(make_network(name), input_size=shape(name), verbose=0)


def torchinfo_meta(name: str) -> None:
    with torch.device("meta"):
        network = make_network(name)
    torchinfo.summary(network, input_data=torch.empty(shape(name), device="meta"), verbose=0)


def fvcore(name: str) -> None:
    FlopCountAnalysis(make_network(name).eval(), torch.rand(shape(name))).total()


def ptflops(name: str) -> None:
    get_model_complexity_info(make_network(name), shape(name)[1:], print_per_layer_stat=False, as_strings=False)


def shape(name: str) -> tuple[int, ...]:
    spec = resolve(name)
    return (1, *spec.input_shape)


CONTESTANTS: dict[str, Callable[[str], None]] = {
    "explorer": explorer,
    "torchinfo CPU": torchinfo_cpu,
    "fvcore": fvcore,
    "ptflops": ptflops,
    "torchinfo meta": torchinfo_meta,
}


def timed(function: Callable[[str], None], name: str) -> float:
    gc.collect()
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        function(name)
        return time.perf_counter() - start


def main(rounds: int) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    gc.collect()
    gc.freeze()  # as the app does after its imports; all tools gain
    print(f"medians of {rounds} rounds in ms, and how many times explorer's; torch {torch.__version__}")
    print(f"{'':12}" + "".join(f"{contestant:>24}" for contestant in CONTESTANTS) + f"{'explorer, repeated':>24}")
    for name in NETWORKS:
        times: dict[str, list[float]] = {contestant: [] for contestant in CONTESTANTS}
        again = []
        for number in range(rounds + 1):
            for contestant, function in CONTESTANTS.items():
                took = timed(function, name)
                if number:  # the first round warms up
                    times[contestant].append(took)
            analyse(resolve(name))
            start = time.perf_counter()
            analyse(resolve(name))
            again.append(time.perf_counter() - start)
        medians = {contestant: statistics.median(values) for contestant, values in times.items()}
        cells = [f"{median * 1e3:14.1f} ({median / medians['explorer']:6.2f}x)" for median in medians.values()]
        print(f"{name:12}" + "".join(cells) + f"{statistics.median(again) * 1e3:24.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    main(parser.parse_args().rounds)
