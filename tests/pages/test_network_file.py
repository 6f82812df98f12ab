"""The Architecture and Compare pages with a network from a file."""

from torch import nn

from explorer.analysis.modules import analyse_module
from explorer.ui.shared.network_files import FILES, NetworkFile
from tests.pages.helpers import metrics, open_page, problem


def opened_file() -> NetworkFile:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return NetworkFile("mine.onnx", analyse_module(network, image_size=32, name="mine"), 18)


def test_a_file_is_shown_without_editors_and_its_link_says_that_it_is_not_in_it() -> None:
    app = open_page("architecture", net="digits-cnn")
    state = app.session_state["editing"]
    state.file = opened_file()
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
    assert "mine.onnx" in problem(open_page("compare", a="lenet5", b="file:mine.onnx"))


def test_a_file_of_the_session_is_compared_at_its_own_size() -> None:
    app = open_page("compare", a="resnet20", b="lenet5")
    app.session_state[FILES] = {"mine.onnx": opened_file()}
    app.run()
    app.selectbox(key="compare.network.b").select("file:mine.onnx").run()
    assert problem(app) == ""
    assert [metric.value for metric in app.metric if metric.label == "Parameters"] == ["269.72 k", "260"]
    assert app.query_params["b"] == "file:mine.onnx"
    app.text_input(key="compare.view.size").set_value("64").run()
    assert "mine.onnx" in problem(app)
    assert "32×32" in problem(app)
    assert [metric.value for metric in app.metric if metric.label == "Parameters"] == ["269.72 k", "260"]
