"""The Architecture page, without a browser."""

import logging
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from explorer.analysis import analyse
from explorer.families import PRESETS, resolve
from explorer.formatting import short
from explorer.ui.architecture.state import ArchitectureState
from explorer.ui.page_state.state import LAST_VISIT
from tests.pages import helpers
from tests.pages.helpers import component_data, layer_panel, layer_table, metrics, problem

open_page = partial(helpers.open_page, "architecture")


def test_the_first_visit_shows_a_network_with_numbers() -> None:
    app = open_page()
    assert metrics(app)["Parameters"] == "138.36 M"
    assert metrics(app)["MACs"] == "15.47 G"
    assert metrics(app)["Mult-adds"] == "15.48 G"
    assert metrics(app)["Receptive field"] == "212 px"
    assert "89% of the parameters" in app.warning[0].value.replace("\\", "")
    assert app.query_params["net"] == "vgg16"
    assert len(layer_table(app)) == 40


# Some presets of every family. The unit tests build, analyse and draw all of them.
@pytest.mark.parametrize("name", list(PRESETS)[::4])
def test_presets_open_from_their_link_without_an_error(name: str) -> None:
    app = open_page(net=name)
    assert problem(app) == ""
    assert app.query_params == {"net": name}


def test_presets_open_from_the_picker() -> None:
    app = open_page()
    app.selectbox(key="edit.preset").set_value("resnet50").run()
    assert metrics(app)["Parameters"] == "25.56 M"
    assert app.query_params["net"] == "resnet50"
    app.selectbox(key="edit.preset").set_value("googlenet").run()
    assert metrics(app)["Parameters"] == "7.00 M"
    assert "6,379,728 more in auxiliary heads" in app.metric[0].help.replace("\\", "")


def test_a_torchvision_model() -> None:
    app = open_page()
    start = app.selectbox(key="edit.preset")
    assert "torchvision · mobilenet_v2" in start.options
    start.set_value("torchvision:resnet50").run()
    assert metrics(app)["Parameters"] == "25.56 M"
    app.selectbox(key="edit.activation").set_value("gelu").run()
    assert app.query_params["activation"] == "gelu"
    app.selectbox(key="edit.name").set_value("inception_v3").run()
    assert app.selectbox(key="edit.activation").value == "own"  # its code calls ReLU as a function
    assert app.selectbox(key="edit.preset").value == "torchvision:inception_v3"
    assert app.button(key="reset").disabled  # the chosen model is the base
    assert app.text_input(key="edit.image_size").value == "299"
    assert app.query_params["net"] == "torchvision:inception_v3"
    app.number_input(key="edit.in_channels").set_value(1).run()
    assert problem(app).startswith("in_channels: ")
    app.number_input(key="edit.in_channels").set_value(3).run()
    app.text_input(key="edit.image_size").set_value("32").run()
    assert "can't run on 32×32 images" in problem(app)
    assert metrics(app)["MACs"] == "5.71 G"


def test_a_replaced_head_of_a_torchvision_model_stays() -> None:
    """An imported network has such a link."""
    link = {"net": "torchvision:resnet18", "head": "last", "classifier": "64.32", "num_classes": "5"}
    app = open_page(**link)
    assert problem(app) == ""
    assert metrics(app)["Parameters"] == "11.21 M"  # 11,176,512 + 512·64+64 + 64·32+32 + 32·5+5
    app.text_input(key="edit.classifier").set_value("64").run()
    assert app.query_params["classifier"] == "64"
    app.segmented_control(key="edit.head").set_value("own").run()
    assert problem(app) == ""
    assert "head" not in app.query_params


def test_a_pasted_list_with_its_head_sets_the_head_too() -> None:
    app = open_page(net="vgg16-cifar10")
    app.text_input(key="edit.cfg").set_value("‘A’：［16，m，32，M，FC-50，FC-50，FC-7］").run()
    assert problem(app) == ""
    assert app.query_params["cfg"] == "16.M.32.M"
    assert app.query_params["classifier"] == "50.50"
    assert app.query_params["num_classes"] == "7"
    assert app.text_input(key="edit.classifier").disabled
    assert app.number_input(key="edit.num_classes").disabled
    app.text_input(key="edit.cfg").set_value("16, M, 32, M").run()
    assert not app.text_input(key="edit.classifier").disabled
    assert app.text_input(key="edit.classifier").value == "50, 50"


