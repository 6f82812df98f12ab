"""Steps, epochs and complete runs: auxiliary heads, permuted pixels, random labels, and the test set."""

import json
import math
import signal
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.data.dataset import Dataset, Split
from explorer.families import parse_spec
from explorer.families.building import build
from explorer.jobs.run_directory import LAYER_GRADIENT, RunDirectory
from explorer.training import faults, loop, worker
from explorer.training.batches import Batch, EvaluationBatches
from explorer.training.evaluation import evaluate
from explorer.training.faults import PATIENCE, ChanceWatch, Fault, to_fault
from explorer.training.freezing import training_mode
from explorer.training.loop import Training, head_outputs, is_point, step, train
from explorer.training.setup import PreparedTraining
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import load as load_weights
from explorer.weights.files import save
from tests.helpers.narrow import of_kind
from tests.helpers.pixels import Decoded
from tests.helpers.toys import GOOGLENET, VGG, prepared, toy_data, toy_job, toy_spec
from tests.helpers.training import SilentCallback


def train_all(found: PreparedTraining) -> Training:
    train(found.training, SilentCallback())
    return found.training


# Auxiliary heads


def without_dropout(found: PreparedTraining) -> Training:
    for module in found.training.network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return found.training


@pytest.mark.parametrize("share", [0.3, 0.0])
def test_the_loss_includes_a_share_of_the_auxiliary_losses(share: float) -> None:
    training = without_dropout(prepared(toy_spec(GOOGLENET), aux_weight=share))
    batch = next(training.batches.epoch(0))
    twin = build(toy_spec(GOOGLENET))
    without = {f"{name}.dropout" for name in ("aux1", "aux2")}
    for name in without:
        of_kind(nn.Dropout, twin.get_submodule(name)).p = 0.0
    twin.load_state_dict(training.network.state_dict())
    main, first, second = (cross_entropy(head, batch.labels) for head in twin(batch.images))
    (main + share * (first + second)).backward()
    loss, _correct, images, *_more = step(training, batch).tolist()
    assert loss / images == pytest.approx(main.item(), rel=1e-5)  # the metric is the loss of the main head
    for ours, theirs in zip(training.network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_auxiliary_heads_are_saved_but_not_evaluated(tmp_path: Path) -> None:
    found = prepared(toy_spec(GOOGLENET), epochs=1)
    network = train_all(found).network
    network.get_submodule("aux1").register_forward_hook(lambda *_call: pytest.fail("aux1 ran"))
    batches = EvaluationBatches(found.dataset.test, found.preprocessing, 7, found.placement)
    scores = evaluate(network, batches.batches(), 4, torch.device("cpu"))
    save(tmp_path / "a.safetensors", network.state_dict(), found.card)
    again, _card = load_weights(tmp_path / "a.safetensors")
    assert again.state_dict().keys() == network.state_dict().keys()
    assert torch.equal(evaluate(again, batches.batches(), 4, torch.device("cpu")).confusion, scores.confusion)


def test_torchvisions_auxiliary_heads_are_trained() -> None:
    spec = parse_spec({"family": "torchvision", "name": "googlenet", "image_size": 32, "num_classes": 4})
    found = prepared(spec, toy_data(channels=3, size=32), epochs=1)
    training = found.training
    training_mode(training.network, [])
    sums = step(training, next(training.batches.epoch(0)))
    assert sums.isfinite().all()
    for name in ("aux1.fc2.weight", "aux2.fc2.weight", "fc.weight", "conv1.conv.weight"):
        grad = training.network.get_parameter(name).grad
        assert grad is not None
        assert grad.abs().sum() > 0


def test_an_absent_auxiliary_head_is_skipped() -> None:
    training = prepared(toy_spec(VGG)).training
    batch = next(training.batches.epoch(0))
    plain = step(training, batch)

    class Wrapped(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, None]:
            return outputs(again.network(images), None)

    outputs = namedtuple("outputs", ["logits", "aux_logits"])  # as torchvision has it
    again = prepared(toy_spec(VGG)).training
    again.model = Wrapped()
    assert torch.equal(step(again, batch), plain)


def test_each_auxiliary_head_has_its_own_loss_and_accuracy() -> None:
    training = without_dropout(prepared(toy_spec(GOOGLENET), epochs=1, lr=1e-9))
    twin = build(toy_spec(GOOGLENET))
    for name in ("aux1", "aux2"):
        of_kind(nn.Dropout, twin.get_submodule(f"{name}.dropout")).p = 0.0
    twin.load_state_dict(training.network.state_dict())
    batches = list(training.batches.epoch(0))
    labels = torch.cat([batch.labels for batch in batches])
    with torch.no_grad():
        answers = [torch.cat(parts) for parts in zip(*(twin(batch.images) for batch in batches), strict=True)]
    train(training, SilentCallback())
    found = {row.name: row.value for row in training.rows}
    for answer, loss, top1 in zip(
        answers, ("loss", "aux1_loss", "aux2_loss"), ("top1", "aux1_top1", "aux2_top1"), strict=True
    ):
        assert found[f"train/{loss}"] == pytest.approx(cross_entropy(answer, labels).item(), rel=1e-4)
        assert found[f"train/{top1}"] == pytest.approx((answer.argmax(1) == labels).float().mean().item())


def test_torchvisions_heads_are_ordered_by_name() -> None:
    outputs = namedtuple("outputs", ["logits", "aux_logits2", "aux_logits1"])
    main, second, first = (torch.full((1,), float(number)) for number in range(3))
    assert head_outputs(outputs(main, second, first)) == [main, first, second]
    assert head_outputs(main) == [main]


# Gradients


@pytest.mark.parametrize(
    "limits", [{}, {"clip_norm": 0.01}, {"clip_value": 0.002}, {"clip_norm": 0.01, "clip_value": 0.002}]
)
def test_gradients_are_clipped_by_value_then_by_norm_and_the_norm_before_is_returned(limits: dict[str, Any]) -> None:
    training, twin = prepared(toy_spec(VGG), **limits).training, build(toy_spec(VGG))
    twin.load_state_dict(training.network.state_dict())
    batch = next(training.batches.epoch(0))
    cross_entropy(twin(batch.images), batch.labels).backward()
    gradients = torch.cat([weight.grad.flatten() for weight in twin.parameters() if weight.grad is not None])
    norm_and_count = step(training, batch)[3:5].tolist()
    assert norm_and_count == [pytest.approx(gradients.norm().item(), rel=1e-4), 1.0]
    if "clip_value" in limits:
        gradients = gradients.clamp(-limits["clip_value"], limits["clip_value"])
    if "clip_norm" in limits:
        gradients = gradients * (limits["clip_norm"] / gradients.norm()).clamp(max=1)
    ours = torch.cat([weight.grad.flatten() for weight in training.network.parameters() if weight.grad is not None])
    torch.testing.assert_close(ours, gradients, rtol=1e-3, atol=1e-7)


# Points within an epoch


def test_points_are_the_means_of_their_steps() -> None:
    training = prepared(toy_spec(VGG), batch_size=4, lr=1e-9, validation_fraction=0.0, epochs=2).training
    batches = [batch for epoch in range(2) for batch in training.batches.epoch(epoch)]
    with torch.no_grad():
        losses = [cross_entropy(training.network(batch.images), batch.labels).item() for batch in batches]
    train(training, SilentCallback())
    rows = [row for row in training.rows if row.name == "step/loss"]
    assert [row.epoch for row in rows] == pytest.approx(
        [number / 10 for number in range(1, 21)]
    )  # every step is a point
    assert [row.value for row in rows] == pytest.approx(losses, rel=1e-3)
    assert {row.name for row in training.rows if row.epoch % 1 and not row.name.startswith(LAYER_GRADIENT)} == {
        f"step/{name}" for name in ("loss", "top1", "rate", "grad_norm")
    }


@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_gradients_of_layers_are_recorded_before_clipping(
    monkeypatch: pytest.MonkeyPatch, clip_norm: float | None
) -> None:
    monkeypatch.setattr(loop, "LAYER_POINTS", 4)
    options: dict[str, Any] = {
        "batch_size": 4,
        "validation_fraction": 0.0,
        "epochs": 2,
        "clip_norm": clip_norm,
        "lr": 1e-9,
    }
    training, twin = prepared(toy_spec(VGG), **options).training, build(toy_spec(VGG))
    twin.load_state_dict(training.network.state_dict())
    batch = next(training.batches.epoch(0))
    cross_entropy(twin(batch.images), batch.labels, label_smoothing=training.recipe.label_smoothing).backward()
    train(training, SilentCallback())
    rows = [row for row in training.rows if row.name.startswith(LAYER_GRADIENT)]
    by_layer = {name: [row for row in rows if row.name == LAYER_GRADIENT + name] for name in training.layers}
    assert list(by_layer) == ["features.0", "classifier.0", "classifier.2"]
    for name, found in by_layer.items():
        assert [row.epoch for row in found] == pytest.approx([0.1, 0.5, 1, 1.5, 2])  # of ten steps each
        gradients = [weight.grad for weight in twin.get_submodule(name).parameters() if weight.grad is not None]
        assert found[0].value == pytest.approx(torch.nn.utils.get_total_norm(gradients).item(), rel=1e-4)


@pytest.mark.parametrize(("steps", "epochs"), [(1, 1), (7, 3), (400, 1), (5000, 10), (1563, 50), (20, 10_000)])
def test_a_run_has_as_many_points_as_a_chart_can_show_and_begins_with_its_first_step(steps: int, epochs: int) -> None:
    found = [
        [batch for batch in range(1, steps + 1) if is_point(epoch, batch, steps, epochs)]
        for epoch in range(min(epochs, 2))
    ]
    regular = found[-1] if epochs > 1 else [batch for batch in found[0] if batch & (batch - 1)]
    assert len(regular) <= min(100, 1000 // epochs)
    assert found[0][0] == 1
    if epochs <= 500:
        assert all(points[-1] == steps for points in found)
        widest = max(b - a for a, b in zip([0, *found[0]], found[0], strict=False))
        assert widest <= math.ceil(steps / min(100, 1000 // epochs, steps))


# Permuted pixels: the same permutation for every split, which makes no difference to a fully connected network


def test_a_fully_connected_network_learns_permuted_pixels_as_well() -> None:
    spec = toy_spec({**VGG, "cfg": [], "classifier": [12]})
    plain, permuted = (prepared(spec, augment=names, epochs=3) for names in ([], ["permute_pixels"]))
    seed = permuted.preprocessing.permutation_seed
    assert seed == permuted.job.recipe.seed
    order = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for name, weight in permuted.training.network.named_parameters():
            own = plain.training.network.get_parameter(name)
            weight.copy_(own[:, order] if name == "classifier.0.weight" else own)
    one, other = train_all(plain), train_all(permuted)
    assert one.rows[0].value != one.rows[-2].value
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        if not mine.name.startswith("time/"):
            assert (theirs.epoch, theirs.name) == (mine.epoch, mine.name)
            assert theirs.value == pytest.approx(mine.value, rel=1e-5)
    found = other.network.get_parameter("classifier.0.weight")
    torch.testing.assert_close(found, one.network.get_parameter("classifier.0.weight")[:, order], rtol=1e-4, atol=1e-6)


def test_all_splits_and_the_card_permute_alike() -> None:
    plain = prepared(toy_spec(VGG), seed=7)
    permuted = prepared(toy_spec(VGG), augment=["permute_pixels"], seed=7)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(7))
    assert plain.training.validation is not None
    assert permuted.training.validation is not None
    for straight, shuffled in (
        (plain.training.batches.epoch(0), permuted.training.batches.epoch(0)),
        (plain.training.validation.batches(), permuted.training.validation.batches()),
        (plain.test_batches().batches(), permuted.test_batches().batches()),
    ):
        for one, other in zip(straight, shuffled, strict=True):
            assert torch.equal(one.images.flatten(2)[..., order], other.images.flatten(2))
    assert permuted.card.inputs == permuted.preprocessing
    assert permuted.card.preprocessing["permutation_seed"] == 7
    assert "permutation_seed" not in plain.card.preprocessing
    assert prepared(toy_spec(VGG), augment=["permute_pixels"], seed=8).preprocessing.permutation_seed == 8


# Nothing learnt


def test_random_labels_end_the_run_after_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PATIENCE_STEPS", 1)
    data = toy_data(80)
    generator = torch.Generator().manual_seed(0)
    shuffled = replace(data.train, labels=data.train.labels[torch.randperm(80, generator=generator)])
    found = prepared(toy_spec(VGG), replace(data, train=shuffled), lr=1e-6, epochs=50, validation_fraction=0.0)
    with pytest.raises(Fault, match=f"for {PATIENCE} epochs the accuracy stayed at ") as caught:
        train_all(found)
    assert caught.value.code == "at_chance"
    assert found.training.epoch == PATIENCE


def test_a_slowly_learning_network_continues() -> None:
    watch = ChanceWatch(torch.arange(1000) % 10, 10, steps=100)
    for epoch in range(100):  # the loss falls slowly while the accuracy stays at chance
        watch.after_epoch(0.1, math.log(10) * (0.994 - 0.001 * epoch))
    for _round in range(5):
        for _epoch in range(PATIENCE - 1):
            watch.after_epoch(0.1, math.log(10))
        watch.after_epoch(0.2, math.log(10))  # one better epoch starts the count anew
    for _epoch in range(PATIENCE - 1):
        watch.after_epoch(0.1, math.log(10))
    with pytest.raises(Fault):
        watch.after_epoch(0.1, math.log(10))


def test_a_small_set_has_as_many_steps_as_a_large_one() -> None:
    watch = ChanceWatch(torch.arange(60) % 10, 10, steps=3)
    for _epoch in range(500 // 3):
        watch.after_epoch(0.1, math.log(10))
    with pytest.raises(Fault, match="for 167 epochs"):
        watch.after_epoch(0.1, math.log(10))


def test_guessing_means_the_most_frequent_class() -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    watch = ChanceWatch(labels, 2, steps=100)
    for _epoch in range(PATIENCE - 1):
        watch.after_epoch(0.9, 0.4)
    with pytest.raises(Fault, match=r"90.0%"):
        watch.after_epoch(0.9, 0.4)


def test_a_batch_with_one_value_per_channel_is_explained() -> None:
    spec = toy_spec({**VGG, "cfg": [4, "M", 4, "M", 4, "M", 4], "batch_norm": True})
    with pytest.raises(ValueError, match="more than 1 value") as caught:
        train_all(prepared(spec, batch_size=1))
    fault = to_fault(caught.value, 1)
    assert (fault.code, str(fault)) == (
        "input",
        "batch norm can't train on a single value per channel: raise batch_size",
    )


# Complete runs


@pytest.fixture
def restored_process() -> Iterator[None]:
    """Restores what a worker changes in its process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    torch.set_flush_denormal(False)


class RecordedImages(Decoded):
    """Images that record which of them were read, and after how many epochs."""

    def __init__(self, images: Tensor, run: RunDirectory) -> None:
        super().__init__(list(images))
        self.run = run
        self.reads: list[tuple[int, float]] = []

    def __getitem__(self, index: int) -> Tensor:
        self.reads.append((index, max((row.epoch for row in self.run.rows()), default=0)))
        return super().__getitem__(index)


@pytest.mark.usefixtures("restored_process")
def test_the_test_set_is_read_once_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = toy_job(toy_spec(VGG), epochs=3)
    run = RunDirectory(tmp_path / job.id)
    data = toy_data()
    assert isinstance(data.test.images, Tensor)
    images = RecordedImages(data.test.images, run)
    dataset: Dataset = replace(data, test=Split(images, data.test.labels))
    job.write(run.folder)
    monkeypatch.setattr(worker, "load", lambda *_arguments: dataset)
    assert worker.main(run.folder) == 0
    assert {epoch for _index, epoch in images.reads} == {3}
    read = [index for index, _epoch in images.reads]
    # The first one is also read for its number of channels.
    assert sorted(set(read)) == list(range(20))
    # Misclassified ones are read once more for their pictures.
    pictures = [mistake["index"] for mistake in json.loads(run.mistakes.read_text())]
    assert all(read.count(index) == 1 + pictures.count(index) for index in range(1, 20))

    ended = run.read_end()
    assert ended is not None
    result = ended["result"]
    monkeypatch.setattr("explorer.training.weights_evaluation.load", lambda *_arguments: data)
    # Sums depend on the size of the batches.
    monkeypatch.setattr("explorer.training.weights_evaluation.BATCH", job.recipe.batch_size)
    measured = evaluate_weights(run.best, "toys", "test", "cpu", lambda *_progress: None).result
    loss = pytest.approx(result["loss"], rel=1e-6)  # float32, in another order
    assert {key: measured[key] for key in result} == result | {"loss": loss}
    assert (measured["split"], measured["dataset"], measured["notes"]) == ("test", "toys", [])


def test_sums_of_a_batch_come_from_its_forward_pass() -> None:
    training = prepared(toy_spec(VGG)).training
    batch: Batch = next(training.batches.epoch(0))
    with torch.no_grad():
        logits = training.network(batch.images)
    loss, correct, images, *_more = step(training, batch).tolist()
    assert loss == pytest.approx(cross_entropy(logits, batch.labels, reduction="sum").item(), rel=1e-5)
    assert correct == int((logits.argmax(1) == batch.labels).sum())
    assert images == len(batch.labels)
