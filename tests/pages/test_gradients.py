"""The gradients at the start of training on the Architecture page, without a browser."""

from functools import partial

from tests.pages import helpers
from tests.pages.helpers import metrics, problem

open_page = partial(helpers.open_page, "architecture")


def test_what_arrives_at_the_layers_at_the_start_of_training() -> None:
    link = {"net": "plain20", "activation": "sigmoid", "batch_norm": "false", "image_size": "8"}
    app = open_page(**link)
    assert "First layer to last layer" not in metrics(app)  # nothing is computed before the button is pressed
    app.button(key="start-compute").click().run()
    assert float(metrics(app)["First layer to last layer"]) < 1e-6
    assert any("It vanishes" in one.value for one in app.markdown)
    app.selectbox(key="edit.activation").set_value("relu").run()
    assert "First layer to last layer" not in metrics(app)  # the numbers of another network
    app.button(key="start-compute").click().run()
    assert float(metrics(app)["First layer to last layer"]) > 1e-3
    app.selectbox(key="view.init").set_value("normal").run()
    app.segmented_control(key="view.start").set_value("field").run()
    app.button(key="start-compute").click().run()
    assert problem(app) == ""
    assert any("pixels** are effective" in one.value for one in app.markdown)
    assert app.query_params == {
        "net": "plain20", "batch_norm": "false", "image_size": "8", "start": "field", "init": "normal"
    }  # fmt: skip


def test_a_network_that_is_too_large_for_gradients_is_refused() -> None:
    app = open_page(net="vgg16", image_size="512")
    app.button(key="start-compute").click().run()
    assert "takes too much memory or time" in problem(app)
