"""The folder for the Hugging Face Hub: its own parser reads the card, and the example runs without this product."""

import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from huggingface_hub import ModelCard, ModelCardData
from PIL import Image

from explorer.errors import InputError
from explorer.exports.hub import hub_folder
from explorer.families import resolve
from explorer.families.building import build
from explorer.weights.files import Card, load, save
from tests.helpers.classify import classify
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, RESNET, toy_spec
from tests.helpers.weights import random_weights


def made(path: Path, **card: object) -> Path:
    spec = toy_spec(RESNET, in_channels=3)
    network = build(spec)
    network.load_state_dict(random_weights(network))
    inputs = {"size": 8, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}
    fields = {"name": "Ants: and #bees", "classes": CLASSES, **card}
    save(path, network.state_dict(), Card(spec=spec.to_dict(), preprocessing=inputs, **fields))
    return path


def card_data(folder: zipfile.ZipFile) -> ModelCardData:
    return cast(ModelCardData, ModelCard(folder.read("README.md").decode()).data)


def test_the_hubs_own_parser_reads_the_card(tmp_path: Path) -> None:
    card = {"license": "MIT", "metrics": {"test/top1": 0.875, "test/images": 40}, "data": {"name": "ants: v1"}}
    folder = zipfile.ZipFile(BytesIO(hub_folder(made(tmp_path / "net.safetensors", **card))))
    assert sorted(folder.namelist()) == ["README.md", "config.json", "example.py", "model.safetensors", "net.py"]
    data = card_data(folder)
    assert (data.license, data.library_name, data.pipeline_tag) == ("mit", "pytorch", "image-classification")
    assert data.model_name == "Ants: and #bees"
    (result,) = data.eval_results or []
    assert (result.dataset_name, result.metric_type, result.metric_value) == ("ants: v1", "accuracy", 0.875)
    own = zipfile.ZipFile(BytesIO(hub_folder(made(tmp_path / "own.safetensors", license="ours: ask"))))
    data = card_data(own)
    assert (data.license, vars(data)["license_name"]) == ("other", "ours: ask")


@pytest.mark.process
def test_the_example_answers_as_we_do_without_the_product(tmp_path: Path) -> None:
    path = made(tmp_path / "net.safetensors")
    folder = tmp_path / "folder"
    zipfile.ZipFile(BytesIO(hub_folder(path))).extractall(folder)
    levels = noise(1, 3, 8, 8)[0]
    Image.fromarray(levels.permute(1, 2, 0).numpy()).save(folder / "a.png")
    block = "import sys; sys.modules['explorer'] = None; sys.argv = ['example.py', 'a.png']; "
    command = [sys.executable, "-c", block + "import runpy; runpy.run_path('example.py', run_name='__main__')"]
    environment = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shares = classify(*load(path), [levels])[0]
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [name for _share, name in lines] == [CLASSES[index] for index in shares.argsort(descending=True)]
    assert [float(share.rstrip("%")) for share, _name in lines] == pytest.approx(
        sorted((100 * shares).tolist(), reverse=True), abs=0.02
    )


def test_a_network_that_only_the_product_builds_is_refused(tmp_path: Path) -> None:
    spec = resolve("torchvision:squeezenet1_0").changed(head="pooled", classifier=(8,), num_classes=4, image_size=64)
    card = Card(name="a", spec=spec.to_dict(), classes=CLASSES, preprocessing={"size": 64, "mean": [0.5], "std": [0.5]})
    save(tmp_path / "a.safetensors", {"x": torch.zeros(1)}, card)
    with pytest.raises(InputError, match="export it as onnx or pt2"):
        hub_folder(tmp_path / "a.safetensors")


def test_the_source_of_a_model_of_torchvision_replaces_its_activation(tmp_path: Path) -> None:
    spec = resolve("torchvision:squeezenet1_1").changed(activation="silu", num_classes=3, image_size=64)
    card = Card(
        name="a", spec=spec.to_dict(), classes=list("abc"), preprocessing={"size": 64, "mean": [0.5], "std": [0.5]}
    )
    theirs = build(spec).eval()
    save(tmp_path / "a.safetensors", theirs.state_dict(), card)
    folder = zipfile.ZipFile(BytesIO(hub_folder(tmp_path / "a.safetensors")))
    namespace: dict[str, Any] = {}
    exec(folder.read("net.py").decode(), namespace)  # noqa: S102  our own source
    exported = namespace["Net"]().eval()
    exported.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(exported(images), theirs(images))
