"""The Runs page in every state, without a browser and with made-up runs."""

import time
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from explorer.formatting import bytes_short
from explorer.jobs import retention, service
from explorer.jobs.store import Status, Store
from tests.helpers import made_runs
from tests.helpers.stores import both_databases
from tests.pages.helpers import problem
from tests.pages.runs_page import buttons, names, open_page, table, words


def test_without_runs_the_page_explains_how_to_start(jobs: Store) -> None:
    app = open_page()
    assert "No runs yet." in words(app)
    assert not any("runs-table" in part.proto.id for part in app.get("bidi_component"))
    assert "Train a network" in [link.proto.label for link in app.get("page_link")]


def test_all_runs_are_listed_the_newest_first(jobs: Store) -> None:
    for status in Status:
        made_runs.add(jobs, f"a {status} run", status)
    app = open_page()
    assert names(app) == [f"a {status} run" for status in reversed(Status)]
    row = table(app).set_index("name").loc
    assert row["a queued run"]["status"] == "○ queued"
    assert row["a queued run"]["at"] == "next"
    assert row["a running run"]["at"] == "1 min 15 s left"
    assert row["a running run"]["progress"] == pytest.approx(55)
    assert row["a finished run"]["test"] == pytest.approx(100 * made_runs.result(0.95)["top1"])
    best = max(line.value for line in made_runs.rows(6, 0.95, 0) if line.name == "validation/top1")
    assert row["a finished run"]["best"] == pytest.approx(100 * best)
    assert row["a finished run"]["network"] == "Small CNN for the bundled digits"
    assert row["a finished run"]["recipe"] == "adamw, lr 0.001, batch 64, 6 epochs"
    assert table(app, texts=True).set_index("name").loc["a finished run"]["took"] == "3 min 20 s"
    assert row["a finished run"]["size"] == pytest.approx(sum(retention.files(jobs.records()[-1].id).values()))
    assert "Choose a run" in words(app)


