"""Weights of this product that are imported again: their card answers the questions if it fits the tensors."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from explorer.families.building import build
from explorer.families.vgg.spec import VggSpec
from explorer.weights.files import Card, load, save
from explorer.weights.importing.drafts import Draft
from explorer.weights.importing.importing import import_checkpoint
from explorer.weights.importing.result import ImportResult

SPEC = VggSpec(
    cfg=[4, "A"], batch_norm=True, pool_to=None, classifier=[], dropout=0, in_channels=1, image_size=8, num_classes=3
)
CARD = Card(
    name="first",
    spec=SPEC.to_dict(),
    classes=("x", "y", "z"),
    preprocessing={"size": 8, "mean": [0.25], "std": [0.125], "resize": 9},
    metrics={"test/top1": 0.75},
    data={"name": "digits"},
    recipe={"lr": 0.1},
    made_by={"job": "abc", "command": "train"},
    license="MIT",
)


def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return build(SPEC).state_dict()


def import_again(folder: Path, **answers: Any) -> ImportResult:
    path = folder / "second.safetensors"
    if not path.exists():
        save(path, tensors(), CARD)
    return import_checkpoint(path, folder / "new.safetensors", name=path.name, answers=answers, command="import")


def test_the_card_answers_every_question(tmp_path: Path) -> None:
    done = import_again(tmp_path)
    network, card = load(done.weights)
    for field in ("spec", "classes", "preprocessing", "metrics", "data", "recipe", "license"):
        assert getattr(card, field) == getattr(CARD, field)
    assert (card.name, card.made_by["command"], "job" in card.made_by) == ("second", "import", False)
    assert card.made_by["imported_from"]["made_by"] == CARD.made_by
    assert not any(note.startswith("Assumed") for note in done.notes)
    assert all(torch.equal(tensor, tensors()[name]) for name, tensor in network.state_dict().items())


def test_equal_layers_of_own_weights_are_not_tied_copies(tmp_path: Path) -> None:
    spec = SPEC.changed(classifier=[5, 5, 5])
    state = build(spec).state_dict()
    first, second = (name for name, tensor in state.items() if tensor.shape == (5, 5))
    state[second] = state[first].clone()
    state[second.replace("weight", "bias")] = state[first.replace("weight", "bias")].clone()
    save(tmp_path / "second.safetensors", state, CARD.model_copy(update={"spec": spec.to_dict()}))
    done = import_again(tmp_path)
    assert done.ignored == ()
    assert all(torch.equal(tensor, state[name]) for name, tensor in load(done.weights)[0].state_dict().items())


@pytest.mark.parametrize(
    ("answers", "same_metrics"),
    [({"classes": ["a", "b", "c"]}, True), ({"std": [0.5]}, False), ({"resize": None}, False)],
)
def test_answers_override_the_card_and_remove_metrics_that_no_longer_hold(
    tmp_path: Path, answers: dict[str, Any], same_metrics: bool
) -> None:
    card = import_again(tmp_path, **answers).card
    assert card.metrics == (CARD.metrics if same_metrics else {})
    assert card.inputs.mean == (0.25,)
    assert {**card.preprocessing, "classes": [*card.classes]}.get(*answers) == next(iter(answers.values()))
    other = import_again(tmp_path, cfg=[4, "M"]).card
    assert (other.spec["cfg"], other.metrics, other.license) == ([4, "M"], {}, "MIT")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("{", "not JSON"),
        (json.dumps({"name": "n"}), "spec: "),
        (CARD.model_copy(update={"classes": ("x",)}).model_dump_json(), "1 names"),
        (
            CARD.model_copy(update={"spec": SPEC.changed(cfg=[5, "A"]).to_dict()}).model_dump_json(),
            "(4, 1, 3, 3), and the network's is (5, 1, 3, 3)",
        ),
        (
            CARD.model_dump_json().replace('{"name":"digits"}', '{"a":' * 400 + "1" + "}" * 400),
            "nested too deeply",
        ),
    ],
)
def test_a_card_that_does_not_fit_its_file_is_ignored_with_a_note(tmp_path: Path, card: str, words: str) -> None:
    save_file(tensors(), tmp_path / "second.safetensors", metadata={"card": card})
    done = import_again(tmp_path)
    (note,) = (note for note in done.notes if note.startswith("Its card is ignored"))
    assert words in note
    assert done.card.license is None


def test_the_card_gives_the_likely_answers_of_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "second.safetensors"
    save(path, tensors(), CARD)
    content = path.read_bytes()
    draft = Draft(path.name, io.BytesIO(content), len(content))
    try:
        draft.read()
        assert draft.proposal is not None
        likely = {question.key: question.likely for question in draft.proposal.questions({})}
    finally:
        draft.close()
    assert likely == {"mean": [0.25], "std": [0.125], "classes": ["x", "y", "z"]}
