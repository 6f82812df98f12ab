"""Chooses among networks with the same shapes the one that fits a checkpoint's running statistics best."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from torch import Tensor

from explorer.families import Spec
from explorer.families.recognition.guess import Guess, Misfit, our_tensors
from explorer.i18n import _
from explorer.weights.importing.proof import Disagreement, disagreement

MAX_DISAGREEMENT = 0.5  # above this, it is probably another network
CLEAR_AMONG_BAD = 0.5  # of the usual network's disagreement, for a candidate that fits badly too

Readings = tuple[tuple[Guess, Disagreement | None], ...]


def choose(guesses: list[Guess], tensors: Mapping[str, Tensor]) -> tuple[Guess, tuple[str, ...], Readings]:
    """Chooses the first guess, unless running statistics clearly support another.

    Args:
        guesses: Candidate networks, the likeliest first.
        tensors: Tensors of the checkpoint.

    Returns:
        The guess, notes, and the disagreement of each candidate.
    """
    readings = tuple((guess, guess_disagreement(guess, our_tensors(guess, tensors))) for guess in guesses)
    first, own = readings[0]
    measured = [(guess, error) for guess, error in readings if error is not None]
    if own is None or len(measured) < 2:
        return first, (), readings
    best, error = min(measured, key=lambda reading: reading[1].average)
    if best is not first and not _is_supported(error, own):
        best, error = first, own
    others = [other for guess, other in measured if guess is not best]
    if not all(map(error.beats, others)):
        return _with_likely_answers(best), (), readings
    note = _(
        "Other networks have the same shapes; this one fits the running statistics of its batch norms best: they "
        "differ by {own:.2f}, and by {other:.2f} for the next best."
    ).format(own=error.average, other=min(other.average for other in others))
    return _with_likely_answers(best), (note,), readings


def _is_supported(error: Disagreement, usual: Disagreement) -> bool:
    """Returns whether statistics support a candidate over the usual network.

    If both fit badly, the true network is probably neither of them, and a small difference between them means nothing.
    """
    fits = error.average <= MAX_DISAGREEMENT or error.average < CLEAR_AMONG_BAD * usual.average
    return fits and error.beats(usual)


def guess_disagreement(guess: Guess, tensors: Mapping[str, Tensor]) -> Disagreement | None:
    """Returns the disagreement of a network with its running statistics.

    None if it has no statistics, or if torchvision's names already identify it.
    """
    return disagreement(guess.spec, tensors) if guess.units else None


def find_better(error: Disagreement, readings: Readings) -> tuple[Guess, Disagreement] | None:
    """Returns the candidate that fits the running statistics clearly better. None if none does."""
    better = [(guess, other) for guess, other in readings if other is not None and other.beats(error)]
    return min(better, key=lambda reading: reading[1].average, default=None)


def differing_fields(guess: Guess, other: Guess) -> str:
    """Returns the fields in which another candidate differs, in the form for ``--set``."""
    ours, theirs = (one.spec.to_dict() | one.adaptations for one in (guess, other))
    return " ".join(
        f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in theirs.items()
        if ours.get(key) != value
    )


def _with_likely_answers(guess: Guess) -> Guess:
    """Returns the guess with its own fields as the likely answers."""
    fields = guess.spec.to_dict() | guess.adaptations
    likely = (replace(q, likely=fields.get(q.key, q.likely)) for q in guess.questions)
    return replace(guess, questions=tuple(likely))


def fit_guesses(guesses: list[Guess], spec: Spec) -> Iterator[Guess]:
    """Yields the guesses that can be this network, without duplicates."""
    seen: list[dict[str, Any]] = []
    for guess in guesses:
        with suppress(Misfit):
            fitted = guess.fitted(spec)
            if fitted.adaptations not in seen:
                seen.append(fitted.adaptations)
                yield fitted