def test_sizes_have_units_and_sort_as_numbers(jobs: Store) -> None:
    job = made_runs.add(jobs, "one", Status.FINISHED)
    service.directory(job).log.write_bytes(bytes(12_345_678))
    app = open_page(job=job, show="files")
    assert list(table(app)["size"] // 1e4) == [12_351_678 // 1e4]
    assert list(table(app, texts=True)["size"]) == [bytes_short(table(app)["size"][0])]
    [files] = app.dataframe
    size = 12_345_678
    assert size // 1e4 in list(files.value["size"] // 1e4)
    cells = pa.ipc.open_stream(files.proto.arrow_data.styler.display_values).read_pandas()
    assert bytes_short(size)[:5] in " ".join(cells["size"])


def test_queued_runs_show_their_position(jobs: Store) -> None:
    for name in "abc":
        made_runs.add(jobs, name, Status.QUEUED)
    assert list(table(open_page())["at"]) == ["2 ahead of it", "1 ahead of it", "next"]


@pytest.mark.parametrize(
    ("status", "text", "offered"),
    [
        (Status.QUEUED, "Waiting for its turn: next.", {"Stop": True, "Delete": True}),
        (Status.RUNNING, "memory", {"Stop": True, "Delete": False}),
        (Status.STOPPING, "It writes a checkpoint", {"Delete": False}),
        (Status.STOPPED, "Stopped. Resume goes on", {"Resume": True, "Delete": True}),
        (Status.INTERRUPTED, "it gave no reason", {"Resume": True, "Delete": True}),
        (Status.FAILED, "", {"Resume": True, "Delete": True}),
        (Status.FINISHED, "Full lines: validation images.", {"Delete": True}),
    ],
)
def test_one_run_is_shown_in_every_state(jobs: Store, status: Status, text: str, offered: dict[str, bool]) -> None:
    job = made_runs.add(jobs, f"the <b>{status}</b> one", status)
    app = open_page(job=job)
    assert text in words(app)
    assert {name: can for name, can in buttons(app).items() if name != "Disk space"} == offered
    assert (problem(app) == made_runs.ERROR["message"]) == (status is Status.FAILED)
    charts = len(app.get("vega_lite_chart"))
    assert charts == (0 if status is Status.QUEUED else 5)  # loss, top-1, rate; top-3 and the seconds of each epoch
    assert "<b>the" not in words(app)
    for section in ("test", "settings", "log", "files"):
        app.segmented_control(key="runs.view.show").set_value(section).run()
        assert words(app)
        assert app.query_params == {"job": job, "show": section}
    assert ("the log of" in log_of(job)) == (status is not Status.QUEUED)


def log_of(job: str) -> str:
    return words(open_page(job=job, show="log"))


def test_a_run_before_its_first_epoch_has_no_curves(jobs: Store) -> None:
    job = made_runs.add(jobs, "young", Status.RUNNING, epochs=0)
    assert "The curves begin with the first steps." in words(open_page(job=job))


def test_the_page_follows_a_running_run(jobs: Store) -> None:
    job = made_runs.add(jobs, "growing", Status.RUNNING, epochs=0)
    app = open_page(job=job)
    for epochs in (1, 2):
        jobs.write_rows(job, made_runs.rows(epochs), replace=True)
        service.directory(job).log.write_bytes(b"x" * 1_000_000 * epochs)
        jobs.change(job, Status, progress=epochs / 6)
        app.run()
        best = max(row.value for row in made_runs.rows(epochs) if row.name == "validation/top1")
        row = table(app).iloc[0]
        assert row["best"] == pytest.approx(100 * best)
        assert row["progress"] == pytest.approx(100 * epochs / 6)
        assert epochs < row["size"] / 1e6 < epochs + 0.1
        assert f"epoch {epochs}</span>" in words(app)


def test_the_link_contains_the_filters(jobs: Store) -> None:
    made_runs.add(jobs, "apple", Status.FINISHED)
    made_runs.add(jobs, "pear", Status.FAILED)
    app = open_page()
    app.text_input(key="runs.view.text").set_value("Small PEAR").run()
    assert names(app) == ["pear"]
    assert app.query_params == {"text": "Small PEAR"}
    app.text_input(key="runs.view.text").set_value("").run()
    app.pills(key="runs.view.status").set_value([Status.FINISHED]).run()
    assert names(app) == ["apple"]
    assert names(open_page(status="finished.failed")) == ["pear", "apple"]
    assert "No run matches" in words(open_page(text="plum"))


def test_a_choice_survives_renamed_runs(jobs: Store) -> None:
    ids = [made_runs.add(jobs, name, Status.FINISHED, accuracy=0.9) for name in ("first", "second")]
    [one, _other] = made_runs.add_sweep(jobs, "table", ["lr=0.1,0.01"])
    sweep = jobs.get(one).sweep
    app = open_page(job=".".join(ids), show="test")
    box(app, "Run").select(ids[1]).run()
    box(app, "Sweep").select(sweep).run()
    for record in jobs.records():
        jobs.change(record.id, Status, name=f"{record.name} changed · x")
    app.segmented_control(key="runs.view.show").set_value("settings").run()
    app.segmented_control(key="runs.view.show").set_value("test").run()
    assert app.query_params == {"job": ".".join(ids), "show": "test", "run": ids[1], "sweep": sweep}
    assert box(app, "Run").value == ids[1]


def test_runs_with_the_same_name_can_be_chosen_separately(jobs: Store) -> None:
    ids = [made_runs.add(jobs, "twin", Status.FINISHED, accuracy=0.9) for _run in range(3)]
    app = open_page(job=".".join(ids), show="test")
    for job in (ids[2], ids[1]):
        box(app, "Run").select_index(ids.index(job)).run()
        assert app.query_params["run"] == job


def test_the_choice_of_settings_survives_another_section(jobs: Store) -> None:
    ids = [made_runs.add(jobs, name, Status.FINISHED) for name in ("first", "second")]
    app = open_page(job=".".join(ids), show="settings", settings="all")
    app.segmented_control(key="runs.view.show").set_value("log").run()
    app.segmented_control(key="runs.view.show").set_value("settings").run()
    assert app.segmented_control(key="runs.view.settings").value == "all"
    assert app.query_params["settings"] == "all"


def box(app: AppTest, label: str) -> Any:
    """Returns a select box. Its key ends with a digest of its options."""
    return next(one for one in app.selectbox if one.label == label)


def test_the_reason_of_an_early_end_is_shown(jobs: Store) -> None:
    short = made_runs.add(jobs, "short of memory", Status.INTERRUPTED)
    forced = made_runs.add(jobs, "slow to stop", Status.STOPPED)
    waited = made_runs.add(jobs, "never began", Status.QUEUED)
    jobs.change(short, Status, error={"code": "killed", "message": "no memory was left"})
    jobs.change(forced, Status, error={"code": "forced", "message": "it took longer than 4.5 seconds"})
    service.stop(waited)
    assert "no memory was left" in words(open_page(job=short))
    assert "it took longer than 4.5 seconds" in words(open_page(job=forced))
    text = words(open_page(job=waited))
    assert "Stopped before its first checkpoint." in text
    assert "Resume goes on" not in text


def test_a_resumed_run_is_last_in_the_queue_and_its_pause_is_not_counted(jobs: Store) -> None:
    job = made_runs.add(jobs, "resumed", Status.STOPPED)
    made_runs.add(jobs, "later", Status.QUEUED)
    service.resume(job)
    app = open_page(job=job)
    row = table(app).set_index("name").loc
    assert [row[name]["at"] for name in ("resumed", "later")] == ["1 ahead of it", "next"]
    assert row["resumed"]["took"] is None
    assert "Waiting for its turn: 1 ahead of it." in words(app)
    jobs.change(job, Status, status=Status.RUNNING, started=time.time())
    assert '<span>3 s</span><br><span class="faint">3 epochs</span>' in words(open_page(job=job))


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"job": "../etc"}, "job, entry 1: it is not an id"),
        ({"status": "asleep"}, "status"),
        ({"show": "everything"}, "show: 'everything'"),
        ({"job": ".".join(f"a{number}" for number in range(101))}, "at most 100"),
    ],
)
def test_invalid_links_are_explained(jobs: Store, link: dict[str, str], message: str) -> None:
    made_runs.add(jobs, "one", Status.FINISHED)
    app = open_page(**link)
    assert message in problem(app)
    assert names(app) == ["one"]
    assert app.query_params == link


