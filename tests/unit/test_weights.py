"""Weights as a ``.pth``, read by PyTorch and by torchvision's own networks."""

from io import BytesIO
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from explorer.errors import InputError
from explorer.models import build
from explorer.models.weights import pth_bytes, save
from explorer.specs import resolve

from .toys import RESNET, VGG, prepared, toy_spec


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
