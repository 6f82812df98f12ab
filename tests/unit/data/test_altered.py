"""Random labels and planted patches: which images change, and that everything else stays as it was."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from explorer.data.altered import PLACES, patch_colour, plant_patches, randomise_labels, stamp
from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError
from explorer.jobs.job import Job, Resources
from explorer.recipes.recipe import Recipe
from explorer.training.fitting import fit_job
from tests.helpers.narrow import pixels
from tests.helpers.toys import VGG, toy_spec


def data(count: int = 400, classes: int = 4, channels: int = 3, size: int = 16) -> Dataset:
    """Return black images whose class is their number modulo the number of classes."""
    images = torch.zeros(count, channels, size, size, dtype=torch.uint8)
    split = Split(images, torch.arange(count) % classes)
    return Dataset("made", tuple(map(str, range(classes))), channels, None, split, Split(images.clone(), split.labels))


class InFiles:
    """Files in memory."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    @property
    def names(self) -> list[str]:
        return [str(index) for index in range(len(self.images))]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]

    def take(self, indices: Sequence[int]) -> "InFiles":
        return InFiles(self.images[torch.as_tensor(indices)])


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_random_labels_are_those_of_the_seed(share: float) -> None:
    before = data()
    after = randomise_labels(before, share, seed=3)
    kept = (after.train.labels == before.train.labels).float().mean().item()
    assert kept == pytest.approx(1 - share * 3 / 4, abs=0.06)  # one in four random labels is the true one
    assert torch.equal(after.test.labels, before.test.labels)
    assert torch.equal(after.train.labels, randomise_labels(before, share, seed=3).train.labels)
    assert not torch.equal(after.train.labels, randomise_labels(before, share, seed=4).train.labels)
    assert f"{400 * share:.0f}" in after.notes[-1]
    assert "seed 3" in after.notes[-1]


@pytest.mark.parametrize(("shows", "channels"), [("colour", 3), ("colour", 1), ("position", 1)])
def test_a_patch_tells_the_class(shows: str, channels: int) -> None:
    before = data(channels=channels)
    after = plant_patches(before, 0.75, shows, seed=0)  # type: ignore[arg-type]
    images = pixels(after.train)
    has_patch = images.flatten(1).any(1).bool()
    assert has_patch.sum() == 300
    assert not pixels(before.train).any()
    assert not pixels(after.test).any()
    seen: dict[int, set[bytes]] = {}
    for image, label in zip(images[has_patch], after.train.labels[has_patch].tolist(), strict=True):
        assert 0 < int(image.any(0).sum()) <= 4  # 2 by 2 pixels; red has two black channels
        seen.setdefault(label, set()).add(image.numpy().tobytes())
    assert [len(one) for one in seen.values()] == [1] * 4  # one look for each class, and
    assert len(set.union(*seen.values())) == 4  # another for each
    files = replace(before, train=Split(InFiles(pixels(before.train)), before.train.labels))
    patched = plant_patches(files, 0.75, shows, seed=0).train  # type: ignore[arg-type]
    part = patched.take(torch.tensor([5, 2]))
    assert not isinstance(part.images, torch.Tensor)
    assert torch.equal(torch.stack([part.images[0], part.images[1]]), images[[5, 2]])
    assert list(part.images.names) == ["0", "1"]
    assert len(part.images) == 2


def test_patches_have_their_limits() -> None:
    assert len({patch_colour(label, 100, 3) for label in range(100)}) == 100
    with pytest.raises(InputError, match="patch_shows"):
        plant_patches(data(count=80, classes=PLACES + 1), 1.0, "position", 0)
    image = torch.zeros(1, 8, 8, dtype=torch.uint8)
    assert stamp(image, PLACES - 1, PLACES, "position") == (6, 6, 1)
    assert image.nonzero().tolist() == [[0, 6, 6]]


def test_a_recipe_alters_the_data_of_its_run() -> None:
    before = data()
    job = Job.new(toy_spec(VGG), "made", Recipe(random_labels=0.5, patch=1.0), Resources())
    _job, after, notes = fit_job(job, before)
    assert after.validation is not None
    assert pixels(after.validation).flatten(1).amax(1).all()  # the held-out images are training images
    assert any("random labels" in note for note in notes)
    assert any("patch" in note for note in notes)
    job = Job.new(toy_spec(VGG), "made", Recipe(), Resources())
    assert not any("patch" in note or "random" in note for note in fit_job(job, before)[2])
