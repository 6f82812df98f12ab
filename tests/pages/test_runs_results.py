"""The results of one run and of several on the Runs page: charts, tables, sweeps and gradients."""

import json

import pytest

from explorer.analysis.published_results import CIFAR10_CLASSES
from explorer.drawing.theme import LIGHT
from explorer.families import resolve
from explorer.jobs.run_directory import LAYER_GRADIENT, Row
from explorer.jobs.store import Status, Store
from tests.helpers import made_runs
from tests.pages import helpers
from tests.pages.runs_page import buttons, names, open_page, words


def test_results_on_the_test_set_are_shown(jobs: Store) -> None:
    job = made_runs.add(jobs, "done", Status.FINISHED, accuracy=0.9)
    made_runs.write_mistakes(job, 30)
    app = open_page(job=job, show="test")
    result = made_runs.result(0.9)
    assert helpers.metrics(app) == {
        "Test top-1": f"{result['top1']:.2%}", "Test top-3": "99.00%", "Right": f"{result['correct']} of 360",
    }  # fmt: skip
    matrix, bars = (json.loads(chart.proto.spec)["data"][0] for chart in app.get("plotly_chart"))
    assert [row[place] for place, row in enumerate(matrix["customdata"])] == [
        result["confusion"][place][place] for place in range(10)
    ]
    assert sum(map(sum, matrix["customdata"])) == 360
    assert bars["x"] == list(result["per_class"].values())
    assert "**2** taken for **3**: 6 (16.7%)" in words(app)
    assert "The 24 surest of 30 saved mistakes" in words(app)
    assert "3 → **8** 79%" in words(app)


def test_published_curves_and_classes_are_shown_with_those_of_a_run(jobs: Store) -> None:
    """VGG notes: 75.5% and 93.2% after 50 epochs. ResNet notes: 72% of the cats."""
    narrow, resnet = resolve("vgg16-cifar10"), resolve("cifar-resnet18")
    job = made_runs.add(jobs, "mine", Status.FINISHED, spec=narrow, dataset="cifar10")
    app = open_page(job=job)
    assert "Grey, long dashes: published by VGG notes, top-1 75.5%, top-3 93.2% at the end" in words(app)
    assert "original CIFAR-10 images" in words(app)
    assert LIGHT.faint in app.get("vega_lite_chart")[1].proto.spec, "the colour of its line"
    (pointer,) = [part for part in app.get("bidi_component") if part.key == "runs-epoch"]
    assert "VGG notes, published" in pointer.proto.json
    assert "published" not in words(open_page(job=made_runs.add(jobs, "other", Status.FINISHED, spec=narrow)))
    job = made_runs.add(jobs, "mine too", Status.FINISHED, spec=resnet, dataset="cifar10")
    scores = made_runs.result()
    scores["per_class"] = dict(zip(CIFAR10_CLASSES, scores["per_class"].values(), strict=True))
    jobs.change(job, Status, result=scores)
    bars = json.loads(open_page(job=job, show="test").get("plotly_chart")[1].proto.spec)["data"]
    assert [(one["name"], one["x"][3]) for one in bars[1:]] == [("ResNet notes, published", 0.72)]


def test_a_perfect_run_has_no_mistakes(jobs: Store) -> None:
    job = made_runs.add(jobs, "perfect", Status.FINISHED)
    right = [[9 if row == column else 0 for column in range(10)] for row in range(10)]
    jobs.change(
        job, Status, result={"images": 90, "correct": 90, "top1": 1.0, "topk": {}, "confusion": right}
        | {"per_class": dict.fromkeys(made_runs.CLASSES, 1.0)},
    )  # fmt: skip
    app = open_page(job=job, show="test")
    assert "Every image was classified correctly." in words(app)
    assert "There are none." in words(app)


def test_of_a_hundred_classes_the_confused_ones_are_shown(jobs: Store) -> None:
    job = made_runs.add(jobs, "many", Status.FINISHED)
    classes = [f"class {place}" for place in range(100)]
    confusion = [[0] * 100 for _class in classes]
    for place in range(100):
        confusion[place][place] = 10
    confusion[7][93] = 5
    result = {"images": 1005, "correct": 1000, "top1": 1000 / 1005, "topk": {"3": 1.0}, "confusion": confusion}
    jobs.change(job, Status, result=result | {"per_class": dict.fromkeys(classes, 1.0)})
    app = open_page(job=job, show="test")
    matrix = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    assert matrix["y"] == ["class 7", "class 93"]
    assert "The 2 classes of 100 that were confused most." in words(app)


