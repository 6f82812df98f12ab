"""Cache of computed explanations, shared by all sessions, with a limit in bytes."""

from collections.abc import Hashable

from torch import Tensor

from explorer.prediction.caches import Kept
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture

MEMORY = 256_000_000  # bytes: twenty times all maps of VGG-16's first layer
EACH = 1000  # bytes of a tensor and its key besides the values

_kept: Kept[Tensor] = Kept(MEMORY, getsizeof=lambda values: EACH + values.untyped_storage().nbytes())


def held(network: Network, picture: Picture, what: Hashable) -> Tensor | None:
    """Returns a cached explanation for a network and a picture. None if it was never computed or has been dropped."""
    with _kept.lock:
        return _kept.get((network.key, picture.identity, what))


def keep(network: Network, picture: Picture, what: Hashable, values: Tensor) -> None:
    """Caches an explanation, if there is room."""
    with _kept.lock:
        if _kept.getsizeof(values) <= _kept.maxsize:
            _kept[network.key, picture.identity, what] = values
