"""``torch.export`` files: PyTorch itself loads them, without this product's classes, and computes the same."""

import io
import json
import zipfile
from pathlib import Path

import torch

from explorer.exports.exported_program import exported_program, trained_exported_program
from explorer.families import parse_spec
from explorer.families.building import build
from explorer.weights.files import Card, save
from tests.helpers.toys import CLASSES, GOOGLENET, toy_spec


def test_random_and_trained_weights(tmp_path: Path) -> None:
    spec = toy_spec(GOOGLENET)
    images = torch.rand(3, 1, 8, 8)
    torch.manual_seed(0)
    network = build(spec).eval()
    content = exported_program(spec)
    card = Card(name="a", spec=spec.to_dict(), classes=CLASSES, preprocessing={"size": 8, "mean": [0.5], "std": [0.5]})
    save(tmp_path / "a.safetensors", network.state_dict(), card)
    for one in (content, trained_exported_program(tmp_path / "a.safetensors")):
        files = {"spec.json": ""}
        program = torch.export.load(io.BytesIO(one), extra_files=files).module()
        assert parse_spec(json.loads(files["spec.json"])) == spec
        with torch.no_grad():
            for batch in (images, images[:1]):
                torch.testing.assert_close(program(batch), network(batch))
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert not any(b".py" in archive.read(name) for name in archive.namelist() if name.endswith(".json"))
