"""Several processes train and evaluate like one."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.families import Spec
from explorer.jobs import launch
from explorer.jobs.run_directory import Row, RunDirectory
from explorer.training import worker
from explorer.training.batches import EvaluationBatches
from explorer.training.evaluation import Scores, evaluate
from explorer.training.freezing import training_mode
from explorer.training.loop import Training, epoch_means, step
from explorer.training.setup import PreparedTraining, prepare
from explorer.training.synced_norm import SyncedBatchNorm2d
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import load as load_weights
from explorer.weights.files import read
from explorer.workers.subprocess_runner import ROOT
from tests.helpers.narrow import of_kind
from tests.helpers.ranks import forked_workers, in_ranks, statuses
from tests.helpers.toys import GOOGLENET, RESNET, VGG, toy_data, toy_job, toy_spec

pytestmark = [pytest.mark.process, pytest.mark.forks]

# 37 images by 16 are batches of 12, 12 and 13: two processes have 6 and 6, then 6 and 7.
IMAGES = 37
CASES: dict[str, tuple[Spec, dict[str, Any]]] = {
    "plain": (toy_spec(VGG), {"augment": ["crop", "flip"]}),
    "smoothed and clipped": (toy_spec(VGG), {"label_smoothing": 0.2, "clip_norm": 0.05}),
    "batch norm": (toy_spec(RESNET), {"optimizer": "nesterov", "weight_decay": 0.01, "ema": 0.5}),
    "frozen": (toy_spec(RESNET), {"freeze": ["layer1", "bn1.bias"]}),
    "auxiliary heads": (toy_spec(GOOGLENET, batch_norm=True), {"aux_weight": 0.7}),
}


def ready(name: str, rank: int, world: int) -> PreparedTraining:
    """Prepares a training without dropout, so that all processes use the same random numbers."""
    spec, recipe = CASES[name]
    found = prepare(toy_job(spec, **recipe), toy_data(IMAGES + 4), rank, world)
    for module in found.training.network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    assert len(found.dataset.train) == IMAGES
    return found


def steps_of(rank: int, world: int) -> dict[str, dict[str, Any]]:
    """Returns for every case gradients of the first step, weights after two epochs, and metrics."""
    results = {}
    for name in CASES:
        training = ready(name, rank, world).training
        gradients: dict[str, Tensor] = {}
        for epoch in range(2):
            training_mode(training.network, training.frozen)
            training.sums.zero_()
            for batch in training.batches.epoch(epoch):
                training.sums += step(training, batch)
                gradients = gradients or {
                    key: weight.grad.clone()
                    for key, weight in training.network.named_parameters()
                    if weight.grad is not None
                }
        assert training.validation is not None
        scores = evaluate(training.evaluated_network, training.validation.batches(), 4, training.plan.device)
        results[name] = {
            "gradients": gradients,
            "weights": training.network.state_dict(),
            "kept": training.evaluated_network.state_dict(),
            "numbers": torch.tensor([*epoch_means(training), scores.loss]),
        }
    return results


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the results of this process, and those of two processes."""
    return steps_of(0, 1), in_ranks(2, tmp_path_factory.mktemp("ranks"), steps_of)


def close(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float) -> bool:
    """Returns whether tensors agree, relative to the largest number in each."""
    assert one.keys() == other.keys()
    return all(
        (one[key].double() - other[key].double()).abs().max() <= tolerance * one[key].double().abs().max() + 1e-7
        for key in one
    )