def test_several_runs_show_their_differences(jobs: Store) -> None:
    first = made_runs.add(jobs, "first", Status.FINISHED)
    second = made_runs.add(jobs, "second", Status.FAILED, lr=0.5, optimizer="sgd")
    app = open_page(job=f"{first}.{second}", show="settings")
    assert "2 runs" in words(app)
    assert '<tr><th scope="row">lr</th>' in words(app)
    assert "batch_size" not in words(app)
    app.segmented_control(key="runs.view.settings").set_value("all").run()
    assert "batch_size" in words(app)
    assert app.query_params["settings"] == "all"
    assert buttons(app)["Resume (1)"]
    assert buttons(app)["Delete (2)"]


def test_seeds_are_shown_as_mean_and_spread(jobs: Store) -> None:
    ids = [made_runs.add(jobs, f"net seed={seed}", Status.FINISHED, seed=seed) for seed in range(3)]
    app = open_page(job=".".join(ids))
    assert "net, 3 seeds" in words(app)
    assert "±" in words(app)
    app.segmented_control(key="runs.view.seeds").set_value("apart").run()
    assert "net seed=2" in words(app)
    assert "±" not in words(app)
    assert app.query_params["seeds"] == "apart"


@pytest.mark.parametrize(
    ("sweep", "kind"),
    [
        (["lr=0.1,0.01", "spec.dropout=0,0.5"], "heatmap"),
        (["lr=0.1,0.01", "spec.dropout=0,0.5", "batch_size=16,32"], "parcoords"),
        (["lr=0.1,0.01", "spec.dropout=0,0.5", "seed=0,1"], "heatmap"),
        (["lr=0.1,0.01"], ""),
    ],
)
def test_a_sweep_has_its_own_section(jobs: Store, sweep: list[str], kind: str) -> None:
    ids = made_runs.add_sweep(jobs, "table", sweep)
    made_runs.add(jobs, "another", Status.FINISHED)
    app = open_page(sweep=jobs.get(ids[0]).sweep)
    assert f"{len(ids)} runs of the sweep table" in words(app)
    assert len(names(app)) == len(ids)
    kinds = [json.loads(chart.proto.spec)["data"][0]["type"] for chart in app.get("plotly_chart")]
    assert kinds == ([kind] if kind else [])
    shown = app.dataframe[0].value
    assert list(shown["score.validation"]) == sorted(shown["score.validation"], reverse=True)
    scores = {f"score.{name}" for name in ("validation", "validation3", "test", "test3")}
    assert set(shown.columns) - {*scores, "status", "name"} == {key.partition("=")[0] for key in sweep}
    app.segmented_control(key="runs.view.measure").set_value("test").run()
    result = jobs.get(ids[-1]).result
    assert result is not None
    assert app.dataframe[0].value["score.test"].iloc[0] == pytest.approx(100 * result["top1"])


def test_a_sweep_without_a_grid_has_parallel_coordinates_and_top_3(jobs: Store) -> None:
    rows = [{"lr": "0.1", "spec.dropout": "0"}, {"lr": "0.2", "spec.dropout": "0.5"}, {"lr": "0.3"}]
    ids = made_runs.add_sweep(jobs, "table", [], rows=rows)
    app = open_page(sweep=jobs.get(ids[0]).sweep)
    assert "These runs form no grid: 3 of the 6 combinations of lr and dropout have no run." in words(app)
    [chart] = app.get("plotly_chart")
    assert json.loads(chart.proto.spec)["data"][0]["type"] == "parcoords"
    app.segmented_control(key="runs.view.measure").set_value("validation3").run()
    compared = app.dataframe[0].value
    # In the made-up curves, the last epoch has the best top-1. Its top-3 is 0.1 higher, at most 1.
    for job, name in zip(ids, [jobs.get(job).name for job in ids], strict=True):
        curve = {row.name: row.value for row in jobs.rows(job) if row.epoch == made_runs.EPOCHS}
        shown = compared.set_index("name").loc[name, "score.validation3"]
        assert shown == pytest.approx(100 * curve["validation/top3"])
    assert app.query_params["measure"] == "validation3"


def test_gradients_of_the_layers_of_a_run(jobs: Store) -> None:
    job = made_runs.add(jobs, "one", Status.FINISHED)
    assert "no gradients of layers" in words(open_page(job=job, show="gradients"))
    names = ("classifier.1", "features.0")  # in the order of names, which is not that of the network
    values = {name: 10.0**-place for place, name in enumerate(names)}
    numbers = [Row(epoch, LAYER_GRADIENT + name, value) for name, value in values.items() for epoch in (1, 2)]
    jobs.write_rows(job, [*made_runs.rows(3), *numbers], replace=True)
    jobs.change(job, [Status.FINISHED], name="two")  # as the runner does with new numbers
    app = open_page(job=job, show="gradients")
    assert "features.0, the first layer: 0.1 at the first recorded step" in words(app)
    [chart] = [json.loads(part.proto.spec) for part in app.get("plotly_chart")]
    assert chart["data"][0]["y"] == ["features.0", "classifier.1"]
    assert not any(row.name.startswith(LAYER_GRADIENT) for row in jobs.curves([job])[job])
