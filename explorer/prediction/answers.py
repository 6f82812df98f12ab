"""Answers of a network about pictures. Sessions compute one after another, and answers are cached."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from explorer.prediction.caches import BoundedCache
from explorer.prediction.classify import (
    ClassProbability,
    batch_size,
    channels_of,
    likeliest,
    prepared_or_error,
    probabilities,
)
from explorer.prediction.label_map import true_index
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.workers import semaphore

CACHE_BYTES = 16_000_000  # 3,000 answers of 1,000 classes
OVERHEAD = 1000  # bytes of an answer and its key in addition to the values

_Results = dict[Hashable, Tensor | str]
_cache = BoundedCache[Tensor](CACHE_BYTES, lambda answer: OVERHEAD + answer.nbytes)


@dataclass(frozen=True)
class Answer:
    """A network's answer about a picture.

    Attributes:
        picture: Picture.
        network: Network.
        probabilities: Probabilities, (classes,). None if the picture can't be read.
        error: Sentence that says why the picture can't be read.
    """

    picture: Picture
    network: Network
    probabilities: Tensor | None = None
    error: str = ""

    @property
    def true_index(self) -> int | None:
        """Index of the picture's class among those of the network. None if unknown."""
        return true_index(self.picture, self.network.card)

    @property
    def is_right(self) -> bool | None:
        """Whether the most likely class is the picture's. None if its class is unknown, or there is no answer."""
        if self.probabilities is None or self.picture.label is None:
            return None
        return self.top(1)[0].index == self.true_index

    def top(self, count: int) -> tuple[ClassProbability, ...]:
        """Returns the most likely classes."""
        if self.probabilities is None:
            return ()
        return likeliest(self.probabilities, self.network.card.classes, count)


def ask(network: Network, pictures: Sequence[Picture], on_wait: Callable[[int], None]) -> Iterator[Answer]:
    """Asks a network about pictures, and yields the answers in order.

    Args:
        network: Network to ask.
        pictures: Pictures of any kind. Cached answers are used again.
        on_wait: Callback as for :func:`explorer.workers.semaphore.slot`. Each batch takes a slot; all but the first
            batch let other sessions go first.

    Raises:
        InputError: If the network does not take pictures, or its outputs are not finite.
    """
    channels_of(network.card)
    size = batch_size(network.card)
    for first in range(0, len(pictures), size):
        batch = pictures[first : first + size]
        results = _compute(network, batch, partial(semaphore.slot, on_wait, yielding=first > 0))
        for picture in batch:
            answer = results[picture.identity]
            if isinstance(answer, str):
                yield Answer(picture, network, error=answer)
            else:
                yield Answer(picture, network, answer)


def _compute(
    network: Network, pictures: Sequence[Picture], slot: Callable[[], AbstractContextManager[None]]
) -> _Results:
    """Returns for each picture its probabilities, or a sentence that says why it can't be read."""
    results = _cached(network, (picture.identity for picture in pictures))
    inputs = {
        picture.identity: prepared_or_error(partial(picture.network_input, network.card))
        for picture in pictures
        if picture.identity not in results
    }
    results |= {identity: value for identity, value in inputs.items() if isinstance(value, str)}
    pixels = {identity: value for identity, value in inputs.items() if isinstance(value, Tensor)}
    if not pixels:
        return results
    with slot():
        results |= _cached(network, pixels)  # another session may have computed them meanwhile
        new = [identity for identity in pixels if identity not in results]
        if new:
            answers = probabilities(network.module, network.card, torch.stack([pixels[identity] for identity in new]))
            # Cloned, because a view would keep the whole batch in memory.
            fresh = {identity: answer.clone() for identity, answer in zip(new, answers, strict=True)}
            results |= fresh
            with _cache.lock:
                _cache.update({(network.key, identity): answer for identity, answer in fresh.items()})
    return results


def _cached(network: Network, identities: Iterable[Hashable]) -> _Results:
    with _cache.lock:
        found = {identity: _cache.get((network.key, identity)) for identity in identities}
    return {identity: answer for identity, answer in found.items() if answer is not None}
