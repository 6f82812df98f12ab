"""Imports a checkpoint as weights with a card: finds its network, asks questions, runs the network and saves it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer import __version__
from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, SpecError, printable, shown
from explorer.families import Spec
from explorer.families.recognition.guess import (
    Guess,
    Misfit,
    Question,
    activation_note,
    activation_question,
    assumptions,
    our_tensors,
)
from explorer.families.recognition.search import recognise
from explorer.files import sha256
from explorer.i18n import _
from explorer.specs.size import Size, parse_size
from explorer.weights.files import Card
from explorer.weights.importing import card_import, class_names, mismatch, normalisation
from explorer.weights.importing.checkpoint import Checkpoint, open_checkpoint
from explorer.weights.importing.choosing import (
    MAX_DISAGREEMENT,
    Readings,
    choose,
    differing_fields,
    find_better,
    fit_guesses,
    guess_disagreement,
)
from explorer.weights.importing.normalisation import NO_EVIDENCE, Evidence
from explorer.weights.importing.proof import prove
from explorer.weights.importing.questions import INPUT_KEYS, check_inputs, input_questions, likely_pair
from explorer.weights.importing.result import ImportResult, ProvedNetwork, check_output

IMPORTED = "imported"  # prefix of metrics from the checkpoint

Answers = Mapping[str, Any]
Ask = Callable[[Question, Callable[[Any], None]], Any]


@dataclass(frozen=True)
class Proposal:
    """The network that a checkpoint seems to hold, before any question is asked.

    Attributes:
        name: Name of the file for messages.
        checkpoint: Checkpoint with the tensors.
        guess: Network.
        is_named: Whether the user has named the network, so that there are no questions about its fields.
        notes: Sentences about the choice of the network.
        readings: Candidate networks for the file, each with its batch norm disagreement if known.
        evidence: Measurements of the normalisation of images.
    """

    name: str
    checkpoint: Checkpoint
    guess: Guess
    is_named: bool
    notes: tuple[str, ...]
    readings: Readings = ()
    evidence: Evidence = NO_EVIDENCE

    def questions(self, answers: Answers) -> tuple[Question, ...]:
        """Returns the open questions. Answers may change the likely answers to the rest.

        Raises:
            InputError: If an answer is invalid.
        """
        guess = self.network(answers)
        own = [question for question in guess.questions if not self.is_named or question.key in guess.adaptations]
        if self._is_activation_open and guess.is_renamed and (activation := activation_question(guess.spec)):
            own.append(activation)
        left = [question for question in own if question.key not in answers and guess.asks(question)]
        others = input_questions(guess.spec, self.checkpoint.metadata, answers, self.evidence)
        return (*left, *(card_import.with_card_answer(question, self.checkpoint.card) for question in others))

    @property
    def _is_activation_open(self) -> bool:
        """Whether neither the user nor a card names the activation function."""
        return not self.is_named and self.checkpoint.card is None

    def network(self, answers: Answers) -> Guess:
        """Returns the network for some answers.

        Raises:
            InputError: If the tensors do not belong to that network.
            SpecError: If an answer breaks a rule.
        """
        fields = {key: value for key, value in answers.items() if key not in INPUT_KEYS}
        spec = self.guess.spec
        if fields.get("head") == "conv" and spec.dense_map is not None:
            dense = self.network({key: value for key, value in answers.items() if key != "head"})
            fields |= dense.spec.with_convolutional_head().differences(dense.spec)
        try:
            return self.guess.changed(**fields)
        except (Misfit, SpecError) as error:
            # Another image size may need pools at other positions.
            size = _image_size(fields)
            if size is not None and not self.is_named:
                shapes = _shapes(self.checkpoint)
                for other in recognise(shapes, ordered=self.checkpoint.ordered, image_size=size):
                    with suppress(Misfit, SpecError):
                        return other.changed(**fields)
            if isinstance(error, SpecError):
                raise
            raise _fault(self.name, mismatch.explain_unfit(self.guess.spec.changed(**fields), self.guess)) from None

    def prove(self, answers: Answers, command: str, digest: str) -> ProvedNetwork:
        """Runs the network. Questions without an answer get the likely answer and a note.

        Args:
            answers: Answers by the key of the question, or of a field of the spec.
            command: Command for the card.
            digest: SHA-256 of the checkpoint, for the card.

        Raises:
            InputError: If an answer is invalid, or the network does not run.
        """
        complete = card_import.answers(self.checkpoint.card) | dict(answers)
        notes = [*self.checkpoint.notes, *self.notes, *self.guess.notes]
        while left := self.questions(complete):
            complete[left[0].key] = left[0].likely
            notes.append(_assumption_note(left[0]))
        guess = self.network(complete)
        if guess.is_renamed and (note := assumptions(guess.spec)):
            notes.append(note)
        if self._is_activation_open and "activation" not in complete and (note := activation_note(guess.spec)):
            # Source code that this product exports has torchvision's names too, and may have another activation.
            notes.append(note)
        if answers.get("head") == "conv" and guess.spec != self.guess.spec:
            notes.append(
                _(
                    "The dense layers of its head are convolutions now: the same scores at {size} pixels, and on "
                    "larger images the mean of the scores of all places."
                ).format(size=guess.spec.image_size)
            )
        check_inputs(guess.spec, complete)
        if "classes" not in answers and self.checkpoint.card is None:
            notes += class_names.stored(guess.spec.num_classes, self.checkpoint.metadata)[1]
        card = self._card(guess.spec, complete, command, digest)
        tensors = our_tensors(guess, self.checkpoint.tensors)
        prove(guess.spec, tensors)
        notes += self._warnings(guess, tensors, card)
        return ProvedNetwork(tensors, card, (*self.checkpoint.ignored, *guess.ignored), tuple(notes))

    def _warnings(self, guess: Guess, tensors: dict[str, Tensor], card: Card) -> Iterator[str]:
        """Yields sentences about running statistics that contradict the network or the answers."""
        pair = (list(card.inputs.mean), list(card.inputs.std))
        if (other := normalisation.better_pair(guess.spec, tensors, pair, self.evidence)) is not None:
            yield _(
                "The running statistics of its first batch norm fit mean {mean} and standard deviation {std} "
                "better: the images that it was trained on may have been normalised with these."
            ).format(mean=_comma_separated(other[0]), std=_comma_separated(other[1]))
        measured = [
            error
            for reading, error in self.readings
            if (reading.spec, reading.adaptations) == (guess.spec, guess.adaptations) and error is not None
        ]
        error = measured[0] if measured else guess_disagreement(guess, tensors)
        if error is None:
            return
        if (better := find_better(error, self.readings)) is not None:
            yield _(
                "The network runs, but the inputs of its batch norms differ from their running statistics by "
                "{own:.2f}, and as another network of the same shapes by {other:.2f} ({settings}): evaluate it "
                "before you rely on it."
            ).format(own=error.average, other=better[1].average, settings=differing_fields(guess, better[0]))
        elif error.average > MAX_DISAGREEMENT:
            yield _(
                "The network runs, but the inputs of its batch norms are far from their running statistics: it "
                "may be another network of the same shapes; evaluate it before you rely on it."
            )

    def check(self, answers: Answers) -> None:
        """Checks the answers about images and classes.

        Raises:
            InputError: If an answer is invalid. Names it.
        """
        check_inputs(self.network(answers).spec, answers)

    def _card(self, spec: Spec, answers: Answers, command: str, digest: str) -> Card:
        fields = {key: answers[key] for key in ("mean", "std", "resize") if key in answers}
        channels = max(len(fields[key]) for key in ("mean", "std"))
        # One number applies to all channels.
        fields |= {key: [*fields[key]] * (channels // len(fields[key])) for key in ("mean", "std")}
        inputs = Preprocessing.from_dict({"size": spec.image_size, **fields}).to_dict()
        origin: dict[str, Any] = {"file": self.name, "sha256": digest}
        before, metadata = self.checkpoint.card, self.checkpoint.metadata
        classes = answers.get("classes") or class_names.stored(spec.num_classes, metadata)[0]
        if before is not None:
            origin |= {"made_by": before.made_by}
        card = Card(
            name=Path(self.name).stem,
            spec=spec.to_dict(),
            classes=classes,
            preprocessing=inputs,
            metrics={f"{IMPORTED}/{key}": value for key, value in metadata.items() if _is_number(value)},
            made_by={
                "command": command,
                "version": __version__,
                "date": datetime.now(UTC).strftime("%Y-%m-%d"),
                "imported_from": origin,
            },
        )
        return card if before is None else card_import.merge_cards(before, card)


def _image_size(answers: Answers) -> int | Size | None:
    with suppress(ValueError):
        return parse_size(answers.get("image_size"))
    return None


def propose(
    checkpoint: Checkpoint, name: str, spec: Spec | None = None, *, image_size: int | Size | None = None
) -> Proposal:
    """Finds the network of a checkpoint.

    Args:
        checkpoint: Checkpoint with the tensors.
        name: Name of the file for messages.
        spec: Network that the user has named. None to find it.
        image_size: Size of the images in pixels. It is needed if a head shows that the last map is not square.

    Raises:
        InputError: If the tensors belong to no network of our families, or not to the named one.
    """
    if checkpoint.card is not None and spec in (None, checkpoint.card.network_spec):
        note = _("The file has a card of this product, which describes its network and images.")
        return Proposal(
            name, checkpoint, card_import.guess(checkpoint.card, checkpoint.tensors), is_named=False, notes=(note,)
        )
    shapes, ordered = _shapes(checkpoint), checkpoint.ordered
    size = image_size if spec is None else spec.image_size
    # A square size is a question about the network that is found first.
    guesses = recognise(shapes, ordered=ordered, image_size=size if isinstance(size, Size) else None)
    if spec is not None:
        fitting = list(fit_guesses(guesses, spec))
        if not guesses:
            raise _fault(name, mismatch.explain_unlike(spec, shapes, ordered=ordered))
        if not fitting:
            raise _fault(name, mismatch.explain_unfit(spec, guesses[0]))
        guesses = fitting
    if not guesses:
        raise _fault(name, mismatch.explain_unknown(shapes, ordered=ordered))
    if spec is None and (missing := mismatch.explain_missing_start(guesses[0].units)) is not None:
        raise _fault(name, missing)
    if guesses[0].spec.num_classes == 1:
        raise _fault(
            name,
            _(
                "it has one output, as for a sigmoid or a regression; here the outputs are scores of at least "
                "two classes that exclude each other"
            ),
        )
    guess, notes, readings = choose(guesses, checkpoint.tensors)
    pair, _source = likely_pair(guess.spec, checkpoint.metadata, NO_EVIDENCE)
    evidence = normalisation.collect_evidence(guess.spec, our_tensors(guess, checkpoint.tensors), pair)
    return Proposal(
        name, checkpoint, guess, is_named=spec is not None, notes=notes, readings=readings, evidence=evidence
    )


def import_checkpoint(
    path: Path,
    output: Path,
    *,
    name: str,
    answers: Answers,
    spec: Spec | None = None,
    command: str = "",
    ask: Ask | None = None,
) -> ImportResult:
    """Reads a checkpoint of any kind and writes it atomically as weights with a card.

    Args:
        path: Path of the checkpoint.
        output: Path of the new file.
        name: Name of the checkpoint for messages and the card.
        answers: Answers by the key of the question, or of a field of the spec.
        spec: Network that the user has named. None to find it.
        command: Command for the card.
        ask: Callback that answers a question. It receives the question and a function that checks an answer and raises
            InputError. None to take the likely answers.

    Raises:
        InputError: If the import fails. Names file and fault.
    """
    check_output(output, path)
    with open_checkpoint(path, name) as checkpoint:
        proposal = propose(checkpoint, name, spec, image_size=_image_size(answers))
        complete = card_import.answers(checkpoint.card) | dict(answers)
        while ask and (left := proposal.questions(complete)):
            key = left[0].key
            complete[key] = ask(left[0], partial(_check, proposal, complete, key))
        return proposal.prove(complete, command, sha256(path)).save(output)


def _check(proposal: Proposal, answers: Answers, key: str, answer: object) -> None:
    proposal.check({**answers, key: answer})


def _fault(name: str, fault: str) -> InputError:
    return InputError(_("{file}: {fault}").format(file=printable(name), fault=fault))


def _shapes(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}


def _assumption_note(question: Question) -> str:
    text = _("Assumed: {answer}. {question} {cost}")
    return text.format(answer=shown(question.likely), question=question.text, cost=question.cost).rstrip()


def _comma_separated(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
