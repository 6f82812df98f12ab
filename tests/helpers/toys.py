"""Small data sets, specs and jobs for short trainings."""

from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.dataset import Dataset, Split
from explorer.families import Spec, parse_spec
from explorer.jobs.job import Job, Resources
from explorer.recipes import Recipe
from explorer.training.setup import PreparedTraining, prepare
from explorer.weights import registry
from tests.helpers.pixels import noise

CLASSES = ("ant", "bee", "cat", "dog")
VGG: dict[str, Any] = {"family": "vgg", "cfg": [4, "M"], "pool_to": None, "classifier": [6], "dropout": 0}
RESNET: dict[str, Any] = {"family": "resnet", "blocks": [1, 1], "widths": [3, 4], "stem": "cifar"}
GOOGLENET: dict[str, Any] = {
    "family": "googlenet",
    "modules": [["a", 2, 2, 2, 2, 2, 2], ["b", 2, 2, 2, 2, 2, 2]],
    "pool_after": ["b"],
    "aux_after": ["a", "b"],
    "stem": "cifar",
    "dropout": 0,
}


def registry_entry(name: str) -> registry.RegistryEntry:
    """The registry entry of weights with this name."""
    return next(entry for entry in registry.entries() if entry.name == name)


def toy_spec(family: dict[str, Any], **fields: object) -> Spec:
    return parse_spec({**family, "in_channels": 1, "image_size": 8, "num_classes": len(CLASSES), **fields})


def toy_split(count: int, channels: int = 1, size: int = 8, seed: int = 0, classes: int = len(CLASSES)) -> Split:
    """Noise with a bright quarter, whose position is the class."""
    images = noise(count, channels, size, size, seed=seed) // 2
    labels = torch.randperm(count, generator=torch.Generator().manual_seed(seed)) % classes
    half = size // 2
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, label // 2 * half :, label % 2 * half :][:, :half, :half] += 100
    return Split(images, labels)


def toy_data(train: int = 40, test: int = 20, **fields: int) -> Dataset:
    splits = toy_split(train, **fields), toy_split(test, **{**fields, "seed": 1})
    channels, classes = fields.get("channels", 1), CLASSES[: fields.get("classes", len(CLASSES))]
    return Dataset("toys", classes, channels, mirrored=True, train=splits[0], test=splits[1])


def toy_job(spec: Spec, dataset: str = "toys", processes: int = 1, **recipe: Any) -> Job:
    """A job in float32 with plain SGD, unless the recipe differs."""
    plain = {
        "optimizer": "sgd",
        "lr": 0.05,
        "weight_decay": 0.0,
        "schedule": "constant",
        "epochs": 2,
        "batch_size": 16,
        "augment": [],
        "clip_norm": None,
        "label_smoothing": 0.0,
        "precision": "fp32",
    }
    resources = Resources(device="cpu", processes=processes, threads=1)
    return Job.new(spec, dataset, Recipe.parse(plain | recipe), resources)


def prepared(spec: Spec, dataset: Dataset | None = None, **recipe: Any) -> PreparedTraining:
    """A training in this process."""
    return prepare(toy_job(spec, **recipe), dataset or toy_data())


CPU = torch.device("cpu")


class Table(nn.Module):
    """A network that returns a row of a table for each image; the image's only pixel is the index of the row."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor) -> Tensor:
        assert not self.training
        return self.logits[images[:, 0, 0, 0].long()]