@pytest.mark.parametrize(
    ("link", "key", "value"),
    [
        ({"net": "vgg16"}, "edit.cfg", "64, X"),
        ({"net": "resnet18"}, "edit.blocks.1", 0),
        ({"net": "vgg16"}, "view.batch", 0),
    ],
)
def test_an_error_is_shown_once(link: dict[str, str], key: str, value: object) -> None:
    app = open_page(**link)
    next(widget for widget in [*app.text_input, *app.number_input] if widget.key == key).set_value(value).run()
    message = problem(app)
    assert message
    assert len(app.error) == 1
    assert not [caption for caption in app.caption if message in caption.value.replace("\\", "")]


def test_a_cfg_is_analysed_and_written_to_the_link() -> None:
    app = open_page(net="vgg16")
    app.text_input(key="edit.cfg").set_value("[64, 'M', 128, 'M']").run()
    assert problem(app) == ""
    assert app.query_params["cfg"] == "64.M.128.M"
    again = open_page(**app.query_params)
    assert metrics(again) == metrics(app)
    assert again.text_input(key="edit.cfg").value == "64, M, 128, M"


def test_a_wrong_token_is_marked_and_the_last_valid_numbers_stay(caplog: pytest.LogCaptureFixture) -> None:
    app = open_page(net="vgg11")
    before = metrics(app)
    with caplog.at_level(logging.WARNING, "explorer"):
        app.text_input(key="edit.cfg").set_value("64, M, bananas, 128").run()
        app.number_input(key="view.batch").set_value(64).run()
    assert problem(app).startswith("cfg, entry 3: ")
    assert any(":red-badge[bananas]" in text.value for text in app.markdown)
    assert {**metrics(app), "Training": ""} == {**before, "Training": ""}
    assert app.query_params["net"] == "vgg11"
    assert "cfg" not in app.query_params
    assert len([record for record in caplog.records if "refused" in record.message]) == 1
    app.text_input(key="edit.cfg").set_value("64, M, 128").run()
    assert problem(app) == ""


def test_heads_that_do_not_fit() -> None:
    app = open_page(net="vgg11-bn-cifar10")
    app.number_input(key="edit.in_features").set_value(2048).run()
    assert "2,048" in problem(app)
    assert "512" in problem(app)
    app.number_input(key="edit.in_features").set_value(512).run()
    assert problem(app) == ""


def test_resnet_block_counts() -> None:
    app = open_page(net="resnet18")
    app.number_input(key="edit.blocks.2").set_value(6).run()
    assert app.query_params["blocks"] == "2.2.6.2"
    expected = resolve("resnet18").changed(blocks=[2, 2, 6, 2])
    assert metrics(app)["Parameters"] == short(analyse(expected).totals.params)
    app.number_input(key="edit.stages").set_value(5).run()
    assert app.query_params["blocks"] == "2.2.6.2.2"
    assert app.query_params["widths"] == "64.128.256.512.1024"
    app.toggle(key="edit.residual").set_value(False).run()
    assert app.query_params["residual"] == "false"
    app.segmented_control(key="edit.stem").set_value("cifar-pool").run()
    assert app.query_params["stem"] == "cifar-pool"
    app.button(key="reset").click().run()
    assert app.query_params == {"net": "resnet18"}


def test_shortcut_and_widths_that_do_not_fit() -> None:
    app = open_page(net="resnet20")
    app.number_input(key="edit.widths.1").set_value(4).run()
    assert "shortcut A pads with zeros and can't shrink 16 channels to 4" in problem(app)


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ({"net": "rubbish"}, "link, net: "),
        ({"net": "vgg16", "cfg": "64.X"}, "link: cfg, entry 2: "),
        ({"net": "vgg16", "image_size": "0"}, "link: image_size: "),
        ({"net": "resnet18", "blocks": "1000000.2.2.2"}, "link: blocks, entry 1: "),
        ({"net": "googlenet", "modules": "3a.1.2"}, "link: modules, row 1: "),
        ({"net": "vgg16", "cfg": "64." * 5000}, "link: "),
        ({"net": "vgg16", "flops": "macs"}, "link: flops, entry 1: "),
        ({"net": "vgg16", "batchnorm": "true"}, "link, 'batchnorm': "),
        ({"net": "torchvision:resnet51"}, "name: "),
    ],
)
def test_invalid_links_show_an_error_and_the_default(link: dict[str, str], place: str) -> None:
    app = open_page(**link)
    assert problem(app).startswith(place)
    assert metrics(app)["Parameters"] == "138.36 M"


def test_the_first_edit_removes_the_error_of_a_link() -> None:
    app = open_page(net="vgg16", cfg="64.X")
    app.toggle(key="edit.batch_norm").set_value(True).run()
    assert problem(app) == ""
    assert app.query_params == {"net": "vgg16", "batch_norm": "true"}


