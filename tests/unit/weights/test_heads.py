"""Dense heads as convolutions with the same scores, and networks for images of other sizes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

from explorer.cli.main import cli
from explorer.errors import InputError
from explorer.families import Spec, resolve
from explorer.families.building import build
from explorer.families.vgg.spec import VggSpec
from explorer.settings import settings
from explorer.weights.files import Card, load, read, save
from explorer.weights.heads import at_size, with_convolutions

pytestmark = pytest.mark.exhaustive

DENSE = VggSpec(cfg=(4, "M", 8, "M"), pool_to=None, classifier=(16,), image_size=16, num_classes=3)


class ByHand(nn.Module):
    """The same network in plain PyTorch. Its head slides over the map in a loop."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(8 * 4 * 4, 16), nn.ReLU(), nn.Linear(16, 3))
        own = [*self.maps.state_dict(prefix="maps."), *self.head.state_dict(prefix="head.")]
        self.load_state_dict(dict(zip(own, state.values(), strict=True)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.maps(x)
        places = [
            self.head(maps[:, :, row : row + 4, column : column + 4].flatten(1))
            for row in range(maps.shape[2] - 3)
            for column in range(maps.shape[3] - 3)
        ]
        return torch.stack(places).mean(0)


def card_of(spec: Spec) -> Card:
    inputs = {"size": spec.image_size, "mean": [0.5], "std": [0.5]}
    return Card(name="x", spec=spec.to_dict(), classes=tuple("abc"), preprocessing=inputs)


@pytest.mark.parametrize("size", [16, 24])
def test_a_converted_head_gives_the_same_scores_and_slides_over_larger_images(size: int) -> None:
    torch.manual_seed(0)
    dense = build(DENSE).eval()
    tensors, card = with_convolutions(dict(dense.state_dict()), card_of(DENSE))
    network = build(at_size(card, size).network_spec).eval()
    network.load_state_dict(tensors)
    images = torch.randn(3, 3, size, size)
    with torch.no_grad():
        got, expected = network(images), ByHand(dense.state_dict())(images)
    assert torch.allclose(got, expected, atol=1e-5)
    if size == 16:
        with torch.no_grad():
            assert torch.allclose(got, dense(images), atol=1e-5)


def test_heads_that_can_not_be_converted_are_refused() -> None:
    with pytest.raises(InputError, match="a resnet has no dense layers"):
        resolve("resnet18").with_convolutional_head()
    with pytest.raises(InputError, match="already"):
        resolve("vgg16-conv").with_convolutional_head()
    with pytest.raises(InputError, match="map of 7×7 that is pooled from 1×1"):
        resolve("vgg16").changed(image_size=32).with_convolutional_head()


def test_another_image_size_scales_the_resize_and_is_refused_if_it_does_not_fit() -> None:
    card = card_of(resolve("resnet18").changed(num_classes=3))
    card = card.model_copy(update={"preprocessing": card.preprocessing | {"resize": 256}})
    larger = at_size(card, 448).inputs
    assert (larger.size, larger.resize) == (448, 512)
    with pytest.raises(InputError, match=r"reads a map of 4×4, and 6×6 arrive at 24 pixels.*weights convolve"):
        at_size(card_of(DENSE), 24)
    with pytest.raises(InputError, match="not between 1 and 1024"):
        at_size(card, 5000)
    patches = card_of(resolve("torchvision:vit_b_32").changed(num_classes=3))
    with pytest.raises(InputError, match="256 is not the size that its weights are for, 224"):
        at_size(patches, 256)


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty weights store."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("empty_store")
def test_the_command_saves_a_copy_that_predicts_at_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save(tmp_path / "dense.safetensors", build(DENSE).state_dict(), card_of(DENSE))
    Image.effect_noise((40, 40), 80).convert("RGB").save(tmp_path / "a.png")

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)
        return done.output

    dense, slides, picture = (
        str(tmp_path / name) for name in ("dense.safetensors", "weights/slides.safetensors", "a.png")
    )
    run("weights", "convolve", dense, "slides")
    _tensors, card = read(Path(slides))
    assert card.made_by["head"]
    native, same, larger = (
        json.loads(run("predict", *words, picture, "--json"))[0]["top"]
        for words in ((dense,), (slides,), (slides, "--image-size", "40"))
    )
    assert [one["probability"] for one in native] == pytest.approx([one["probability"] for one in same], abs=1e-5)
    assert larger != same
    # An import converts the head too.
    torch.save(dict(build(DENSE).state_dict()), tmp_path / "theirs.pth")
    run("import", str(tmp_path / "theirs.pth"), "-o", str(tmp_path / "b.safetensors"), "--set", "head=conv",
         "--image-size", "16", "--json")  # fmt: skip
    imported = load(tmp_path / "b.safetensors")[1]
    assert imported.network_spec.to_dict() | {"dropout": 0.5} == card.spec
    assert at_size(imported, 64).network_spec.to_dict()["pool_to"] == 4
