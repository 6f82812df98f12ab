"""Slots: never too many, none twice, first in first out within a kind, and no job waits forever."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import ExplorerError
from explorer.jobs import slots
from explorer.jobs.slots import CPU, VISIBLE_GPUS, SlotPool, environment
from explorer.jobs.store import Record, Status


def record(place: int, resources: dict[str, Any], held: list[str] | None = None) -> Record:
    known: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__)
    status = Status.QUEUED if held is None else Status.RUNNING
    return Record(
        **known | {"id": f"j{place}", "turn": place, "status": status} | {"resources": resources, "slots": held}
    )


resources = st.fixed_dictionaries(
    {"device": st.sampled_from(["auto", "cpu", "cuda", "mps"]), "processes": st.integers(1, 5)}
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_mix_of_jobs_obeys_slots_and_order(data: st.DataObject) -> None:
    gpus = [str(number) for number in range(data.draw(st.integers(0, 4), label="gpus"))]
    cpu_slots = data.draw(st.integers(1, 3), label="cpu slots")
    slot_pool = SlotPool(gpus, cpu_slots)
    waiting = [record(place, one) for place, one in enumerate(data.draw(st.lists(resources, max_size=12)))]
    count = len(waiting)
    running: list[Record] = []
    order: list[str] = []
    while waiting or running:
        while chosen := slot_pool.next_job(waiting, running):
            job, assigned = chosen
            on_gpu = job.resources["device"] == "cuda" or (job.resources["device"] == "auto" and bool(gpus))
            assert len(assigned) == (min(job.resources["processes"], len(gpus)) if on_gpu else 1)
            assert set(assigned) <= (set(gpus) if on_gpu else {CPU})
            # No waiting job for the same kind was submitted earlier.
            kind = [one for one in waiting if _on_gpu(one, gpus) == on_gpu]
            assert kind[0] is job
            waiting.remove(job)
            running.append(record(job.turn, job.resources, assigned))
            order.append(job.id)
            occupied = [slot for one in running for slot in one.slots]
            in_use = [slot for slot in occupied if slot != CPU]
            assert len(in_use) == len(set(in_use))
            assert occupied.count(CPU) <= cpu_slots
        # Of each kind, the first waiting job does not fit.
        free = set(gpus) - {slot for one in running for slot in one.slots}
        for one in waiting:
            if _on_gpu(one, gpus):
                assert min(one.resources["processes"], len(gpus)) > len(free)
                break
        if any(not _on_gpu(one, gpus) for one in waiting):
            assert sum(one.slots == [CPU] for one in running) == cpu_slots
        assert running or not waiting  # otherwise no job would ever start again
        if running:
            running.pop(data.draw(st.integers(0, len(running) - 1), label="ends"))
    assert len(order) == len(set(order)) == count


def _on_gpu(job: Record, gpus: list[str]) -> bool:
    return job.resources["device"] == "cuda" or (job.resources["device"] == "auto" and bool(gpus))


def test_a_job_for_all_gpus_is_not_overtaken_by_small_ones() -> None:
    """It is not overtaken by any number of small jobs, although one of them would fit at once."""
    slot_pool = SlotPool(["0", "1"], 1)
    busy = record(0, {"device": "cuda", "processes": 1}, ["0"])
    large = record(1, {"device": "cuda", "processes": 2})
    small = [record(place, {"device": "auto", "processes": 1}) for place in range(2, 6)]
    assert slot_pool.next_job([large, *small], [busy]) is None
    chosen = slot_pool.next_job([large, *small], [])
    assert chosen is not None
    assert chosen == (large, ["0", "1"])


def test_a_slot_that_no_longer_exists_is_ignored() -> None:
    """After a restart, a running job may hold a GPU or CPU slot that no longer exists."""
    on_cpu = record(9, {"device": "cpu", "processes": 1})
    occupied = [record(place, on_cpu.resources, [CPU]) for place in range(3)]
    assert SlotPool([], 1).next_job([on_cpu], occupied) is None
    on_gpu = record(8, {"device": "cuda", "processes": 1})
    assert SlotPool(["0"], 1).next_job([on_gpu], [record(0, on_gpu.resources, ["7"])]) == (on_gpu, ["0"])


def test_a_job_for_too_many_gpus_is_refused() -> None:
    with pytest.raises(ExplorerError, match="processes: 3 need as many GPUs, and this machine has 2"):
        SlotPool(["0", "1"], 1).check({"device": "cuda", "processes": 3})
    SlotPool(["0", "1"], 1).check({"device": "auto", "processes": 3})
    SlotPool([], 1).check({"device": "cpu", "processes": 64})
    with pytest.raises(ExplorerError):
        SlotPool([], 1).check({"device": "cuda", "processes": 1})


def test_a_job_sees_only_its_own_slots() -> None:
    assert environment([CPU]) == {VISIBLE_GPUS: ""}
    assert environment(["1", "GPU-8932f937"]) == {VISIBLE_GPUS: "1,GPU-8932f937"}


@pytest.mark.parametrize(
    ("visible", "found"),
    [("", []), ("0", ["0"]), ("2, 0", ["2", "0"]), ("-1", []), ("1,-1,0", ["1"]), ("GPU-8932f937", ["GPU-8932f937"])],
)
def test_gpus_are_those_that_cuda_makes_visible(
    visible: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA programming guide: devices after an invalid index are invisible."""
    monkeypatch.setenv(VISIBLE_GPUS, visible)
    assert slots.gpus() == found