def test_the_inception_table_and_its_pools() -> None:
    app = open_page(
        net="googlenet", modules="3a.64.96.128.16.32.32_3b.128.128.192.32.96.64", pool_after="3b", aux_after="empty"
    )
    assert problem(app) == ""
    assert metrics(app)["Receptive field"] != "–"
    app.toggle(key="edit.reduce").set_value(False).run()
    assert app.query_params["reduce"] == "false"
    app.text_input(key="edit.image_size").set_value("1").run()
    assert "pool" in problem(app)


def test_formulas_and_flops_terms() -> None:
    app = open_page(net="vgg16")
    app.segmented_control(key="view.table").set_value("formulas").run()
    assert "(3·3·64 + 1)·128 = 73,856" in set(layer_table(app)["params"])
    app.pills(key="view.flops").set_value(["multiply_add"]).run()
    assert metrics(app)["FLOPs"] == "30.94 G"


def test_a_long_text_is_refused() -> None:
    app = open_page(net="vgg16")
    app.text_input(key="edit.cfg").set_value("64, " * 250_000).run()
    assert "a text of 1,000,000 characters is longer than the 20,000 allowed" in problem(app)
    assert metrics(app)["Parameters"] == "138.36 M"


def test_markdown_in_a_users_text_is_not_interpreted() -> None:
    app = open_page(net="vgg16")
    app.text_input(key="edit.cfg").set_value("![x](http://example.org/x.png) `:red[y]`").run()
    shown = [error.value for error in app.error] + [text.value for text in app.markdown]
    assert not any("](http" in text for text in shown)


def test_the_link_contains_the_view() -> None:
    app = open_page(net="resnet18", batch="64", optimizer="adam", precision="bf16", flops="multiply_add.bias")
    assert problem(app) == ""
    assert app.number_input(key="view.batch").value == 64
    assert metrics(app)["FLOPs"] == "3.63 G"
    app.selectbox(key="view.optimizer").set_value("momentum").run()
    app.pills(key="view.flops").set_value([]).run()
    assert metrics(app)["FLOPs"] == "0"
    assert app.query_params == {"net": "resnet18", "batch": "64", "precision": "bf16", "flops": "none"}
    assert metrics(open_page(**app.query_params)) == metrics(app)


