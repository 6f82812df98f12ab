"""torchvision's weights: their networks, transforms and accuracies are torchvision's own."""

import math
from importlib import import_module

import pytest
import torch
from PIL import Image
from torchvision import models
from torchvision.models import GoogLeNet

from explorer.data.preprocessing import Normalise, Preprocessing, fitted
from explorer.errors import InputError
from explorer.families import parse_spec
from explorer.families.building import build
from explorer.weights import torchvision
from explorer.weights.registry import find
from explorer.weights.torchvision import catalogue, find_weights
from tests.helpers.narrow import of_kind
from tests.helpers.pixels import noise
from tests.helpers.weights import theirs

pytestmark = pytest.mark.exhaustive

CPU = torch.device("cpu")
FAMILIES = [import_module(f"torchvision.models.{name}") for name in ("vgg", "resnet", "googlenet", "densenet")]


def test_the_catalogue_has_all_enums_of_our_families() -> None:
    expected = {
        f"torchvision:{weights!r}"
        for module in FAMILIES
        for name in module.__all__
        if name.endswith("_Weights")
        for weights in getattr(module, name)
    }
    assert catalogue().keys() == expected
    assert len(expected) > 25


@pytest.mark.parametrize("name", catalogue())
def test_the_network_has_the_tensors_of_torchvisions(name: str) -> None:
    source = catalogue()[name]
    card = source.card()
    shapes = {key: tensor.shape for key, tensor in theirs(source).state_dict().items() if not key.startswith("aux")}
    ours = {key: tensor.shape for key, tensor in build(parse_spec(card.spec), "meta").state_dict().items()}
    assert ours == shapes
    own = next(
        (family for family in ("vgg", "resnet", "googlenet", "densenet") if source.model.startswith(family)),
        "torchvision",
    )
    assert card.network_spec.family == own
    assert card.classes == tuple(source.weights.meta["categories"] or map(str, range(1000)))
    figures = source.weights.meta["_metrics"]["ImageNet-1K"]
    for k in (1, 5):
        if math.isnan(figures[f"acc@{k}"]):
            assert card.metrics == {}
        else:
            assert card.metrics[f"torchvision/top{k}"] == pytest.approx(figures[f"acc@{k}"] / 100)
    assert card.made_by["url"] == source.weights.url
    assert card.license is not None


def test_names_of_members_enums_and_models_are_found() -> None:
    v1 = find_weights("ResNet50_Weights.IMAGENET1K_V1")
    assert v1.weights is models.ResNet50_Weights.IMAGENET1K_V1
    for name in ("resnet50", "torchvision:resnet50", "ResNet50_Weights", "torchvision:ResNet50_Weights.DEFAULT"):
        assert find_weights(name).weights is models.ResNet50_Weights.DEFAULT is models.ResNet50_Weights.IMAGENET1K_V2
    for name in ("alexnet", "AlexNet_Weights.DEFAULT", "", "../../x", "ResNet50_Weights.V9", "x" * 9999):
        with pytest.raises(InputError, match=r"^weights: torchvision has no .*; close names: torchvision:") as caught:
            find(f"torchvision:{name}")
        assert len(str(caught.value)) < 300


SIZES = [
    (500, 375),
    (375, 500),
    (256, 256),
    (224, 224),
    (257, 300),
    (640, 256),
    (33, 20),
    (3, 7),
    (1, 1),
    (1000, 40),
    (1463, 1099),
]
KINDS = [
    models.VGG16_Weights.IMAGENET1K_V1,  # resize 256
    models.ResNet50_Weights.IMAGENET1K_V2,  # resize 232
    models.VGG16_Weights.IMAGENET1K_FEATURES,  # another mean, standard deviation 1/255
]


@pytest.mark.parametrize("weights", KINDS, ids=repr)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_images_are_prepared_as_torchvisions_transforms_do(
    weights: models.WeightsEnum, width: int, height: int
) -> None:
    """At most one value in forty differs, by one of 255 levels. The images are noise, which is the worst case."""
    pixels = noise(3, height, width)
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    inputs = torchvision.TorchvisionWeights("vgg16", weights).card().inputs
    ours = Normalise(inputs, CPU)(fitted(pixels[None], inputs))[0]
    expected = weights.transforms()(picture)
    assert ours.shape == expected.shape == (3, 224, 224)
    level = 1 / (255 * torch.tensor(inputs.std)[:, None, None])
    apart = (ours - expected).abs() / level
    assert apart.max() < 1.001
    assert (apart > 0.001).float().mean() < 0.025


def test_the_card_has_the_normalisation_inside_googlenet() -> None:
    """torchvision's network changes its input first. The preprocessing on the card has the same effect."""
    weights = models.GoogLeNet_Weights.IMAGENET1K_V1
    source = find_weights("googlenet")
    network = theirs(source).to_empty(device="cpu")
    setattr(network, "transform_input", True)  # noqa: B010  torchvision types it as any module
    pixels = noise(1, 3, 300, 260)
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).numpy())
    expected = of_kind(GoogLeNet, network)._transform_input(weights.transforms()(picture)[None])
    inputs = source.card().inputs
    ours = Normalise(inputs, CPU)(fitted(pixels, inputs))
    assert (ours - expected).abs().max() < 1.001 / (255 * 0.5)
    assert ((ours - expected).abs() > 1e-5).float().mean() < 0.025


def test_a_long_strip_takes_no_more_memory_than_its_middle() -> None:
    inputs = Preprocessing(224, (0.5,), (0.5,), resize=256)
    image = torch.full((1, 1, 1, 65_536), 77, dtype=torch.uint8)
    assert (fitted(image, inputs) == 77).all()
