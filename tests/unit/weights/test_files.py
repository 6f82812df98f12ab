"""Weights as a ``.pth``, read by PyTorch and by torchvision's own networks."""

from io import BytesIO
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from explorer.errors import InputError
from explorer.families import resolve
from explorer.families.building import build
from explorer.weights import files
from explorer.weights.files import load, pth_bytes, save
from tests.helpers.toys import RESNET, VGG, prepared, toy_spec


def trained(network: nn.Module) -> nn.Module:
    """With statistics that are not those of the beginning."""
    with torch.no_grad():
        network.train()(torch.randn(4, 3, 64, 64))
    return network.eval()


def test_torchvisions_network_takes_it_strictly_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    network = trained(build(resolve("resnet18").changed(num_classes=7)))
    save(path, network.state_dict(), prepared(toy_spec(VGG)).card)
    theirs = torchvision.models.resnet18(num_classes=7)
    theirs.load_state_dict(torch.load(BytesIO(pth_bytes(path)), weights_only=True), strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), network(images))


def test_every_tensor_is_there_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    before = build(toy_spec(RESNET)).state_dict()
    before["bn1.num_batches_tracked"] += 5
    save(path, before, prepared(toy_spec(RESNET)).card)
    file = tmp_path / "w.pth"
    file.write_bytes(pth_bytes(path))
    after = torch.load(file, weights_only=True)
    assert after.keys() == before.keys()
    assert all(
        after[name].dtype == tensor.dtype and torch.equal(after[name], tensor) for name, tensor in before.items()
    )


def test_what_is_no_weights_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for content in (None, b"", b"GIF89a"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"w\.safetensors can't be read as weights"):
            pth_bytes(path)


def test_what_fails_half_way_leaves_the_weights_and_the_card_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, card = tmp_path / "w.safetensors", prepared(toy_spec(VGG)).card
    tensors = build(toy_spec(VGG)).state_dict()
    save(path, tensors, card)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_part: Path, _card: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_card", full)
    for target in (path, tmp_path / "new.safetensors"):
        with pytest.raises(OSError, match="No space"):
            save(target, {name: tensor + 1 for name, tensor in tensors.items()}, card)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_weights_in_whole_numbers_are_named(tmp_path: Path) -> None:
    path, tensors = tmp_path / "w.safetensors", build(toy_spec(VGG)).state_dict()
    name = next(iter(tensors))
    save(path, tensors | {name: tensors[name].to(torch.int8)}, prepared(toy_spec(VGG)).card)
    with pytest.raises(InputError, match=rf"w\.safetensors: the tensor '{name}' holds whole numbers \(int8\)"):
        load(path)
