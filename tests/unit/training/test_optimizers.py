"""Optimizers and schedules, compared with torch's own, called directly, and with closed forms."""

import io
import math
import sys
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR

from explorer.recipes import Recipe, resolve
from explorer.training.optimizers import Schedule, make_optimizer

LOSSES = [2.0, 1.5, 1.4, 1.39, 1.38, 1.37, 1.36, 1.0, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.9, 0.9]


def parameter(size: int = 3) -> nn.Parameter:
    return nn.Parameter(torch.linspace(-1, 1, size))


def step(optimizer: Optimizer, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight.grad = torch.randn(weight.shape, generator=generator)
    optimizer.step()


def rates(recipe: Recipe, steps_per_epoch: int, losses: list[float] | None = None) -> list[float]:
    """Returns the rate of every step of a run, and the final rate."""
    optimizer = make_optimizer(recipe, [parameter()])
    schedule = Schedule(recipe, optimizer, steps_per_epoch)
    seen_rates = []
    for epoch in range(recipe.epochs):
        for _step in range(steps_per_epoch):
            seen_rates.append(schedule.rate)
            step(optimizer)
            schedule.after_step()
        schedule.after_epoch(losses[epoch] if losses else 1.0)
    return [*seen_rates, schedule.rate]


def by_hand(scheduler: Any, epochs: int, *, losses: list[float] | None = None) -> list[float]:
    """Returns the rate of every epoch or step of a torch scheduler, and the final rate."""
    seen_rates = []
    for epoch in range(epochs):
        seen_rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step(losses[epoch]) if losses else scheduler.step()
    return [*seen_rates, scheduler.optimizer.param_groups[0]["lr"]]


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw"])
def test_no_optimizer_imports_the_compiler(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # to import it raises an error
    optimizer = make_optimizer(resolve("r1").changed(optimizer=name), [parameter()])
    step(optimizer)
    optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())


def test_constant_is_constant() -> None:
    assert rates(resolve("r0").changed(epochs=3), 4) == [1e-4] * 13


def test_step_drops_the_rate_after_epochs() -> None:
    recipe = resolve("r2").changed(epochs=25)
    found = rates(recipe, 2)
    assert found[::2] == by_hand(StepLR(SGD([parameter()], 1e-3), 10, 0.1), 25)
    assert found[:-1] == pytest.approx([1e-3 * 0.1 ** (number // 20) for number in range(50)])


def test_plateaus_are_torchs_for_summed_and_mean_losses_alike() -> None:
    recipe = resolve("r1").changed(epochs=len(LOSSES))
    torchs = ReduceLROnPlateau(SGD([parameter()], 0.1), threshold=0.1, patience=3)
    expected = by_hand(torchs, len(LOSSES), losses=LOSSES)
    assert len(set(expected)) > 2  # the rate falls more than once
    assert rates(recipe, 3, LOSSES)[::3] == expected
    assert rates(recipe, 3, [391 * loss for loss in LOSSES])[::3] == expected


def test_cosine_fits_the_run() -> None:
    found = rates(Recipe(schedule="cosine", lr=0.2, epochs=5), 7)
    assert found == pytest.approx([0.1 * (1 + math.cos(math.pi * number / 35)) for number in range(36)])


def test_onecycle_is_torchs_and_fits_the_run() -> None:
    found = rates(Recipe(schedule="onecycle", lr=0.2, epochs=10), 5)
    torchs = OneCycleLR(SGD([parameter()], 0.1), 0.2, 51, pct_start=16 / 51, cycle_momentum=False)
    assert found == by_hand(torchs, 50)
    assert found[0] == pytest.approx(0.2 / 25)
    assert found.index(max(found)) == 15  # three tenths of 50
    assert max(found) == pytest.approx(0.2)
    assert found[-1] == pytest.approx(0.2 / 25e4)
    assert found[-2] > found[-1]


def test_onecycle_warms_up_for_the_given_epochs() -> None:
    for epochs, peak in ((0.0, 0), (0.2, 1), (1, 5), (9.5, 47)):
        found = rates(Recipe(schedule="onecycle", lr=0.2, epochs=10, warmup_epochs=epochs), 5)
        assert found.index(max(found)) == peak


def test_onecycle_does_not_change_the_momentum() -> None:
    for name, key, expected in (("sgd", "momentum", 0.8), ("adamw", "betas", (0.8, 0.999))):
        recipe = Recipe(optimizer=name, momentum=0.8, epochs=2)
        optimizer = make_optimizer(recipe, [parameter()])
        schedule = Schedule(recipe, optimizer, 3)
        for _step in range(5):
            step(optimizer)
            schedule.after_step()
            assert optimizer.param_groups[0][key] == expected


def test_warmup_rises_with_every_step() -> None:
    rise = [0.1 * (0.01 + 0.99 * number / 6) for number in range(6)]
    warm = {"lr": 0.1, "epochs": 8, "warmup_epochs": 1.5}
    assert rates(Recipe(schedule="constant", **warm), 4) == pytest.approx([*rise, *[0.1] * 27])
    fall = [0.05 * (1 + math.cos(math.pi * number / 26)) for number in range(27)]
    assert rates(Recipe(schedule="cosine", **warm), 4) == pytest.approx([*rise, *fall])
    drops = [0.5 ** (number // 4) for number in range(33)]
    found = rates(Recipe(schedule="step", step_size=1, gamma=0.5, **warm), 4)
    assert found == pytest.approx([a * b for a, b in zip([*rise, *[0.1] * 27], drops, strict=True)])
    found = rates(Recipe(schedule="plateau", patience=0, gamma=0.5, **warm), 4)
    later = [0.5 ** max(number // 4 - 1, 0) for number in range(33)]  # the first epoch is always the best so far
    assert found == pytest.approx([a * b for a, b in zip([*rise, *[0.1] * 27], later, strict=True)])


RUNS = st.builds(
    lambda schedule, epochs, share: Recipe(
        schedule=schedule, epochs=epochs, lr=0.1, warmup_epochs=share and share * epochs
    ),
    st.sampled_from(["constant", "step", "plateau", "cosine", "onecycle"]),
    st.integers(1, 5),
    st.none() | st.floats(0, 0.999),
)


@given(RUNS, st.integers(1, 5))
def test_schedules_fit_very_short_runs(recipe: Recipe, steps_per_epoch: int) -> None:
    found = rates(recipe, steps_per_epoch)
    assert len(found) == recipe.epochs * steps_per_epoch + 1
    assert all(0 < rate <= 0.1 + 1e-12 for rate in found[:-1])
    assert min(found[:-1]) > 1e-4  # the rate of every step is above a thousandth of the highest
    if recipe.schedule in ("cosine", "onecycle"):
        assert found[-1] < 1e-5


@given(RUNS, st.integers(2, 4), st.data())
def test_a_restored_schedule_continues_exactly(recipe: Recipe, steps_per_epoch: int, data: st.DataObject) -> None:
    stop = data.draw(st.integers(0, recipe.epochs * steps_per_epoch))

    def go(optimizer: Optimizer, schedule: Schedule, start: int, end: int) -> list[float]:
        seen_rates = []
        for number in range(start, end):
            step(optimizer, number)
            schedule.after_step()
            if (number + 1) % steps_per_epoch == 0:
                schedule.after_epoch(LOSSES[number // steps_per_epoch])
            seen_rates.append(schedule.rate)
        return seen_rates

    uninterrupted = parameter()
    optimizer = make_optimizer(recipe, [uninterrupted])
    expected = go(optimizer, Schedule(recipe, optimizer, steps_per_epoch), 0, recipe.epochs * steps_per_epoch)

    first = parameter()
    optimizer = make_optimizer(recipe, [first])
    schedule = Schedule(recipe, optimizer, steps_per_epoch)
    seen_rates = go(optimizer, schedule, 0, stop)
    file = io.BytesIO()
    torch.save({"weight": first.detach(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)

    second = nn.Parameter(state["weight"])
    optimizer = make_optimizer(recipe, [second])
    schedule = Schedule(recipe, optimizer, steps_per_epoch)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    seen_rates += go(optimizer, schedule, stop, recipe.epochs * steps_per_epoch)
    assert seen_rates == expected
    assert torch.equal(second, uninterrupted)


PLAIN = [
    (Recipe(optimizer="sgd", momentum=0.9), lambda weights: SGD(weights, 0.01, 0.9, weight_decay=0.1, foreach=False)),
    (Recipe(optimizer="sgd", momentum=0.0), lambda weights: SGD(weights, 0.01, weight_decay=0.1, foreach=False)),
    (
        Recipe(optimizer="nesterov", momentum=0.9),
        lambda weights: SGD(weights, 0.01, 0.9, weight_decay=0.1, nesterov=True, foreach=False),
    ),
    (Recipe(optimizer="adam"), lambda weights: Adam(weights, 0.01, weight_decay=0.1, foreach=False)),
    (
        Recipe(optimizer="adamw", momentum=0.8),
        lambda weights: AdamW(weights, 0.01, (0.8, 0.999), weight_decay=0.1, foreach=False),
    ),
]


@pytest.mark.parametrize(("recipe", "plain"), PLAIN, ids=range(len(PLAIN)))
def test_steps_equal_torchs_loop_implementation(recipe: Recipe, plain: Any) -> None:
    """The network has channels-last weights, as in training, and real gradients."""

    def network() -> nn.Sequential:
        torch.manual_seed(0)
        # A bias before batch norm would have gradients of rounding noise, which Adam scales up.
        first = nn.Conv2d(3, 5, 3, bias=False)
        layers = nn.Sequential(first, nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 7, 3), nn.Flatten(), nn.Linear(112, 3))
        return layers.to(memory_format=torch.channels_last)

    def train(layers: nn.Module, optimizer: Optimizer) -> list[Tensor]:
        generator = torch.Generator().manual_seed(1)
        for _step in range(5):
            images = torch.randn(4, 3, 8, 8, generator=generator).to(memory_format=torch.channels_last)
            optimizer.zero_grad()
            layers(images).square().mean().backward()
            optimizer.step()
        return [weight.detach().clone() for weight in layers.parameters()]

    ours, theirs = network(), network()
    before = [weight.detach().clone() for weight in ours.parameters()]
    after = train(ours, make_optimizer(recipe.changed(lr=0.01, weight_decay=0.1), ours.parameters()))
    expected = train(theirs, plain(theirs.parameters()))
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-6)
    assert not any(torch.equal(*pair) for pair in zip(before, after, strict=True))  # every weight changed


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw"])
def test_the_number_of_threads_does_not_change_the_result(name: Any) -> None:
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            weight = parameter(100_003)
            optimizer = make_optimizer(Recipe(optimizer=name), [weight])
            for number in range(3):
                step(optimizer, number)
            results.append(weight.detach())
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_frozen_parameters_are_not_optimised() -> None:
    frozen, trained = parameter(), parameter()
    frozen.requires_grad = False
    assert make_optimizer(Recipe(), [frozen, trained]).param_groups[0]["params"] == [trained]
