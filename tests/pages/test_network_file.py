"""The Architecture page with a network from a file."""

from torch import nn

from explorer.analysis.modules import analyse_module
from explorer.ui.architecture.network_file import NetworkFile
from tests.pages.helpers import metrics, open_page, problem


def test_a_file_is_shown_without_editors_and_its_link_says_that_it_is_not_in_it() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    app = open_page("architecture", net="digits-cnn")
    state = app.session_state["editing"]
    state.file = NetworkFile("mine.onnx", analyse_module(network, image_size=32, name="mine"), 18)
    app.run()
    assert metrics(app)["Parameters"] == "260"
    assert app.header[0].value.replace("\\", "") == "mine.onnx"
    assert not any(str(widget.key).startswith("edit.") and widget.key != "edit.preset" for widget in app.text_input)
    assert "train" not in " ".join(str(button.key) for button in app.button)
    assert dict(app.query_params) == {"file": "mine.onnx"}
    app.selectbox(key="file.other").select("digits-cnn").run()
    assert metrics(app)["Parameters"] == "260"
    assert any("digits" in header.value for header in app.header)
    app.button(key="close-file").click().run()
    assert metrics(app)["Parameters"] == "56,714"
    assert "file" not in app.query_params


def test_the_link_of_a_file_asks_for_the_file() -> None:
    assert "mine.onnx" in problem(open_page("architecture", file="mine.onnx"))
