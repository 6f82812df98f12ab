"""A DenseNet on the pages that edit, compare and train networks, without a browser."""

from functools import partial

from explorer.families import resolve
from explorer.families.link import decode
from tests.pages import helpers
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import words

open_page = partial(helpers.open_page, "architecture")


def test_every_field_can_be_edited_and_is_in_the_link() -> None:
    app = open_page(net="densenet-bc-100-12")
    assert metrics(app)["Parameters"] == "769.16 k"
    app.number_input(key="edit.growth_rate").set_value(24.0).run()
    app.number_input(key="edit.blocks.1").set_value(8.0).run()
    app.number_input(key="edit.compression").set_value(1.0).run()
    app.segmented_control(key="edit.stem").set_value("imagenet").run()
    app.text_input(key="edit.image_size").set_value("64").run()
    app.number_input(key="edit.bottleneck").set_value(None).run()
    assert problem(app) == ""
    expected = resolve("densenet-bc-100-12").changed(
        growth_rate=24, blocks=[16, 8, 16], compression=1.0, stem="imagenet", image_size=64, bottleneck=None
    )
    link = {key: value for key, value in app.query_params.items() if isinstance(value, str)}
    assert decode(link)[0] == expected
    assert link["blocks"] == "16.8.16"


def test_blocks_are_added_and_removed() -> None:
    app = open_page(net="densenet121")
    app.number_input(key="edit.count").set_value(2.0).run()
    assert app.query_params["blocks"] == "6.12"
    app.number_input(key="edit.count").set_value(3.0).run()
    assert app.query_params["blocks"] == "6.12.24"  # the former value of the block
    app.number_input(key="edit.count").set_value(9.0).run()
    assert "count: 9 is not between 1 and 8 blocks" in problem(app)
    assert app.query_params["blocks"] == "6.12.24"


def test_an_invalid_edit_shows_an_error_and_the_last_valid_network_stays() -> None:
    app = open_page(net="densenet121")
    app.number_input(key="edit.compression").set_value(0.0).run()
    assert problem(app).startswith("compression: 0.0 is ")
    assert metrics(app)["Parameters"] == "7.98 M"


def test_it_is_compared_with_torchvisions() -> None:
    app = helpers.open_page("compare", a="densenet121", b="torchvision~.densenet121")
    assert not app.exception
    assert [metric.value for metric in app.metric if metric.label == "Parameters"] == ["7.98 M", "7.98 M"]


def test_the_train_page_reports_changes_for_the_data() -> None:
    app = helpers.open_page("train", net="densenet-bc-100-12")
    assert not app.exception
    assert not app.error
    assert "1 channel, like the data" in words(app)
