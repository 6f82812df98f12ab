"""Weights files: loading, saving, and ``.pth`` files that PyTorch and torchvision's networks read."""

from io import BytesIO
from pathlib import Path

import pytest
import torch
import torchvision

from explorer.errors import InputError
from explorer.families import resolve
from explorer.families.building import build
from explorer.weights import files
from explorer.weights.files import load, pth_bytes, save
from tests.helpers.foreign_networks import trained
from tests.helpers.toys import RESNET, VGG, prepared, toy_spec


def test_torchvisions_network_loads_the_pth_and_gives_the_same_scores(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    network = trained(build(resolve("resnet18").changed(num_classes=7)))
    save(path, network.state_dict(), prepared(toy_spec(VGG)).card)
    theirs = torchvision.models.resnet18(num_classes=7)
    theirs.load_state_dict(torch.load(BytesIO(pth_bytes(path)), weights_only=True), strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), network(images))


def test_a_pth_has_every_tensor_to_the_bit(tmp_path: Path) -> None:
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


def test_a_file_that_is_not_weights_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for content in (None, b"", b"GIF89a"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"w\.safetensors can't be read as weights"):
            pth_bytes(path)


def test_a_failed_save_leaves_the_old_weights_and_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_integer_weights_are_refused_with_the_name_of_the_tensor(tmp_path: Path) -> None:
    path, tensors = tmp_path / "w.safetensors", build(toy_spec(VGG)).state_dict()
    name = next(iter(tensors))
    save(path, tensors | {name: tensors[name].to(torch.int8)}, prepared(toy_spec(VGG)).card)
    with pytest.raises(InputError, match=rf"w\.safetensors: the tensor '{name}' holds whole numbers \(int8\)"):
        load(path)
