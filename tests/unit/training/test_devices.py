"""The device, precision and memory format of a run."""

import os
import subprocess
import sys

import pytest
import torch

from explorer.errors import InputError
from explorer.families.building import build
from explorer.jobs.job import Resources
from explorer.settings import settings
from explorer.training import devices
from explorer.training.devices import WORTH_THREADS, choose_device, make_plan, threads
from explorer.training.dry_run import forward_macs
from explorer.training.faults import to_fault
from explorer.training.loop import step
from tests.helpers.toys import RESNET, VGG, prepared, toy_spec

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_missing_devices_are_refused() -> None:
    assert choose_device("auto") == choose_device("cpu", 3) == CPU
    for wanted in ("cuda", "mps", "tpu"):
        with pytest.raises(InputError, match=f"^device: this machine has no {wanted} that PyTorch can use"):
            choose_device(wanted)


def test_a_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(InputError, match=r"^processes: 3 .* 2"):
        choose_device("cuda", 2)


@pytest.mark.parametrize(
    ("units", "macs", "dtype"),
    [(True, 10**9, torch.bfloat16), (True, 10**6, torch.float32), (False, 10**9, torch.float32)],
)
def test_auto_precision_on_a_cpu(units: bool, macs: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": units})
    assert make_plan(build(toy_spec(VGG)), CPU, "auto", macs).dtype == dtype


@pytest.mark.parametrize(("emulated", "dtype"), [(True, torch.float16), (False, torch.bfloat16)])
def test_auto_precision_on_a_gpu(emulated: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation or not emulated
    )
    plan = make_plan(build(toy_spec(VGG)), torch.device("cuda"), "auto", 1)
    assert (plan.dtype, plan.memory_format) == (dtype, torch.channels_last)


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(InputError, match=r"^precision: fp16 needs a GPU"):
        make_plan(build(toy_spec(VGG)), CPU, "fp16", 1)


def test_only_convolutional_networks_use_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert make_plan(build(toy_spec(VGG)), CPU, "fp32", 1).memory_format == torch.channels_last
    assert make_plan(build(toy_spec(VGG, cfg=[])), CPU, "fp32", 1).memory_format == torch.contiguous_format


def test_without_avx512_float32_does_not_use_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch would corrupt its memory."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert make_plan(build(toy_spec(VGG)), CPU, "fp32", 1).memory_format == torch.contiguous_format
    assert make_plan(build(toy_spec(VGG)), CPU, "bf16", 1).memory_format == torch.channels_last


def weights_after(precision: str, monkeypatch: pytest.MonkeyPatch, *, last: bool = True) -> torch.Tensor:
    with monkeypatch.context() as patch:
        if not last:
            patch.setattr(torch, "channels_last", torch.contiguous_format)
        training = prepared(toy_spec(RESNET), precision=precision, lr=0.02).training
    for batch in training.batches.epoch(0):
        step(training, batch)
    return torch.cat([weight.detach().flatten() for weight in training.network.parameters()])


def test_the_memory_format_changes_no_results_and_bf16_changes_them_little(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = weights_after("fp32", monkeypatch, last=False)
    by_channel = weights_after("fp32", monkeypatch)
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        assert not torch.equal(plain, by_channel)  # otherwise the memory format was the same
    torch.testing.assert_close(plain, by_channel, rtol=1e-3, atol=1e-5)
    half = weights_after("bf16", monkeypatch)
    assert half.dtype == torch.float32
    assert 1e-6 < (half - plain).norm() / plain.norm() < 0.05


def test_a_linear_model_of_digits_is_not_worth_casting() -> None:
    linear = toy_spec({"family": "vgg", "cfg": [], "pool_to": None, "classifier": []})
    assert 128 * forward_macs(linear) < devices.WORTH_CASTING


def test_a_missing_compiler_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "no-such-compiler"))
    monkeypatch.setattr("torch._inductor.config.force_disable_caches", True)
    with pytest.raises(RuntimeError) as caught:
        torch.compile(torch.nn.Linear(3, 3))(torch.zeros(2, 3))
    fault = to_fault(caught.value, 32)
    assert fault.code == "compile"
    assert "install a C++ compiler such as g++, or set compile to false" in str(fault)


def test_small_batches_use_one_thread_unless_the_job_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr(devices, "busy_cores", lambda: 0.2)
    cpu, several = torch.device("cpu"), Resources(processes=2)
    assert threads(Resources(), cpu, WORTH_THREADS - 1) == 1
    assert threads(Resources(), cpu, WORTH_THREADS) == 8 // settings().cpu_slots
    assert threads(several, cpu, WORTH_THREADS) == 4 // settings().cpu_slots
    assert threads(Resources(threads=3), cpu, 1) == 3


@pytest.mark.parametrize(
    ("percent", "minute", "wanted"), [(100, 8.0, 1), (50, 9.0, 4), (100, 0.1, 8), (1, 8.0, 8), (100, 40.0, 1)]
)
def test_threads_leave_out_the_cores_of_other_programs(
    percent: float, minute: float, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short load such as the run of a page is ignored, and so is a load that has just ended."""
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("psutil.cpu_percent", lambda _seconds: percent)
    monkeypatch.setattr("psutil.getloadavg", lambda: (minute, 0.0, 0.0))
    share = 8 // settings().cpu_slots
    assert threads(Resources(), torch.device("cpu"), WORTH_THREADS) == min(share, wanted)
    assert threads(Resources(processes=2), torch.device("cpu"), WORTH_THREADS) == share // 2
    assert threads(Resources(threads=5), torch.device("cpu"), WORTH_THREADS) == 5


@pytest.mark.process
def test_waiting_threads_sleep() -> None:
    """The variable is set before torch loads OpenMP, whose threads spin otherwise."""
    process = subprocess.run(
        [sys.executable, "-c", "import explorer, os; print(os.environ['OMP_WAIT_POLICY'])"],
        env={key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert process.stdout.strip() == "PASSIVE"
