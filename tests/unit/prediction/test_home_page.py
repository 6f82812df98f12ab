"""What a page refuses; ``tests/browser/test_home_page.py`` opens pages."""

from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.prediction import browser_network, onnxruntime_web
from explorer.prediction.home_page import BUILT_IN, ENGINES, ONNXRUNTIME, Limits, home_page, write_page
from tests.helpers.command import run as command

WEIGHTS = Path("pretrained/mnist-fc.safetensors")


@pytest.mark.parametrize("limits", [Limits(100, 10**9), Limits(10**9, 100)])
def test_a_network_beyond_the_limits_of_one_engine_names_the_other(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(ENGINES, BUILT_IN, limits)
    with pytest.raises(InputError, match=r"^page: .* engine built-in holds at most .*; onnxruntime holds it$"):
        write_page(WEIGHTS, tmp_path / "net.html")
    monkeypatch.setitem(ENGINES, ONNXRUNTIME, limits)
    with pytest.raises(InputError, match=r"which a browser computes in about a second$"):
        write_page(WEIGHTS, tmp_path / "net.html")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_the_built_in_engine_lacks_names_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(browser_network, "_LAYERS", {})
    with pytest.raises(InputError, match="choose the engine onnxruntime"):
        write_page(WEIGHTS, tmp_path / "net.html")


def test_an_engine_that_does_not_exist_is_refused_before_anything_is_downloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnxruntime_web, "engine", None)
    with pytest.raises(InputError, match="engine: 'tensorflow' is not one of built-in, onnxruntime"):
        home_page(WEIGHTS, "tensorflow")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "pth", "--engine", "onnxruntime"], "engine: pth files compute nothing; it is for page"),
        (["--format", "page", "--engine", ""], "engine: '' is not one of built-in, onnxruntime"),
    ],
)
def test_the_command_refuses_an_engine_in_words(
    options: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, _out, problem = command(capsys, monkeypatch, "export", "mnist-fc", *options, "-o", str(tmp_path / "net"))
    assert (status, words in problem) == (2, True)