@pytest.mark.parametrize("name", CASES)
def test_two_processes_have_the_gradients_of_one(name: str, both: Any) -> None:
    alone, ranks = both
    assert sum(grad.abs().sum() for grad in alone[name]["gradients"].values()) > 0
    for rank in ranks:
        assert close(alone[name]["gradients"], rank[name]["gradients"], 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_the_weights_of_one(name: str, both: Any) -> None:
    alone, ranks = both
    for kind in ("weights", "kept"):
        assert close(alone[name][kind], ranks[0][name][kind], 5e-4)
        assert all(torch.equal(ranks[0][name][kind][key], value) for key, value in ranks[1][name][kind].items())
    torch.testing.assert_close(alone[name]["numbers"], ranks[0][name]["numbers"], rtol=1e-4, atol=1e-5)
    assert torch.equal(ranks[0][name]["numbers"], ranks[1][name]["numbers"])


def test_gradients_of_this_case_are_clipped(both: Any) -> None:
    length = nn.utils.get_total_norm(both[0]["smoothed and clipped"]["gradients"].values())
    assert length.item() == pytest.approx(0.05, rel=1e-3)


def test_the_frozen_part_has_no_gradient_and_its_own_statistics(both: Any) -> None:
    frozen = both[1][0]["frozen"]
    assert not any(key.startswith("layer1.") or key == "bn1.bias" for key in frozen["gradients"])
    assert frozen["weights"]["layer1.0.bn1.running_mean"].count_nonzero() == 0
    assert frozen["weights"]["layer2.0.bn1.running_mean"].count_nonzero() > 0


def norm_of(rank: int, world: int) -> dict[str, Tensor]:
    """Runs two steps of a batch norm on this process's share of seven images."""
    generator = torch.Generator().manual_seed(0)
    norm = (SyncedBatchNorm2d if world > 1 else nn.BatchNorm2d)(3, eps=0.01, momentum=0.3)
    norm.weight.data = torch.randn(3, generator=generator)
    norm.bias.data = torch.randn(3, generator=generator)
    results: dict[str, Tensor] = {}
    for step_number in range(2):
        images = 5 * torch.randn(7, 3, 4, 5, generator=generator) + 100
        direction = torch.randn(7, 3, 4, 5, generator=generator)
        share = slice(7 * rank // world, 7 * (rank + 1) // world)
        mine = images[share].clone().requires_grad_()
        output = norm(mine)
        (output * direction[share]).sum().backward()
        results |= {f"output{step_number}": output.detach(), f"gradient{step_number}": of_kind(Tensor, mine.grad)}
    half = norm(images[share].bfloat16())
    results["half"] = half.detach()
    results |= {"weight": of_kind(Tensor, norm.weight.grad), "bias": of_kind(Tensor, norm.bias.grad)}
    results |= {f"after {key}": value.clone() for key, value in norm.named_buffers()}
    norm.eval()
    return results | {"evaluated": norm(images[share]).detach()}


def test_batch_norm_over_processes_equals_that_of_one_batch(tmp_path: Path) -> None:
    together = norm_of(0, 1)
    ranks = in_ranks(2, tmp_path, norm_of)
    for key in ("output0", "output1", "gradient0", "gradient1", "evaluated"):
        torch.testing.assert_close(torch.cat([rank[key] for rank in ranks]), together[key], rtol=1e-4, atol=2e-5)
    for key in ("weight", "bias"):  # of which DistributedDataParallel takes the mean
        torch.testing.assert_close(ranks[0][key] + ranks[1][key], together[key], rtol=1e-4, atol=1e-4)
    for key in ("running_mean", "running_var", "num_batches_tracked"):
        for rank in ranks:
            torch.testing.assert_close(rank[f"after {key}"], together[f"after {key}"], rtol=1e-5, atol=1e-5)
    assert ranks[0]["half"].dtype == together["half"].dtype == torch.bfloat16
    half = torch.cat([rank["half"] for rank in ranks])
    torch.testing.assert_close(half.float(), together["half"].float(), rtol=2e-2, atol=2e-2)


def scores_of(rank: int, world: int) -> list[tuple[float, Tensor, dict[int, int]]]:
    """Evaluates sets of 37 images, two images and one image, which are fewer than the processes."""
    found = ready("plain", rank, world)
    device = torch.device("cpu")
    results = []
    for count in (37, 2, 1):
        split = toy_data(4, 37).test.take(torch.arange(count))
        batches = EvaluationBatches(split, found.preprocessing, 5, found.placement).batches()
        scores: Scores = evaluate(found.training.network, batches, 4, device)
        results.append((scores.loss, scores.confusion, scores.hits))
    return results


@pytest.mark.parametrize("world", [2, 3])
def test_every_image_is_counted_once(world: int, tmp_path: Path) -> None:
    alone = scores_of(0, 1)
    for rank in in_ranks(world, tmp_path, scores_of):
        for count, mine, theirs in zip((37, 2, 1), alone, rank, strict=True):
            assert int(theirs[1].sum()) == count
            assert torch.equal(mine[1], theirs[1])
            assert mine[2] == theirs[2]
            assert mine[0] == pytest.approx(theirs[0], rel=1e-5)


# Complete runs, each with its directory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Returns a run of two processes that takes some seconds."""
    spec = toy_spec(VGG, batch_norm=True, num_classes=10)
    job = toy_job(spec, "digits", 2, epochs=60, batch_size=500)
    job.write(tmp_path / job.id)
    return RunDirectory(tmp_path / job.id)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 600  # a process that waits for a lost one would wait for hours
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_killed_process_ends_the_others(run: RunDirectory) -> None:
    workers = forked_workers(run)
    wait_until(lambda: len(run.rows()) > 0)
    workers[1].kill()
    wait_until(lambda: not any(process.is_alive() for process in workers))
    end = run.read_end()
    assert end is not None
    assert (end["status"], end["error"]["code"]) == ("failed", "process_lost")
    assert "short of memory" in end["error"]["message"]


def test_a_failing_process_reports_the_cause(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = worker.WorkerCallback.after_step

    def after_step(watch: worker.WorkerCallback, training: Training) -> None:
        if os.environ["RANK"] == "1" and training.epoch == 1:
            raise MemoryError
        harmless(watch, training)

    monkeypatch.setattr(worker.WorkerCallback, "after_step", after_step)
    workers = forked_workers(run)
    wait_until(lambda: run.read_end() is not None)
    wait_until(lambda: not any(process.is_alive() for process in workers))
    end = run.read_end()
    assert end is not None
    assert (end["status"], end["error"]["code"]) == ("failed", "out_of_memory")


def test_a_run_is_stopped_and_resumed_and_finishes(run: RunDirectory) -> None:
    with run.log.open("ab") as log:
        starter = subprocess.Popen(launch.worker_command(run.folder, 2), cwd=ROOT, stdout=log, stderr=log)
    wait_until(lambda: len(run.rows()) > 0 or starter.poll() is not None)
    pids = [pid for pid, _created in run.progress()["processes"]]
    assert pids[0] == starter.pid
    assert len(set(pids)) == 3
    starter.terminate()
    starter.wait(300)
    assert run.read_end() == {"status": "stopped", "error": None, "result": None}, run.log.read_text()
    assert not any(map(psutil.pid_exists, pids))

    assert statuses(forked_workers(run)) == [0, 0]
    ended = run.read_end()
    assert ended is not None
    assert ended["status"] == "finished"
    epochs = [row.epoch for row in run.rows() if row.name == "train/loss"]
    assert epochs == list(range(1, 61))
    result = ended["result"]
    assert result["images"] == sum(map(sum, result["confusion"])) == 359
    assert result["top1"] > 0.3
    _network, card = load_weights(run.best)
    assert card.metrics["test/correct"] == result["correct"]
    alone = evaluate_weights(run.best, "digits", "test", "cpu", lambda *_progress: None).result
    assert (alone["confusion"], alone["topk"]) == (result["confusion"], result["topk"])

    left_alone = RunDirectory(run.folder.with_name("left_alone"))
    left_alone.folder.mkdir()
    shutil.copy(run.folder / "job.json", left_alone.folder)
    for process in forked_workers(left_alone):
        process.join(180)
    assert numbers(left_alone) == numbers(run)
    tensors, _card = read(left_alone.last)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in read(run.last)[0].items())


def numbers(run: RunDirectory) -> list[Row]:
    return [row for row in run.rows() if not row.name.startswith("time/")]


def test_more_processes_than_images_in_a_batch_are_refused() -> None:
    job = toy_job(toy_spec(VGG), batch_size=2, validation_fraction=0.0)
    with pytest.raises(InputError):
        prepare(job, toy_data(40), 0, 3)
