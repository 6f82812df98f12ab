"""Loaded networks with their weights, shared by all sessions of the process, with a limit on memory."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Condition, Lock

import torch
from cachetools import LRUCache, cached
from torch import nn

from explorer.analysis import Analysis, analyse
from explorer.errors import InputError
from explorer.families.building import build
from explorer.i18n import _
from explorer.specs.size import Size
from explorer.weights import files, heads, registry
from explorer.weights.files import Card
from explorer.weights.registry import RegistryEntry

CACHE_BYTES = 1_500_000_000  # of weights: VGG-16 takes 550 MB
MAX_RESIZED = 2  # networks at another image size; their weights take memory in addition to CACHE_BYTES
MIN_BYTES = CACHE_BYTES // 100  # counted for a small network, because networks take memory besides their weights

_loading = Lock()  # one at a time: loading takes twice the memory of the weights


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network.

    Attributes:
        module: Network in evaluation mode, on the CPU. Whoever computes with it holds a semaphore slot
            (:mod:`explorer.workers.semaphore`), and sets hooks only on a copy (:mod:`explorer.prediction.hooks`).
        card: Card of its weights.
        name: Name in the list of weights.
        path: Path of the weights file.
        key: Key of the network in caches. It holds no reference to the network.
    """

    module: nn.Module
    card: Card
    name: str
    path: Path
    key: Hashable = field(default_factory=object, repr=False)

    @cached_property
    def analysis(self) -> Analysis:
        """Analysis of its layers."""
        return analyse(self.card.network_spec)

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        return sum(tensor.nbytes for tensor in self.module.state_dict().values())


def network(entry: RegistryEntry) -> Network:
    """Loads the network of weights in the registry.

    Raises:
        InputError: If the file is damaged, or was removed after the list was made.
    """
    return _of_file(entry.name, entry.path)


def shipped(name: str) -> Network:
    """Loads a network that the product ships, without a list of all weights, which takes seconds the first time.

    Raises:
        InputError: If there is no such network.
    """
    return _of_file(name, registry.PRETRAINED / f"{name}{registry.SUFFIX}")


def with_random_weights(network: Network, seed: int) -> Network:
    """Returns the same network with PyTorch's initial weights. The global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return replace(network, module=build(network.card.network_spec).eval(), key=object())


def _of_file(name: str, path: Path) -> Network:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(
            _("weights: {name} can't be read: {reason}").format(name=name, reason=error.strerror)
        ) from None
    return _loaded(name, path, status.st_mtime_ns, status.st_size)


def at_size(network: Network, size: int | Size | None) -> Network:
    """Returns the same network for images of another size.

    Args:
        network: Network.
        size: Size of the images in pixels. None keeps the size of the card.

    Raises:
        InputError: If the weights do not allow that size.
    """
    return network if size is None or size == network.card.inputs.size else _at_size(network, size)


@cached(LRUCache(MAX_RESIZED), key=lambda network, size: (network.key, size), lock=Lock())
def _at_size(network: Network, size: int | Size) -> Network:
    return replace(network, card=heads.at_size(network.card, size), key=object())


@cached(LRUCache(CACHE_BYTES, getsizeof=lambda network: max(network.memory, MIN_BYTES)), condition=Condition())
def _loaded(name: str, path: Path, _changed: int, _size: int) -> Network:
    with _loading:
        module, card = files.load(path)
    return Network(module, card, name, path)
