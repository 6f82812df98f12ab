"""Answers of a network about pictures of a page. Sessions take turns to compute, and answers are cached."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from explorer.prediction.caches import Kept
from explorer.prediction.classify import Guess, batch_size, channels_of, likeliest, prepared, probabilities
from explorer.prediction.label_map import truth
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.workers import semaphore

MEMORY = 16_000_000  # bytes: 3,000 answers of 1,000 classes
EACH = 1000  # bytes of an answer and its key besides the values

_Results = dict[Hashable, Tensor | str]
_kept: Kept[Tensor] = Kept(MEMORY, getsizeof=lambda answer: EACH + answer.nbytes)


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
    def truth(self) -> int | None:
        """Position of the picture's class among those of the network. None if unknown."""
        return truth(self.picture, self.network.card)

    @property
    def is_right(self) -> bool | None:
        """Whether the most likely class is the picture's. None if its class is unknown, or there is no answer."""
        if self.probabilities is None or self.picture.label is None:
            return None
        return self.top(1)[0].index == self.truth

    def top(self, count: int) -> tuple[Guess, ...]:
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
        said = _compute(network, batch, partial(semaphore.slot, on_wait, yielding=first > 0))
        for picture in batch:
            answer = said[picture.identity]
            if isinstance(answer, str):
                yield Answer(picture, network, error=answer)
            else:
                yield Answer(picture, network, answer)


def _compute(
    network: Network, pictures: Sequence[Picture], turn: Callable[[], AbstractContextManager[None]]
) -> _Results:
    """Returns for each picture its probabilities, or a sentence that says why it can't be read."""
    said = _cached(network, (picture.identity for picture in pictures))
    seen = {
        picture.identity: prepared(partial(picture.seen, network.card))
        for picture in pictures
        if picture.identity not in said
    }
    said |= {identity: part for identity, part in seen.items() if isinstance(part, str)}
    pixels = {identity: part for identity, part in seen.items() if isinstance(part, Tensor)}
    if not pixels:
        return said
    with turn():
        said |= _cached(network, pixels)  # another session may have computed them meanwhile
        new = [identity for identity in pixels if identity not in said]
        if new:
            answers = probabilities(network.module, network.card, torch.stack([pixels[identity] for identity in new]))
            # Cloned, because a view would keep the whole batch in memory.
            fresh = {identity: answer.clone() for identity, answer in zip(new, answers, strict=True)}
            said |= fresh
            with _kept.lock:
                _kept.update({(network.key, identity): answer for identity, answer in fresh.items()})
    return said


def _cached(network: Network, identities: Iterable[Hashable]) -> _Results:
    with _kept.lock:
        found = {identity: _kept.get((network.key, identity)) for identity in identities}
    return {identity: answer for identity, answer in found.items() if answer is not None}
