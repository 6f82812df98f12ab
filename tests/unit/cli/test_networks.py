"""Networks that commands take: the user's own code runs, and says so; an ONNX file keeps its size."""

from pathlib import Path

import pytest

from explorer.cli.networks import analysis_of, has_spec
from explorer.errors import InputError

CODE = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())

class Wide(nn.Conv2d):
    pass

number = 3
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("resnet18", True), ('{"family": "vgg"}', True), ("net.onnx", False), ("a/net.py:Net", False), ("net.json", True)],
)
def test_what_names_a_network_of_this_product(text: str, expected: bool) -> None:
    assert has_spec(text) is expected


def test_a_class_of_the_users_own_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my_net.py"
    path.write_text(CODE)
    analysis = analysis_of(f"{path}:Net", "16")
    assert (analysis.name, analysis.totals.params, analysis.input_shape) == ("Net", 112, (1, 3, 16, 16))
    assert "my_net.py" in capsys.readouterr().err


def test_a_function_that_makes_a_network(tmp_path: Path) -> None:
    path = tmp_path / "my_net.py"
    path.write_text(f"{CODE}\n\ndef made():\n    return Net()\n")
    assert analysis_of(f"{path}:made", "16").totals.params == 112


@pytest.mark.parametrize(
    ("code", "words"),
    [("net = (", "can't be run: SyntaxError"), ("import sys\n\ndef Net():\n    sys.exit(0)\n", "ends the program")],
)
def test_code_that_fails_or_ends_the_program_is_one_sentence(code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "my_net.py"
    path.write_text(code)
    with pytest.raises(InputError, match=words):
        analysis_of(f"{path}:Net")


@pytest.mark.parametrize(("name", "word"), [("Missing", "Missing"), ("Wide", "arguments"), ("number", "3")])
def test_what_is_no_module_is_one_sentence(name: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "my_net.py"
    path.write_text(CODE)
    with pytest.raises(InputError) as caught:
        analysis_of(f"{path}:{name}")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
