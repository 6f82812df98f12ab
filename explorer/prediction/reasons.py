"""Cache of computed explanations, shared by all sessions, with a limit in bytes."""

from collections.abc import Hashable

from torch import Tensor

from explorer.prediction.caches import BoundedCache
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture

CACHE_BYTES = 256_000_000  # twenty times all maps of VGG-16's first layer
OVERHEAD = 1000  # bytes of a tensor and its key in addition to the values

_cache = BoundedCache[Tensor](CACHE_BYTES, lambda values: OVERHEAD + values.untyped_storage().nbytes())


def load_cached(network: Network, picture: Picture, what: Hashable) -> Tensor | None:
    """Returns a cached explanation for a network and a picture. None if it is not in the cache."""
    with _cache.lock:
        return _cache.get((network.key, picture.identity, what))


def save_cached(network: Network, picture: Picture, what: Hashable, values: Tensor) -> None:
    """Caches an explanation, if there is room."""
    with _cache.lock:
        if _cache.getsizeof(values) <= _cache.maxsize:
            _cache[network.key, picture.identity, what] = values
