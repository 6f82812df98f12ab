"""The checkpoint of a training run: one file with everything for an exact continuation, written atomically."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
import torch.distributed

from explorer.files import atomic_write
from explorer.i18n import _
from explorer.jobs.run_directory import Row
from explorer.training.faults import Fault
from explorer.training.loop import Best, Training, convert_points

FORMAT = 1


def capture(training: Training) -> dict[str, Any]:
    """Returns the state of a training run. Every process has to call it, because it gathers the state of each."""
    convert_points(training)
    state = {
        "format": FORMAT,
        "epoch": training.epoch,
        "batch": training.batch,
        "seconds": training.seconds,
        "threads": torch.get_num_threads(),
        "sums": _gather(training.sums.cpu()),
        "rows": [tuple(row) for row in training.rows],
        "best": training.best and (training.best.epoch, training.best.top1, training.best.loss),
        "epochs_at_chance": training.chance.epochs,
        "random": _gather(_random_state(training.plan.device)),
    }
    return state | {name: part.state_dict() for name, part in _parts(training).items()}


def restore(training: Training, state: dict[str, Any]) -> None:
    """Restores the state of a training run.

    Raises:
        Fault: If the state belongs to another number of processes.
    """
    torch.set_num_threads(state.get("threads", torch.get_num_threads()))  # sums depend on the number of threads
    random = state["random"]
    rank, world = _rank_and_world()
    if len(random) != world:
        raise Fault(
            "input",
            _("the run was interrupted with {before} processes and can't go on with {now}").format(
                before=len(random), now=world
            ),
        )
    for name, part in _parts(training).items():
        part.load_state_dict(state[name])
    training.epoch, training.batch, training.seconds = state["epoch"], state["batch"], state["seconds"]
    sums = state["sums"][rank]
    if sums.dim() == 1:  # an older version had only loss, correct and images, and no points
        sums = torch.nn.functional.pad(sums, (0, training.sums.shape[1] - len(sums))).repeat(2, 1)
    training.sums.copy_(sums)
    training.rows[:] = [Row(*row) for row in state["rows"]]
    training.best = Best(*state["best"]) if state["best"] else None
    training.chance.epochs = state["epochs_at_chance"]
    _set_random_state(random[rank], training.plan.device)


def write(path: Path, state: dict[str, Any]) -> None:
    """Replaces the checkpoint file.

    Raises:
        OSError: If the disk is full. The former file stays.
    """
    with atomic_write(path, durable=True) as part, part.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:  # the zip writer continues after a failed write and raises this
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def read(path: Path) -> dict[str, Any] | None:
    """Reads a checkpoint file. None if there is no file.

    Raises:
        Fault: If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        with ZipFile(path) as archive:
            broken = archive.testzip()  # torch.load does not check the checksums
        if broken is not None:
            raise BadZipFile(broken)
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, BadZipFile, ValueError, LookupError, pickle.UnpicklingError):
        raise Fault(
            "damaged",
            _(
                "{file} is damaged, and the run can't go on from it: put a copy in its place, or delete it "
                "to begin again with the first epoch"
            ).format(file=path),
        ) from None
    return state


def _parts(training: Training) -> dict[str, Any]:
    parts = {
        "network": training.network,
        "optimizer": training.optimizer,
        "schedule": training.schedule,
        "scaler": training.scaler,
    }
    return parts if training.average is None else parts | {"average": training.average}


def _random_state(device: torch.device) -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    return state | {device.type: _generator(device)[0]()} if device.type != "cpu" else state


def _set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type != "cpu":
        _generator(device)[1](state[device.type])


def _generator(device: torch.device) -> tuple[Callable[..., Any], Callable[..., Any]]:
    module = getattr(torch, device.type)  # torch.cuda or torch.mps
    return module.get_rng_state, module.set_rng_state


def _rank_and_world() -> tuple[int, int]:
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def _gather(own: Any) -> list[Any]:
    if not torch.distributed.is_initialized():
        return [own]
    gathered: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(gathered, own)
    return gathered
