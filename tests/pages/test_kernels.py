"""The Kernels page, without a browser."""

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from explorer.analysis import timing
from explorer.ui.kernels.sections import SECTIONS
from tests.pages import helpers
from tests.pages.helpers import metrics, problem

open_page = partial(helpers.open_page, "kernels")


def words(app: AppTest) -> str:
    assert not app.exception
    return " ".join(text.value.replace("\\", "") for text in [*app.markdown, *app.caption, *app.info, *app.warning])


def test_the_first_visit_shows_seven_against_three_threes() -> None:
    app = open_page()
    assert metrics(app) == {
        "Parameters": "200.70 k → 110.59 k", "MACs": "629.41 M → 346.82 M", "Non-linearities": "1 → 3",
    }  # fmt: skip
    assert "81% more parameters and MACs, 49·C² against 27·C²" in words(app)
    assert "Parameters: 49·64² = 200,704 against 27·64² = 110,592" in words(app)
    assert "Simonyan and Zisserman 2015, section 2.3" in words(app)
    assert " ms" not in words(app)
    assert app.query_params == {}


@pytest.mark.parametrize("show", SECTIONS)
def test_every_section_opens_from_its_link(show: str) -> None:
    app = open_page(show=show)
    assert problem(app) == ""
    assert metrics(app)
    assert app.query_params == {"show": show}


@pytest.mark.parametrize("show", SECTIONS)
def test_every_section_opens_from_the_page(show: str) -> None:
    app = open_page()
    app.segmented_control(key="kernels.show").set_value(show).run()
    assert metrics(app) == metrics(open_page(show=show))
    assert app.query_params == ({} if show == "stack" else {"show": show})


def test_any_kernel_width_and_map() -> None:
    app = open_page()
    app.number_input(key="kernels.stack.k").set_value(5).run()
    app.number_input(key="kernels.stack.c").set_value(100).run()
    app.number_input(key="kernels.stack.map").set_value(10).run()
    assert metrics(app)["Parameters"] == "250.00 k → 180.00 k"
    assert metrics(app)["MACs"] == "25.00 M → 18.00 M"
    assert app.query_params == {"show": "stack", "k": "5", "c": "100", "map": "10"}
    assert metrics(open_page(**app.query_params)) == metrics(app)


@pytest.mark.parametrize(
    ("link", "claim"),
    [
        ({"k": "3"}, "A 3×3 kernel is the same as its stack"),
        ({"k": "5", "by": "5x5"}, "A 5×5 kernel is the same as its stack"),
        ({"k": "2", "by": "1xk"}, "Both see 2×2 pixels at the same cost, 4·C²"),
        ({"k": "3", "by": "1xk"}, "takes 50% more parameters and MACs, 9·C² against 6·C²"),
        ({"k": "5"}, "takes 39% more parameters and MACs, 25·C² against 18·C²"),
    ],
)
def test_the_conclusion_fits_the_stacks(link: dict[str, str], claim: str) -> None:
    assert claim in words(open_page(**link))


def test_an_even_kernel_can_only_be_split() -> None:
    app = open_page()
    before = metrics(app)
    app.number_input(key="kernels.stack.k").set_value(6).run()
    assert problem(app).startswith("k: ")
    assert metrics(app) == before
    assert app.query_params == {}
    app.segmented_control(key="kernels.stack.by").set_value("1xk").run()
    assert problem(app) == ""
    assert metrics(app)["Non-linearities"] == "1 → 2"
    assert app.query_params == {"show": "stack", "k": "6", "by": "1xk"}


@pytest.mark.parametrize(
    ("show", "key", "value"),
    [
        ("stack", "k", 99), ("stack", "k", 2.5), ("stack", "c", 0), ("stack", "map", 5000), ("stack", "batch", 0),
        ("size", "size", -1), ("size", "kernel", 9), ("size", "stride", 0), ("size", "dilation", 65),
        ("blocks", "width", 4097), ("blocks", "map", 1.5),
    ],
)  # fmt: skip
def test_an_invalid_value_shows_an_error_and_the_last_result_stays(show: str, key: str, value: float) -> None:
    app = open_page(show=show)
    before = metrics(app)
    app.number_input(key=f"kernels.{show}.{key}").set_value(value).run()
    assert problem(app).startswith("F: " if key == "kernel" else f"{key}: {value} is ")
    assert metrics(app) == before
    assert app.query_params == {"show": show}


def test_dropped_columns() -> None:
    app = open_page(show="size")
    assert metrics(app) == {"Output": "3", "Dropped": "1", "In no window": "1"}
    assert app.code[0].value.splitlines() == [
        "out = floor((in − F + 2P) / S) + 1",
        "out = floor((8 − 3 + 2·0) / 2) + 1",
        "out = floor(5 / 2) + 1",
        "out = 2 + 1 = 3",
    ]
    app.toggle(key="kernels.size.ceil").set_value(True).run()
    assert metrics(app) == {"Output": "4", "Dropped": "0", "In no window": "0"}
    app.number_input(key="kernels.size.size").set_value(3000).run()
    assert metrics(app)["Output"] == "1,500"


def test_a_cell_outside_of_the_output_is_moved_inside() -> None:
    app = open_page(show="size", cell="2.2")
    app.number_input(key="kernels.size.kernel").set_value(8).run()
    assert problem(app) == ""
    assert metrics(app)["Output"] == "1"


