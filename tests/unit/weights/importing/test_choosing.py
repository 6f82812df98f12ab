"""The choice among networks of the same shapes by how well each fits the running statistics."""

import pytest

from explorer.families import resolve
from explorer.families.recognition.guess import Guess
from explorer.weights.importing import choosing
from explorer.weights.importing.proof import Disagreement


@pytest.mark.parametrize(
    ("usual", "other", "chosen"),
    [
        (0.3, 0.1, "other"),  # one fits
        (2.0, 0.3, "other"),
        (3.0, 1.0, "other"),  # both fit badly, one much worse
        (1.2, 0.9, "usual"),  # both fit badly, and nearly equally
        (0.31, 0.3, "usual"),
    ],
)
def test_the_usual_network_is_kept_unless_statistics_clearly_support_another(
    usual: float, other: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guesses = [Guess(resolve("resnet20"), {}), Guess(resolve("resnet32"), {})]
    errors = {guess.spec: Disagreement(0.0, (error,)) for guess, error in zip(guesses, (usual, other), strict=True)}
    monkeypatch.setattr(choosing, "our_tensors", lambda _guess, tensors: tensors)
    monkeypatch.setattr(choosing, "guess_disagreement", lambda guess, _tensors: errors[guess.spec])
    best, _notes, readings = choosing.choose(guesses, {})
    assert best.spec == resolve("resnet20" if chosen == "usual" else "resnet32")
    assert [error for _guess, error in readings] == [*errors.values()]
