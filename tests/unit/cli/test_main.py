"""Rules of the command line: one JSON document, exit statuses, one line for an error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.analysis import Precision, analyse
from explorer.cli.main import main
from explorer.families import PRESETS, parse_spec, resolve
from explorer.settings import settings
from tests.helpers.command import run


def test_analyze_prints_one_document(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = run(capsys, monkeypatch, "analyze", "vgg16", "--json")
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert parse_spec(document["spec"]) == resolve("vgg16")
    assert document["input_shape"] == [1, 3, 224, 224]
    totals = document["totals"]
    assert totals["params"] == totals["trainable_params"] == 138_357_544
    assert (totals["macs"], totals["torchinfo_mult_adds"]) == (15_470_264_320, 15_483_821_032)
    assert totals["weight_bytes"] == 4 * totals["params"]
    assert {"flops", "activation_bytes", "training_bytes"} <= totals.keys()
    assert {key: document["receptive_field"][key] for key in ("size", "stride", "padding")} == {
        "size": 212,
        "stride": 32,
        "padding": 90,
    }
    first = document["layers"][0]
    assert (first["name"], first["kind"], first["params"]) == ("features.0", "Conv2d", 1792)
    assert first["receptive_field"]["size"] == 3
    assert {warning["code"] for warning in document["warnings"]} == {"field-smaller-than-image", "head-heavy"}
    for key in ("params", "macs", "flops", "activation_bytes"):
        assert sum(layer[key] for layer in document["layers"]) == totals[key]


def test_options(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("--image-size", "64", "--batch-size", "8", "--optimizer", "adam", "--precision", "bf16", "--json")
    _status, out, _err = run(capsys, monkeypatch, "analyze", "resnet18", *arguments)
    document = json.loads(out)
    assert document["input_shape"] == [1, 3, 64, 64]
    expected = analyse(
        resolve("resnet18").changed(image_size=64), batch_size=8, optimizer="adam", precision=Precision.BF16
    )
    assert expected.training is not None
    assert document["totals"]["training_bytes"] == expected.training.total
    assert document["batch_size"] == 8


def test_a_file_and_inline_json_are_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = json.dumps({"family": "resnet", "blocks": [1, 1], "image_size": 32})
    (tmp_path / "net.json").write_text(text)
    inline = run(capsys, monkeypatch, "analyze", text, "--json")
    assert run(capsys, monkeypatch, "analyze", str(tmp_path / "net.json"), "--json") == inline
    assert inline[0] == 0


def test_analyze_as_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, _err = run(capsys, monkeypatch, "analyze", "torchvision:mobilenet_v3_small")
    assert status == 0
    assert "2,542,856" in out
    assert "whole image" in out


def test_presets(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _status, out, _err = run(capsys, monkeypatch, "presets", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows.keys() > PRESETS.keys()
    assert len([name for name in rows if name.startswith("torchvision:")]) >= 80
    assert all(resolve(name) == parse_spec(row["spec"]) for name, row in rows.items())
    _status, out, _err = run(capsys, monkeypatch, "presets")
    assert "vgg16-conv" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "nonesuch"),
        ("analyze", ""),
        ("analyze", "{"),
        ("analyze", '{"family":"vgg"}'),
        ("analyze", '{"family":"vgg","cfg":[64,"X"]}', "--json"),
        ("analyze", "torchvision:nonesuch", "--json"),
        ("analyze", "torchvision:vit_b_16", "--image-size", "100"),
        ("analyze", "vgg16", "--image-size", "0"),
        ("analyze", "vgg16", "--image-size", "many"),
        ("analyze", "vgg16", "--batch-size", "0"),
        ("analyze", "vgg16", "--optimizer", "lion"),
        ("analyze", "/nowhere/net.json"),
        ("analyze",),
        ("analyse", "vgg16"),
        ("analyze", "vgg16", "--typo"),
    ],
)
def test_errors_of_the_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    status, out, err = run(capsys, monkeypatch, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["pytorch", "onnx", "json"])
def test_an_export_of_a_name_that_torchvision_has_not_names_close_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "made"
    arguments = ("torchvision:resnet5", "--format", name, "-o", str(path))
    status, out, err = run(capsys, monkeypatch, "export", *arguments)
    assert (status, out, path.exists()) == (2, "", False)
    assert "torchvision has no classification model 'resnet5'; close names: resnet50" in err


@pytest.mark.process
def test_a_real_process(root: Path) -> None:
    command = [sys.executable, "-m", "explorer", "analyze", "lenet5", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["params"] == 61_706
    wrong = subprocess.run([*command[:-2], "lenet6"], capture_output=True, text=True, cwd=root, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: spec: 'lenet6' ")
    assert "lenet5" in wrong.stderr


def test_errors_of_the_settings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("EXPLORER_LOG_LEVEL", "foo")
    try:
        status, out, err = run(capsys, monkeypatch, "analyze", "lenet5")
    finally:
        settings.cache_clear()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "EXPLORER_LOG_LEVEL: 'foo' is not one of" in err


def test_no_command_prints_the_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = run(capsys, monkeypatch)
    assert (status, out) == (2, "")
    assert "analyze" in err
    assert "presets" in err


def test_closed_streams_are_not_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell closes streams with ``<&- 2>&-``, and a service may have none."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(sys, "argv", ["explorer", "weights", "delete", "nothing"])
    with pytest.raises(SystemExit) as exited:
        main()
    assert exited.value.code == 2  # there is no question
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        assert not stream.isatty()
        stream.close()


def test_a_missing_number_is_a_dash(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network with attention has no receptive field."""
    status, out, _err = run(capsys, monkeypatch, "compare", "mnist-fc", "torchvision:vit_b_32")
    assert status == 0
    assert "()" not in out
    assert next(line for line in out.splitlines() if line.startswith("Receptive field")).endswith("–")
