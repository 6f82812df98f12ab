"""What a network says about pictures of a page: computed in turn with the other sessions, and kept."""

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
EACH = 1000  # bytes that an answer and its key take beside the numbers

_Said = dict[Hashable, Tensor | str]
_kept: Kept[Tensor] = Kept(MEMORY, getsizeof=lambda answer: EACH + answer.nbytes)


@dataclass(frozen=True)
class Answer:
    """What a network says about a picture.

    Attributes:
        picture: that it was asked about.
        network: that was asked.
        probabilities: of the classes, (classes,); none where the picture can't be read.
        error: why it can't.
    """

    picture: Picture
    network: Network
    probabilities: Tensor | None = None
    error: str = ""

    @property
    def truth(self) -> int | None:
        """Position of the picture's class among those of the network; none where nobody knows it."""
        return truth(self.picture, self.network.card)

    @property
    def is_right(self) -> bool | None:
        """Whether the likeliest class is the picture's; none where nobody knows that, or there is no answer."""
        if self.probabilities is None or self.picture.label is None:
            return None
        return self.top(1)[0].index == self.truth

    def top(self, count: int) -> tuple[Guess, ...]:
        """The likeliest classes."""
        if self.probabilities is None:
            return ()
        return likeliest(self.probabilities, self.network.card.classes, count)


def ask(network: Network, pictures: Sequence[Picture], on_wait: Callable[[int], None]) -> Iterator[Answer]:
    """Ask a network about pictures, in their order.

    Args:
        network: to be asked.
        pictures: of any kind; what was said about one before is said again.
        on_wait: as of :func:`explorer.workers.semaphore.turn`, of which each batch takes one; all but the first let
            others go first.

    Raises:
        InputError: where the network reads no pictures, or gives no numbers.
    """
    channels_of(network.card)
    size = batch_size(network.card)
    for first in range(0, len(pictures), size):
        batch = pictures[first : first + size]
        said = _said(network, batch, partial(semaphore.turn, on_wait, yielding=first > 0))
        for picture in batch:
            answer = said[picture.identity]
            if isinstance(answer, str):
                yield Answer(picture, network, error=answer)
            else:
                yield Answer(picture, network, answer)


def _said(network: Network, pictures: Sequence[Picture], turn: Callable[[], AbstractContextManager[None]]) -> _Said:
    """Of each picture the probabilities, or why it can't be read."""
    said = _held(network, (picture.identity for picture in pictures))
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
        said |= _held(network, pixels)  # others may have asked the same while we waited
        new = [identity for identity in pixels if identity not in said]
        if new:
            answers = probabilities(network.module, network.card, torch.stack([pixels[identity] for identity in new]))
            # Each by itself: one of a batch would keep all the others.
            fresh = {identity: answer.clone() for identity, answer in zip(new, answers, strict=True)}
            said |= fresh
            with _kept.lock:
                _kept.update({(network.key, identity): answer for identity, answer in fresh.items()})
    return said


def _held(network: Network, identities: Iterable[Hashable]) -> _Said:
    with _kept.lock:
        found = {identity: _kept.get((network.key, identity)) for identity in identities}
    return {identity: answer for identity, answer in found.items() if answer is not None}
