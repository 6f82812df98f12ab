"""What was computed to explain networks, kept for all sessions within one bound: a page drawn again doesn't wait."""

from collections.abc import Hashable

from torch import Tensor

from explorer.prediction.caches import Kept
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture

MEMORY = 256_000_000  # bytes: twenty times all maps of VGG-16's first layer
EACH = 1000  # bytes that a tensor and its key take beside the numbers

_kept: Kept[Tensor] = Kept(MEMORY, getsizeof=lambda values: EACH + values.untyped_storage().nbytes())


def held(network: Network, picture: Picture, what: Hashable) -> Tensor | None:
    """What was kept of a network and a picture; none where it wasn't computed, or is long ago."""
    with _kept.lock:
        return _kept.get((network.key, picture.identity, what))


def keep(network: Network, picture: Picture, what: Hashable, values: Tensor) -> None:
    """Keep it, if there is room."""
    with _kept.lock:
        if _kept.getsizeof(values) <= _kept.maxsize:
            _kept[network.key, picture.identity, what] = values