def test_a_deleted_run_of_the_link_is_named(jobs: Store) -> None:
    for store_is in ("empty", "not empty"):
        assert "not here any more: abcdefghij" in words(open_page(job="abcdefghij")), store_is
        made_runs.add(jobs, "one", Status.FINISHED)


def test_a_damaged_file_of_mistakes_is_ignored(jobs: Store) -> None:
    job = made_runs.add(jobs, "one", Status.FINISHED)
    (service.directory(job).folder / "mistakes.json").write_text("{")
    assert "were not saved" in words(open_page(job=job, show="test"))


def test_a_hundred_runs_are_read_once(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHECK_INTERVAL", 3600)  # seconds between two checks of the runner
    new_jobs = [
        job for number in range(100) for job in made_runs.jobs(f"run {number}", lr=0.001 * (number + 1), epochs=200)
    ]
    jobs.add(new_jobs)
    for job in new_jobs:
        made_runs.set_status(jobs, job, Status.FINISHED)
    first = open_page()
    assert len(names(first)) == 25
    reads: list[str] = []

    def record_reads(name: str) -> None:
        real = getattr(Store, name)

        def recorded(self: Store, *arguments: object) -> object:
            reads.append(name)
            return real(self, *arguments)

        monkeypatch.setattr(Store, name, recorded)

    record_reads("reading")
    record_reads("curves")
    assert len(names(open_page())) == 25  # another session
    assert set(reads) == {"reading"}  # the version, but no curves
    jobs.change(new_jobs[99].id, Status, name="renamed")
    first.run()
    assert "renamed" in names(first)


@both_databases
def test_a_long_list_has_pages(jobs: Store) -> None:
    jobs.add([job for number in range(60) for job in made_runs.jobs(f"Rün-{number}")])
    ids = [record.id for record in jobs.records()]
    for job in ids[:3]:
        jobs.change(job, Status, status=Status.FAILED, machine="gpu-1", started=1.0)
    directory = service.directory(ids[0])
    directory.folder.mkdir()
    directory.submission.write_text('{"id": "a", "ticket": "b"}')  # a Ray cluster ran it
    app = open_page()
    assert names(app) == [f"Rün-{number}" for number in range(59, 34, -1)]
    assert "Runs 1 to 25 of 60, the newest first" in words(app)
    assert list(table(app)["at"])[:2] == ["56 ahead of it", "55 ahead of it"]
    app.button(key="runs.older").click().run()
    assert names(app) == [f"Rün-{number}" for number in range(34, 9, -1)]
    app.button(key="runs.older").click().run()
    assert names(app) == [f"Rün-{number}" for number in range(9, -1, -1)]
    if jobs.path:
        assert "machine" not in table(app)
    else:
        assert list(table(app)["machine"])[-4:] == ["", "gpu-1", "gpu-1", "Ray cluster"]
    assert app.query_params == {"sheet": "3"}
    assert app.button(key="runs.older").disabled
    app.pills(key="runs.view.status").set_value([Status.QUEUED]).run()  # other filters begin with the first page
    assert names(app)[0] == "Rün-59"
    assert app.query_params == {"status": "queued"}
    app.text_input(key="runs.view.text").set_value("RÜN-5").run()
    assert names(app) == ["Rün-59", *(f"Rün-{number}" for number in range(58, 49, -1)), "Rün-5"]
    assert names(open_page(sheet="9")) == [f"Rün-{number}" for number in range(59, 34, -1)]
    app = open_page(sheet="2", job=f"{ids[0]}.{ids[59]}", show="settings")
    assert "2 runs" in words(app)
    assert app.query_params["job"] == f"{ids[0]}.{ids[59]}"