def test_the_input_size_is_a_side_or_height_and_width() -> None:
    app = open_page(net="resnet18", image_size="224x160")
    assert app.text_input(key="edit.image_size").value == "224x160"
    oblong = metrics(app)["MACs"]
    for wrong in ("0", "99999", "1.5", "224x", "224x0", "wide"):
        app.text_input(key="edit.image_size").set_value(wrong).run()
        assert problem(app).startswith("image_size: ")
        assert metrics(app)["MACs"] == oblong
    app.text_input(key="edit.image_size").set_value("160 × 224").run()
    assert problem(app) == ""
    assert app.query_params == {"net": "resnet18", "image_size": "160x224"}
    assert metrics(app)["MACs"] == oblong  # ResNet treats both sides alike
    app.text_input(key="edit.image_size").set_value("224").run()
    assert app.query_params == {"net": "resnet18"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("edit.pool_to", 2.5), ("view.batch", 1.5), ("edit.num_classes", -1), ("edit.pool_to", 65), ("view.batch", 0),
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(key: str, value: float) -> None:
    app = open_page(net="vgg16")
    before = metrics(app)
    app.number_input(key=key).set_value(value).run()
    assert problem(app).startswith(f"{key.partition('.')[2]}: {value} is ")
    assert metrics(app) == before
    if key.startswith("edit."):
        app.button(key="reset").click().run()
        assert metrics(app) == before
        assert problem(app) == ""
        assert app.number_input(key=key).value != value


def test_stages_out_of_range_keep_the_counts() -> None:
    app = open_page(net="resnet18")
    app.number_input(key="edit.stages").set_value(9).run()
    assert "stages: 9 is not between 1 and 8" in problem(app)
    app.number_input(key="edit.stages").set_value(4).run()
    assert problem(app) == ""
    assert app.query_params == {"net": "resnet18"}


def test_an_empty_text_is_refused() -> None:
    app = open_page(net="vgg16")
    app.text_input(key="edit.cfg").set_value("").run()
    assert problem(app).startswith("cfg: ")
    assert metrics(app)["Parameters"] == "138.36 M"
    app.text_input(key="edit.cfg").set_value("[]").run()
    assert problem(app) == ""
    assert app.query_params["cfg"] == "empty"


def test_the_view_can_be_edited_after_an_invalid_link() -> None:
    app = open_page(net="vgg16", image_size="abc")
    app.number_input(key="view.batch").set_value(64).run()
    assert app.query_params == {"net": "vgg16", "batch": "64"}


def test_an_editor_whose_widgets_streamlit_has_dropped_is_filled_again() -> None:
    state = ArchitectureState(link={"net": "vgg11"}, visit=1)  # as after a run that was interrupted before the editor
    state.open_link(state.link)
    app = AppTest.from_file(str(helpers.MAIN), default_timeout=300).switch_page("../pages/architecture.py")
    app.session_state[ArchitectureState.NAME], app.session_state[LAST_VISIT] = state, ("architecture", 1)
    app.query_params["net"] = "vgg11"
    assert problem(app.run()) == ""
    assert app.text_input(key="edit.image_size").value == "224"


def test_icon_directives_in_a_users_text_are_not_icons() -> None:
    app = open_page(net="vgg16")
    app.text_input(key="edit.cfg").set_value(":material/add:").run()
    assert not any(":material/add:" in error.value for error in app.error)


def test_numbers_that_differ_from_the_preset_say_by_how_much() -> None:
    app = open_page(net="resnet18")
    assert not any(metric.delta for metric in app.metric)
    app.number_input(key="edit.num_classes").set_value(10).run()
    deltas = {metric.label: metric.delta for metric in app.metric}
    assert deltas["Parameters"] == "−4.3%"  # 513 parameters for each of 990 classes
    assert "−507.87 k against resnet18" in app.metric[0].help.replace("\\", "")
    assert deltas["MACs"] == "<0.1%"
    assert not deltas["Receptive field"]
    captions = [caption.value.replace("\\", "") for caption in app.caption]
    assert any(text.startswith("Last change: Parameters −507.87 k (−4.3%)") for text in captions)


def test_a_chosen_layer_is_in_panel_and_link() -> None:
    app = open_page(net="vgg16", layer="features.5")
    assert component_data(app, "layer-choice") == {"chosen": "features.5", "number": 0}
    assert layer_panel(app, "features.5")["Parameters"] == "(3·3·64 + 1)·128 = 73,856"
    app.selectbox(key="edit.preset").set_value("vgg19").run()
    assert app.query_params == {"net": "vgg19"}


@pytest.mark.parametrize("measure", ["params", "macs", "activation_bytes", "field"])
@pytest.mark.parametrize("net", ["vgg16", "mnist-fc", "torchvision:vit_b_16"])
def test_charts_of_all_measures(net: str, measure: str) -> None:
    app = open_page(net=net, chart=measure, colour=measure, detail="all")
    assert problem(app) == ""
    assert app.query_params.get("chart", "field") == measure


def test_published_values_are_shown_for_the_published_network_only() -> None:
    app = open_page(net="resnet50")
    assert any(heading.value == "Published values" for heading in app.header)
    app.number_input(key="edit.blocks.3").set_value(4).run()
    assert not any(heading.value == "Published values" for heading in app.header)


def test_an_unknown_parameter_is_named_until_the_first_edit() -> None:
    app = open_page(net="resnet50", strides="2")
    assert problem(app).startswith("link, 'strides': ")
    app.selectbox(key="edit.preset").set_value("vgg11").run()
    assert problem(app) == ""
    assert app.query_params == {"net": "vgg11"}


def test_only_the_wrong_part_of_the_view_in_a_link_is_dropped() -> None:
    link = {"net": "vgg11", "image_size": "64", "batch": "0", "chart": "macs"}
    app = open_page(**link)
    assert problem(app).startswith("link: batch: ")
    assert app.error[0].proto.title == "Parts of this link can't be read: you see the rest"
    assert app.text_input(key="edit.image_size").value == "64"
    assert app.segmented_control(key="view.chart").value == "macs"
    (onward,) = [link.proto for link in app.get("page_link") if link.proto.label == "Train"]
    assert not onward.disabled
    assert app.query_params == link


def test_every_headline_number_explains_its_term() -> None:
    helps = {metric.label: metric.help.replace("\\", "") for metric in open_page(net="vgg16").metric}
    assert "Araujo et al. 2019" in helps["Receptive field"]
    for label, text in helps.items():
        assert "**" in text, label  # the name of the glossary's term


def test_the_link_to_train_is_closed_while_the_cfg_is_wrong() -> None:
    app = open_page(net="digits-cnn")
    (onward,) = [link.proto for link in app.get("page_link") if link.proto.label == "Train"]
    assert not onward.disabled
    app.text_input(key="edit.cfg").set_value("16, nonsense").run()
    (onward,) = [link.proto for link in app.get("page_link") if link.proto.label == "Train"]
    assert onward.disabled