def test_a_typed_stack() -> None:
    app = open_page(show="field")
    assert metrics(app)["Receptive field"] == "7 px"
    app.text_input(key="kernels.field.layers").set_value("3/2, pool 2/2").run()
    assert metrics(app) == {"Receptive field": "5 px", "Stride in the image": "4 px", "Padding in the image": "1 px"}
    backwards, forwards = (table.value for table in app.table)
    assert list(backwards.iloc[:, 1]) == ["(1 − 1)·2 + 2 = 2", "(2 − 1)·2 + 3 = 5"]
    assert list(forwards.iloc[:, 1]) == ["1", "1 + (3 − 1)·1 = 3", "3 + (2 − 1)·2 = 5"]
    assert app.query_params == {"show": "field", "layers": "3/2.pool2/2"}
    assert open_page(**app.query_params).text_input(key="kernels.field.layers").value == "3/2, pool 2/2"


def test_an_invalid_layer_is_named_and_the_last_stack_stays() -> None:
    app = open_page(show="field", layers="5.5")
    app.text_input(key="kernels.field.layers").set_value("5, conv x").run()
    assert problem(app).startswith("layer 2, 'conv x': ")
    assert metrics(app)["Receptive field"] == "9 px"
    assert app.query_params == {"show": "field", "layers": "5.5"}
    app.text_input(key="kernels.field.layers").set_value("5, 3").run()
    assert problem(app) == ""


def test_an_example_sets_the_text() -> None:
    app = open_page(show="field")
    picker = app.selectbox(key="kernels.field.example")
    picker.set_value(next(name for name in picker.options if "VGG-16" in name)).run()
    assert metrics(app)["Receptive field"] == "212 px"
    assert app.selectbox(key="kernels.field.example").value is None


def test_blocks_at_equal_cost() -> None:
    app = open_page(show="blocks")
    assert [metric.value for metric in app.metric] == ["73,728", "231.21 M", "64", "69,632", "218.37 M", "256"]
    assert "carries 256 channels where the basic block carries 64, at 94% of its cost" in words(app)
    basic, bottleneck = (table.value for table in app.table)
    assert list(basic.iloc[:, 1]) == ["3·3·64·64 = 36,864"] * 2 + ["73,728"]
    assert list(bottleneck.iloc[:, 2])[-1] == "218,365,952"


def test_the_inception_example_with_its_erratum() -> None:
    app = open_page(show="inception")
    assert "854,196,224 MACs, 3.1 times as many" in words(app)
    assert "358,055,936 counts the 3×3 term, 86,704,128, twice" in words(app)
    assert "= 271,351,808" in words(app)
    app.selectbox(key="kernels.inception.module").set_value("3a").run()
    assert "12,288 + 129,024 + 15,872 + 6,144 = 163,328" in words(app)
    assert "358" not in words(app)
    assert app.query_params == {"show": "inception", "module": "3a"}


def test_an_invalid_link_shows_the_default_and_stays_until_the_first_edit() -> None:
    app = open_page(show="stack", k="99", lang="en")
    assert "link: k: '99'" in problem(app)
    assert metrics(app) == metrics(open_page())
    assert app.query_params["k"] == "99"
    app.number_input(key="kernels.stack.c").set_value(32).run()
    assert problem(app) == ""
    assert app.query_params == {"show": "stack", "c": "32", "lang": "en"}


def test_a_section_remembers_its_fields() -> None:
    app = open_page()
    app.number_input(key="kernels.stack.k").set_value(9).run()
    app.segmented_control(key="kernels.show").set_value("size").run()
    app.segmented_control(key="kernels.show").set_value("stack").run()
    assert app.number_input(key="kernels.stack.k").value == 9
    assert app.query_params == {"show": "stack", "k": "9"}


def test_times_are_shown_for_the_measured_stacks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([(4.0, 2.0), (2.0, 5.0)])
    monkeypatch.setattr(timing, "measure", lambda _stacks, _work: timing.Timing(next(times), 1.2, 50, "CPU", 2, "2.14"))
    app = open_page()
    app.button(key="kernels.measure").click().run()
    assert "The one layer takes 4.00 ms and the stack 2.00 ms: the stack is 2.00 times as fast here" in words(app)
    assert "median of 50 passes, CPU, 2 threads, PyTorch 2.14" in words(app)
    app.number_input(key="kernels.stack.batch").set_value(2).run()
    assert " ms" not in words(app)
    app.button(key="kernels.measure").click().run()
    assert "the stack takes 2.50 times as long here. Fewer MACs are not always less time" in words(app)


def test_a_busy_machine_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "measure", lambda _stacks, _work: timing.Timing((4.0, 2.0), 3.0, 50, "CPU", 2, "2.14"))
    app = open_page()
    app.button(key="kernels.measure").click().run()
    assert "some passes took 3.0 times as long as others" in words(app)


def test_an_error_is_shown_for_stacks_that_are_too_large_to_measure() -> None:
    app = open_page(c="4096")
    app.button(key="kernels.measure").click().run()
    assert len(app.warning) == 1
    assert metrics(app)["Non-linearities"] == "1 → 3"


def test_an_inception_module_with_own_numbers() -> None:
    app = open_page(show="inception", module="own", map="4", channels="10")
    assert not app.exception
    assert app.number_input(key="kernels.inception.map").value == 4
    app.number_input(key="kernels.inception.ch1x1").set_value(0).run()
    assert "ch1x1" in problem(app)
    app.selectbox(key="kernels.inception.module").set_value("3a").run()
    assert not app.exception
