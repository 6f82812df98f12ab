"""Networks with their weights that are loaded, shared by all sessions of the process and bounded in memory."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Condition, Lock

from cachetools import LRUCache, cached
from torch import nn

from explorer.analysis import Analysis, analyse
from explorer.errors import InputError
from explorer.i18n import _
from explorer.weights import files, heads
from explorer.weights.files import Card
from explorer.weights.registry import Entry

MEMORY = 1_500_000_000  # bytes of weights that are kept: VGG-16 takes 550 MB
RESIZED = 2  # networks that are asked at another size: they keep their weights in memory beside those
MOST = 100  # networks that are kept: what they take beside their weights is bounded, too

_loading = Lock()  # one at a time: each takes twice its weights while it is read


@dataclass(frozen=True, eq=False)
class Network:
    """A network that can be asked.

    Attributes:
        module: in evaluation mode, on the CPU; who computes with it holds a turn
            (:mod:`explorer.workers.semaphore`), and sets hooks on a copy alone (:mod:`explorer.prediction.hooks`).
        card: of its weights.
        name: in the list of weights.
        path: of the file.
        key: stands for it in caches, which must not keep it alive.
    """

    module: nn.Module
    card: Card
    name: str
    path: Path
    key: Hashable = field(default_factory=object, repr=False)

    @cached_property
    def analysis(self) -> Analysis:
        """The numbers of its layers."""
        return analyse(self.card.network_spec)

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        return sum(tensor.nbytes for tensor in self.module.state_dict().values())


def network(entry: Entry) -> Network:
    """The network of weights in the list, whose file is there.

    Raises:
        InputError: where the file is damaged, or has gone since the list was made.
    """
    try:
        status = entry.path.stat()
    except OSError as error:
        raise InputError(
            _("weights: {name} can't be read: {reason}").format(name=entry.name, reason=error.strerror)
        ) from None
    return _loaded(entry.name, entry.path, status.st_mtime_ns, status.st_size)


def at_size(network: Network, size: int | None) -> Network:
    """The same network, asked about images of another size.

    Args:
        network: as its card says.
        size: side of the images in pixels; None leaves it as it is.

    Raises:
        InputError: where its weights are for another size.
    """
    return network if size in (None, network.card.inputs.size) else _at_size(network, size)


@cached(LRUCache(RESIZED), key=lambda network, size: (network.key, size), lock=Lock())
def _at_size(network: Network, size: int) -> Network:
    return replace(network, card=heads.at_size(network.card, size), key=object())


@cached(LRUCache(MEMORY, getsizeof=lambda network: max(network.memory, MEMORY // MOST)), condition=Condition())
def _loaded(name: str, path: Path, _changed: int, _size: int) -> Network:
    with _loading:
        module, card = files.load(path)
    return Network(module, card, name, path)
