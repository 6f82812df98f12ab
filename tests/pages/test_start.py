"""The Start page, without a browser."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from explorer.analysis import analyse
from explorer.families import PRESETS, resolve
from explorer.formatting import short
from explorer.jobs.store import Status, Store
from explorer.ui.glossary import SECTION, entries
from explorer.ui.start import explore, learn, tour
from tests.helpers import made_runs
from tests.pages import helpers

pytestmark = pytest.mark.usefixtures("jobs")  # the page reads the store
MAIN = Path(__file__).parents[2] / "explorer" / "main.py"


def open_page(**link: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=300)
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    """Page and query of each link, by its label."""
    protos = [element.proto for element in app.get("page_link")]
    return {proto.label.replace("\\", ""): (proto.page, proto.query_string) for proto in protos}


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption]).replace("\\", "").replace("**", "")


def figures(app: AppTest) -> list[str]:
    sent = [json.loads(part.proto.json) for part in app.get("bidi_component") if part.proto.json]
    return [data["svg"] for data in sent if data and "svg" in data]


def glossary(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if " · " in text.value]


def test_well_known_networks_open_on_architecture() -> None:
    found = links(open_page())
    for name in ("lenet5", "alexnet", "vgg16", "vgg19", "googlenet", "resnet18", "resnet50", "resnet152"):
        assert found[f":primary[**{PRESETS[name].title}**]"] == ("architecture", f"net={name}")


def test_a_typed_cfg_changes_numbers_and_link_at_once() -> None:
    app = open_page()
    assert metrics(app) == {"Parameters": "138.36 M", "MACs": "15.47 G", "Receptive field": "212 px"}
    app.text_input(key=explore.CFG).set_value("64, 64, M, 128, 128, M").run()
    totals = analyse(resolve("vgg16").changed(cfg=[64, 64, "M", 128, 128, "M"])).totals
    assert metrics(app)["Parameters"] == short(totals.params)
    assert links(app)[":primary[**Open in Architecture**]"] == ("architecture", "net=vgg16&cfg=64.64.M.128.128.M")


def test_a_wrong_cfg_names_the_token_and_keeps_the_last_numbers() -> None:
    app = open_page()
    app.text_input(key=explore.CFG).set_value("64, M, 128").run()
    before = metrics(app)
    app.text_input(key=explore.CFG).set_value("64, M, nonsense").run()
    assert metrics(app) == before
    assert "entry 3: 'nonsense'" in words(app)
    assert links(app)[":primary[**Open in Architecture**]"] == ("architecture", "net=vgg16&cfg=64.M.128")


def test_without_a_run_the_first_training_is_one_click_away() -> None:
    app = open_page()
    assert "No run yet" in words(app)
    page, query = links(app)[":primary[**Train a small network on digits**]"]
    trained = AppTest.from_file(str(MAIN), default_timeout=300).switch_page(f"../pages/{page}.py")
    for key, value in parse_qsl(query):
        trained.query_params[key] = value
    trained.run()
    assert not trained.error
    assert trained.selectbox(key="train.dataset").value == "digits"


def test_the_latest_runs_are_listed_and_a_running_one_shows_its_curve(jobs: Store) -> None:
    finished, running, waiting = (made_runs.jobs(name)[0] for name in ("First", "Second", "Third"))
    jobs.add([finished, running, waiting])
    made_runs.set_status(jobs, finished, Status.FINISHED, epochs=6)
    made_runs.set_status(jobs, running, Status.RUNNING, epochs=3, accuracy=0.9)
    app = open_page()
    found = links(app)
    assert next(label for label, (_page, query) in found.items() if "job=" in query) == ":primary[**Second**]"
    assert found[":primary[**Second**]"] == ("runs", f"job={running.id}")
    assert {query for _page, query in found.values() if query.startswith("job=")} == {
        f"job={job.id}" for job in (finished, running, waiting)
    }
    (drawn,) = (svg for svg in figures(app) if "Top-1 accuracy" in svg)
    (value,) = [row.value for row in jobs.rows(running.id) if row.name == "validation/top1" and row.epoch == 3]
    assert f"validation {value:.1%} at epoch 3" in drawn


def test_the_experiment_with_kernels_counts_weights() -> None:
    app = open_page()
    assert "45% fewer weights than one 7×7" in words(app)
    app.button_group(key=learn.COUNT).set_value(2).run()
    assert "28% fewer weights than one 5×5" in words(app)


@pytest.mark.parametrize("stop", tour.stops(), ids=lambda stop: stop.page)
def test_each_stop_of_the_tour_opens_without_a_problem(stop: tour.Stop, predict_server: Store) -> None:
    app = helpers.open_page(stop.page, **stop.parameters)
    assert helpers.problem(app) == ""


def test_the_tour_tells_the_truth_about_the_costly_layer() -> None:
    analysis = analyse(resolve("vgg16"))
    (layer,) = (layer for layer in analysis.layers if layer.name == tour.stops()[0].parameters["layer"])
    assert layer.params / analysis.totals.params == pytest.approx(0.75, abs=0.01)


def test_an_unknown_language_is_named() -> None:
    assert [info.value for info in open_page(lang="en").info] == []
    (note,) = (info.value.replace("\\", "") for info in open_page(lang="tlh").info)
    assert "'tlh'" in note
    assert "This app has: en" in note


@pytest.mark.parametrize("name", ["lenet5", "resnet152"])
def test_numbers_of_well_known_networks(name: str) -> None:
    totals = analyse(resolve(name)).totals
    expected = f"{short(totals.params)} parameters, {short(totals.macs)} MACs"
    assert expected in [caption.value.replace("\u00a0", " ") for caption in open_page().caption]


def test_links_keep_the_language() -> None:
    assert all(query.endswith("lang=en") for _page, query in links(open_page(lang="en")).values())


def test_an_old_link_redirects_to_the_architecture_page() -> None:
    app = open_page(net="resnet18", blocks="1.1.1.1", batch="64", lang="en")
    assert {metric.label: metric.value for metric in app.metric}["Parameters"] == "5.42 M"
    assert app.query_params == {"net": "resnet18", "blocks": "1.1.1.1", "batch": "64", "lang": "en"}


def test_an_invalid_old_link_shows_an_error_there() -> None:
    app = open_page(net="vgg16", image_size="abc")
    assert "image_size: 'abc'" in app.error[0].value.replace("\\", "")


def test_the_glossary_shows_every_term_and_can_be_searched() -> None:
    app = open_page()
    assert glossary(app) == []  # closed
    app.session_state[SECTION] = True
    app.run()
    assert len(glossary(app)) == len(entries())
    app.text_input(key="glossary-search").set_value("srivastava").run()
    assert [text.split("**")[1] for text in glossary(app)] == ["Dropout"]
    app.text_input(key="glossary-search").set_value("no such [word]").run()
    assert glossary(app) == []
    assert "No term" in app.info[0].value
