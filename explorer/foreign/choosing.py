"""Which of several networks of the same shapes a checkpoint holds: what its running statistics go best with."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from torch import Tensor

from explorer.foreign.proof import disagreement
from explorer.i18n import _
from explorer.models.recognition import Guess, Misfit, assembled
from explorer.specs import Spec

CLEARLY = 0.9  # share of the first guess's disagreement, below which another is taken
DOUBTFUL = 1.0  # disagreement above which nobody would call it the same network


def chosen(guesses: list[Guess], tensors: Mapping[str, Tensor]) -> tuple[Guess, tuple[str, ...], float | None]:
    """The first guess, unless running statistics speak clearly for another; the disagreement of those."""
    if len(guesses) == 1:
        return guesses[0], (), None
    errors = [doubt(guess, assembled(guess, tensors)) for guess in guesses]
    first = errors[0]
    place, least = min(
        ((i, e) for i, e in enumerate(errors) if e is not None), key=lambda found: found[1], default=(0, 0)
    )
    if first is not None and least < min(CLEARLY * first, DOUBTFUL):
        note = _("Other networks have the same shapes; this one goes best with the running statistics.")
        return _preset(guesses[place]), (note,), least
    return guesses[0], (), first


def doubt(guess: Guess, tensors: Mapping[str, Tensor]) -> float | None:
    """How far a guess is from its running statistics; None where it has none, or torchvision's names settle it."""
    return disagreement(guess.spec, tensors) if guess.units else None


def _preset(guess: Guess) -> Guess:
    """The guess with its own reading as the likely answers."""
    fields = guess.spec.to_dict() | guess.adapting
    likely = (replace(q, likely=fields.get(q.key, q.likely)) for q in guess.questions)
    return replace(guess, questions=tuple(likely))


def fitting_to(guesses: list[Guess], spec: Spec) -> Iterator[Guess]:
    """The guesses as the network that was named, those that differ in nothing else once."""
    seen: list[dict[str, Any]] = []
    for guess in guesses:
        with suppress(Misfit):
            fitted = guess.fitted(spec)
            if fitted.adapting not in seen:
                seen.append(fitted.adapting)
                yield fitted
