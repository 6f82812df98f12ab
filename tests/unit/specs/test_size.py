"""Sizes of images in every notation, and networks whose images are not square, compared with PyTorch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.analysis import analyse
from explorer.data.preprocessing import Preprocessing, fitted
from explorer.errors import InputError, SpecError
from explorer.families import Spec, parse_json, parse_spec, resolve
from explorer.families.building import build
from explorer.families.link import decode, encode, from_text, to_text
from explorer.specs.base import read_size
from explorer.specs.size import MAX_IMAGE, Size, shortest, size_text
from tests.helpers.specs import narrow

FAMILIES = ("vgg16", "alexnet", "resnet18", "resnet50", "googlenet", "densenet121", "torchvision:mobilenet_v2")
sides = st.integers(1, MAX_IMAGE)


@settings(max_examples=25)
@given(st.builds(Size, sides, sides))
def test_every_notation_reads_back(size: Size) -> None:
    spec = resolve("resnet18").changed(image_size=list(size))
    assert (spec.sides, spec.image_size) == (size, shortest(size))
    assert parse_json(spec.to_json()) == spec
    assert decode(encode(spec, "resnet18")) == (spec, "resnet18")
    assert from_text(to_text(spec, "resnet18")) == (spec, "resnet18")
    assert read_size(size_text(spec.image_size)) == spec.image_size
    assert read_size(f" {size.height} × {size.width}") == spec.image_size


@pytest.mark.parametrize("value", [[224], [0, 5], [224, 1.5], [True, 4], [1, 5000], "224x", "wide", "1x2x3", [[1], 2]])
def test_two_sides_that_are_wrong_are_named(value: object) -> None:
    with pytest.raises(SpecError, match=r"^image_size: .* (height and a width|whole number)"):
        parse_spec({"family": "resnet", "blocks": [1], "image_size": value})


@pytest.mark.parametrize("text", ["", "0", "-3", "9999", "224x5000"])
def test_a_typed_size_that_is_wrong_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"^image_size: "):
        read_size(text)


def oblong(name: str) -> Spec:
    spec = resolve(name)
    # Stems with stride 32 leave 3×2 cells of such an image, and an auxiliary head needs 5×5.
    return spec.without_auxiliary_heads().changed(image_size=[96, 64])


@pytest.mark.parametrize("name", FAMILIES)
def test_shapes_are_those_of_a_run(name: str) -> None:
    spec = oblong(name)
    spec = spec if name.startswith("torchvision") else narrow(spec)
    network, real = build(spec).eval(), dict[str, tuple[int, ...]]()
    for layer, module in network.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda _m, _i, out, layer=layer: real.update({layer: tuple(out.shape)}))
    with torch.no_grad():
        assert network(torch.rand(1, *spec.input_shape)).shape == (1, spec.num_classes)
    shown = {layer.name: layer.output_shape for layer in analyse(spec).layers}
    assert {layer: shape for layer, shape in shown.items() if layer in real} == {
        layer: shape for layer, shape in real.items() if layer in shown
    }


def test_sizes_that_a_head_fixes() -> None:
    flat = parse_spec({"family": "vgg", "cfg": [4, "M"], "pool_to": None, "classifier": [], "image_size": [8, 6]})
    assert flat.dense_map == (4, Size(4, 3))
    assert tuple(build(flat.with_convolutional_head(), "meta").state_dict()["classifier.0.weight"].shape[2:]) == (4, 3)
    with pytest.raises(InputError, match=r"^image_size: "):
        flat.at_size(Size(6, 8))
    with pytest.raises(SpecError, match=r"^image_size: .* square images, not 64×32"):
        build(resolve("torchvision:vit_b_16").changed(image_size=[64, 32]), "meta")


@pytest.mark.parametrize("resize", [None, 40])
def test_images_are_fitted_as_by_torchvision(resize: int | None) -> None:
    from torchvision.transforms.v2 import functional as reference

    images = torch.randint(0, 256, (1, 3, 50, 70), dtype=torch.uint8)
    ours = fitted(images, Preprocessing(Size(32, 24), (0.5,), (0.5,), resize=resize))
    theirs = images if resize is None else reference.center_crop(reference.resize(images, [resize]), [32, 24])
    theirs = reference.resize(images, [32, 24]) if resize is None else theirs
    assert ours.shape == (1, 3, 32, 24)
    assert (ours.int() - theirs.int()).abs().max() <= 2  # rounded after each axis
    card = {"size": [32, 24], "mean": [0.5], "std": [0.5]}
    assert Preprocessing.from_dict(card).to_dict() == card
