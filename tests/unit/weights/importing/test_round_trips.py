"""Round trips: networks under other names give the same scores after recognition or an import."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.errors import SpecError
from explorer.families import PRESETS, Spec
from explorer.families.building import AUXILIARY, build
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.recognition.guess import Guess, our_tensors
from explorer.families.recognition.search import recognise
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import load
from explorer.weights.importing.importing import import_checkpoint
from explorer.workers.progress import silent
from tests.helpers import cifar
from tests.helpers.foreign_networks import Groups, flat_names, shapes_of, trained
from tests.helpers.narrow import googlenet
from tests.tiers import mostly_exhaustive

SPECS = {name: preset.spec for name, preset in PRESETS.items()} | {
    f"{block}-{shortcut}": ResNetSpec(blocks=(2, 2), widths=(8, 16), block=block, stem="cifar", shortcut=shortcut)
    for block in ("basic", "bottleneck")
    for shortcut in ("A", "B", "C")
}
CHECKPOINT = "checkpoints/resnet20-12fca82f.th"


def small(spec: Spec) -> Spec:
    """Returns the same architecture for the smallest possible images, with narrow dense layers."""
    if isinstance(spec, VggSpec) and spec.classifier and spec.cfg:
        spec = spec.changed(classifier=[30] * len(spec.classifier))
    for size in (8, 16, 28, 32, 64, 96):
        try:
            return spec.changed(image_size=size)
        except SpecError:
            continue
    return spec


def right_answers(spec: Spec, guess: Guess) -> dict[str, Any]:
    """Returns the right answers to the questions that shapes leave open."""
    answers: dict[str, Any] = {"image_size": spec.image_size}
    if isinstance(spec, VggSpec):
        answers |= {"cfg": list(spec.cfg), "pool_to": spec.pool_to}
    if isinstance(spec, ResNetSpec):
        answers |= {"residual": spec.residual, "stride_on": spec.stride_on, "blocks": list(spec.blocks)}
    if isinstance(spec, GoogLeNetSpec):
        names = dict(
            zip((row.name for row in spec.modules), (row.name for row in googlenet(guess.spec).modules), strict=True)
        )
        answers |= {"pool_after": [names[name] for name in spec.pool_after], "last_pool": spec.last_pool}
    return answers


@pytest.mark.parametrize("name", mostly_exhaustive(SPECS))
def test_presets_under_random_names_give_the_same_scores(name: str) -> None:
    spec = small(SPECS[name])
    torch.manual_seed(0)
    network = trained(build(spec))
    tensors = {
        key: tensor for key, tensor in network.state_dict().items() if not AUXILIARY.fullmatch(key.split(".")[0])
    }
    names = flat_names(list(tensors))
    theirs = {names[key]: tensor for key, tensor in tensors.items()}
    guess = recognise(shapes_of(theirs), ordered=True)[0]
    guess = guess.changed(**right_answers(spec, guess))
    ours = build(guess.spec, "meta")
    ours.load_state_dict(our_tensors(guess, theirs), assign=True, strict=False)
    images = torch.randn(2, *spec.input_shape)
    with torch.inference_mode():
        expected = network(images)
        scale = float(expected.abs().max())
        torch.testing.assert_close(ours.eval()(images), expected, rtol=1e-5, atol=1e-5 * scale)
        assert scale > 0


class Twice(Groups):
    """The network of the notes on CIFAR-10 at 224: all groups are registered again in one module."""

    def __init__(self) -> None:
        super().__init__(bias=True)
        self.Conv = nn.Sequential(*(getattr(self, f"Conv{number}") for number in range(1, 6)))


@pytest.mark.process
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_file_with_every_tensor_under_two_names_gives_the_same_scores(tmp_path: Path, ending: str) -> None:
    torch.manual_seed(0)
    network, path = trained(Twice()), tmp_path / f"theirs{ending}"
    tensors = network.state_dict()
    assert sum(name.startswith("Conv.") for name in tensors) > 80
    if ending == ".pth":
        torch.save(tensors, path)
    else:
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, path)
    done = import_checkpoint(path, tmp_path / "ours.safetensors", name="vgg", answers={"image_size": 32})
    ours, card = load(done.weights)
    assert card.spec["cfg"] == [4, 4, "M", 8, 8, "M", *[16] * 3, "M", *[32] * 3, "M", *[32] * 3, "M"]
    assert any("second name" in note for note in done.notes)
    images = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), network(images), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif("EXPLORER_TEST_DATA" not in os.environ, reason="EXPLORER_TEST_DATA is not set")
def test_a_real_checkpoint_has_the_published_accuracy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It decodes and classifies all 10,000 test images, and is the slowest test here."""
    cifar.cache_decoding(monkeypatch)
    checkpoint = Path(os.environ["EXPLORER_TEST_DATA"], CHECKPOINT)
    images = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}  # as in its training
    done = import_checkpoint(checkpoint, tmp_path / "w.safetensors", name="resnet20", answers=images)
    result = evaluate_weights(done.weights, str(cifar.archive_of_test_images()), "test", "cpu", silent).result
    assert result["images"] == 10_000
    assert abs(result["correct"] - 8_103) <= 3
