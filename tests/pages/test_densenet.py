"""A DenseNet on every page, without a browser: edited, compared, started as a job."""

from functools import partial

from explorer.families import resolve
from explorer.families.link import decode
from tests.pages import helpers
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import words

open_page = partial(helpers.open_page, "architecture")


def test_every_setting_is_edited_and_stands_in_the_link() -> None:
    app = open_page(net="densenet-bc-100-12")
    assert metrics(app)["Parameters"] == "769.16 k"
    app.number_input(key="edit.growth_rate").set_value(24.0).run()
    app.number_input(key="edit.blocks.1").set_value(8.0).run()
    app.number_input(key="edit.compression").set_value(1.0).run()
    app.segmented_control(key="edit.stem").set_value("imagenet").run()
    app.number_input(key="edit.image_size").set_value(64.0).run()
    app.number_input(key="edit.bottleneck").set_value(None).run()
    assert problem(app) == ""
    expected = resolve("densenet-bc-100-12").changed(
        growth_rate=24, blocks=[16, 8, 16], compression=1.0, stem="imagenet", image_size=64, bottleneck=None
    )
    link = {key: value for key, value in app.query_params.items() if isinstance(value, str)}
    assert decode(link)[0] == expected
    assert link["blocks"] == "16.8.16"


def test_blocks_are_added_and_taken_away() -> None:
    app = open_page(net="densenet121")
    app.number_input(key="edit.count").set_value(2.0).run()
    assert app.query_params["blocks"] == "6.12"
    app.number_input(key="edit.count").set_value(3.0).run()
    assert app.query_params["blocks"] == "6.12.24"  # what stood there before
    app.number_input(key="edit.count").set_value(9.0).run()
    assert "count: 9 is not between 1 and 8 blocks" in problem(app)
    assert app.query_params["blocks"] == "6.12.24"


def test_what_breaks_a_rule_is_said_and_the_last_good_network_stays() -> None:
    app = open_page(net="densenet121")
    app.number_input(key="edit.compression").set_value(0.0).run()
    assert "compression: 0.0 is not above 0" in problem(app)
    assert metrics(app)["Parameters"] == "7.98 M"


def test_it_is_compared_with_torchvisions() -> None:
    app = helpers.open_page("compare", a="densenet121", b="torchvision~.densenet121")
    assert not app.exception
    assert [value for label, value in ((m.label, m.value) for m in app.metric) if label == "Parameters"] == [
        "7.98 M",
        "7.98 M",
    ]


def test_it_trains_and_what_changes_for_the_data_is_said() -> None:
    app = helpers.open_page("train", net="densenet-bc-100-12")
    assert not app.exception
    assert not app.error
    assert "The network takes images of 1 channel, as the data; the spec had 3." in words(app)
