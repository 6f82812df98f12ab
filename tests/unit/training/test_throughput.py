"""Throughput, measured on simulated steps of known length and on real ones."""

import io
import json
import os
import sys
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from explorer.errors import InputError
from explorer.families import Spec
from explorer.jobs.estimate import Throughput
from explorer.jobs.job import Resources
from explorer.recipes import Recipe
from explorer.training import throughput
from explorer.workers import subprocess_runner
from explorer.workers.protocol import request_text, serve
from explorer.workers.subprocess_runner import Limits
from tests.helpers.toys import GOOGLENET, RESNET, VGG, toy_spec

pytestmark = pytest.mark.process

ONE = Resources(device="cpu", threads=1)


@pytest.fixture(autouse=True)
def _restore_torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(throughput, "MIN_SECONDS", 0.1)
    yield
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)


def request_for(spec: Spec, **recipe: object) -> dict[str, object]:
    return {"spec": spec.to_dict(), "recipe": recipe, "resources": {"device": "cpu", "threads": 1}}


def test_simulated_steps_are_measured_without_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    done = {"steps": 0, "images": 0}
    began, passed = psutil.Process().create_time(), 0.0

    def step(_training: object, batch: Any) -> torch.Tensor:
        nonlocal passed
        passed += 0.03 if done["steps"] else 0.5
        done["steps"] += 1
        assert len(batch.images) == 10
        return torch.zeros(3)

    def evaluate(_network: object, batches: Any, *_more: object) -> None:
        nonlocal passed
        passed += 0.01
        done["images"] = sum(len(batch.images) for batch in batches)

    monkeypatch.setattr(throughput, "step", step)
    monkeypatch.setattr(throughput, "evaluate", evaluate)
    monkeypatch.setattr(throughput, "time", SimpleNamespace(time=lambda: began + passed, perf_counter=lambda: passed))
    # Three processes share the batch.
    found = throughput.measure_throughput(toy_spec(VGG), Recipe(batch_size=30), Resources(device="cpu", processes=3))
    assert done == {"steps": 1 + 4, "images": 10}
    assert found.batch_size == 30
    assert found.seconds_per_step == pytest.approx(0.03)
    assert found.seconds_per_evaluated_image == pytest.approx(0.01 / 30)
    assert found.startup == pytest.approx(0.5, rel=1e-3)
    assert found.ready_startup == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("family", "recipe"),
    [
        (VGG, {"epochs": 1, "schedule": "cosine", "augment": ["random_resized_crop", "cutout"]}),
        (RESNET, {"epochs": 1, "ema": 0.9, "schedule": "plateau", "validation_fraction": 0, "precision": "bf16"}),
        (GOOGLENET, {"epochs": 2, "warmup_epochs": 1, "mean": [0.5] * 3, "std": [0.5] * 3, "batch_size": 3}),
    ],
    ids=["vgg", "resnet", "googlenet"],
)
def test_every_recipe_can_be_measured_beyond_its_last_epoch(
    family: dict[str, object], recipe: dict[str, object]
) -> None:
    found = throughput.measure_throughput(toy_spec(family), Recipe.parse(recipe), ONE)
    assert 0 < found.seconds_per_step < 10
    assert 0 < found.seconds_per_evaluated_image < 1
    assert (found.device, found.precision) == ("cpu", recipe.get("precision", "fp32"))


def test_throughput_is_measured_in_another_process() -> None:
    answer: Any = subprocess_runner.call("explorer.training.throughput", request_for(toy_spec(VGG)), Limits(120))
    found = Throughput(**answer)
    assert found.batch_size == 64
    assert found.startup > found.ready_startup > found.seconds_per_step > 0


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("{", "the input: '{' is not an object with keys"),
        ([], "the input: [] is not an object with keys"),
        ({"spec": {}, "recipe": {}}, "resources"),
        (request_for(toy_spec(VGG), epochs=0), "epochs: "),
        (request_for(toy_spec(VGG), precision="fp16"), "precision: fp16 "),
        (request_for(toy_spec(VGG), freeze=["nothing"]), "freeze: "),
        (request_for(toy_spec(VGG, cfg=["M", "M", "M", 4], batch_norm=True), batch_size=1), "raise batch_size"),
    ],
)
def test_invalid_input_is_reported_in_one_line(request_: object, words: str) -> None:
    with pytest.raises(InputError) as caught:
        throughput.respond(request_)
    assert words in str(caught.value)


def test_an_internal_error_is_not_reported_as_invalid_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "prepare", lambda *_job: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        throughput.respond(request_for(toy_spec(VGG)))


def measure_with_little_memory(text: str, output: Path) -> None:
    """Measures with one gigabyte of free memory."""
    import resource  # Unix only

    limit = psutil.Process().memory_info().vms + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sys.stdin = io.StringIO(text)
    with output.open("w") as sys.stdout:
        serve(throughput.respond)
    os._exit(0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_too_little_memory_is_reported(tmp_path: Path) -> None:
    wide = toy_spec(VGG, cfg=[4096, "A:128/128"], image_size=128)  # 17 GB of its first map alone
    output = tmp_path / "told"
    text = request_text(request_for(wide, precision="fp32"), "en")
    process = get_context("fork").Process(target=measure_with_little_memory, args=(text, output))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert json.loads(output.read_text()) == {
        "fault": "the machine has run out of memory with batches of 64: use a smaller batch_size or image_size, or "
        "close other programs",
        "kind": "InputError",
    }
