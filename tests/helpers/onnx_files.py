"""ONNX files of modules, read in this process, and what they keep of the numbers of their modules."""

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from explorer.analysis import Analysis
from explorer.graphs import reader
from explorer.graphs.graph import Graph


def exported(module: nn.Module, shape: tuple[int, ...], opset: int, folder: Path, batch: int | None = None) -> bytes:
    """The module as its exporter writes it, with batch norm as layers of its own, and a free or a fixed batch."""
    path = folder / "exported.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(batch or 2, *shape),),
            str(path),
            dynamo=False,
            opset_version=opset,
            training=torch.onnx.TrainingMode.PRESERVE,
            input_names=["image"],
            dynamic_axes=None if batch else {"image": {0: "batch"}},
        )
    return path.read_bytes()


def read_here(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """Reads a file in this process; tests of the reader check the limits of its own."""
    for name in ("limit", "confine"):
        monkeypatch.setattr(f"explorer.workers.sandbox.{name}", lambda **_settings: None)
    monkeypatch.setitem(os.environ, "TMPDIR", str(folder))
    path = folder / "net.onnx"
    path.write_bytes(content)
    request = {"path": str(path), "image_size": None, "memory": 0, "seconds": 0}
    return Graph.model_validate(reader.work(request, lambda *_step: None))


def numbers(analysis: Analysis) -> dict[str, Any]:
    """What a file keeps of a network; which operators write over their input, it does not say."""
    return {
        "params": analysis.totals.params,
        "macs": analysis.totals.macs,
        "field": analysis.field,
        "convolutions": [
            (layer.macs, layer.params, layer.window, layer.output_shape, layer.field, layer.sees_whole_image)
            for layer in analysis.layers
            if layer.kind.startswith("Conv")
        ],
        "warnings": [warned.code for warned in analysis.warnings if warned.code in ("left-out", "not-counted")],
    }
