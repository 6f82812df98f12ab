"""The origin of weights, for their card."""

import platform
import shlex
from pathlib import Path

import torch

from explorer import __version__
from explorer.data.dataset import Dataset
from explorer.data.framing import framing_of
from explorer.data.preprocessing import Preprocessing
from explorer.jobs.job import Job
from explorer.weights.files import Card


def make_card(job: Job, dataset: Dataset, preprocessing: Preprocessing) -> Card:
    """Returns the card of weights before training. It holds only the last part of any path on this machine."""
    data = Path(dataset.name).name
    arguments = ["train", job.spec.to_json(), "--dataset", data, "--recipe", job.recipe.model_dump_json()]
    for option, value in job.resources.model_dump(exclude_defaults=True).items():
        arguments += [f"--{option}", str(value)]
    return Card(
        name=job.name,
        spec=job.spec.to_dict(),
        base=job.base,
        classes=dataset.classes,
        preprocessing=preprocessing._replace(framing=framing_of(dataset.train.images)).to_dict(),
        data={
            "name": data,
            "train_images": len(dataset.train),
            "validation_images": 0 if dataset.validation is None else len(dataset.validation),
            "test_images": len(dataset.test),
        },
        recipe=job.recipe.to_dict(),
        made_by={
            "command": shlex.join(["python", "-m", "explorer", *arguments]),
            "job": job.id,
            "version": __version__,
        },
    )


def hardware(device: torch.device) -> str:
    """Returns a short description of the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"
