"""Actions on the Runs page: stop, resume, delete, free disk space, duplicate."""

import pytest

from explorer.data import uploads
from explorer.errors import InputError
from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Status, Store
from explorer.recipes import Recipe
from explorer.ui.runs.duplicate import train_link
from explorer.ui.shared.train_form import Form
from tests.helpers import made_runs
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.runs_page import buttons, names, open_page, words


def test_stop_and_resume(jobs: Store) -> None:
    waiting, running = (made_runs.add(jobs, status, status) for status in (Status.QUEUED, Status.RUNNING))
    app = open_page(job=f"{waiting}.{running}")
    app.button(key="runs.stop").click().run()
    assert jobs.get(waiting).status is Status.STOPPED
    assert jobs.get(running).status is Status.STOPPING
    assert "Stop" not in " ".join(buttons(app))
    app.button(key="runs.resume").click().run()
    assert jobs.get(waiting).status is Status.QUEUED


def test_an_action_on_a_deleted_run_shows_an_error(jobs: Store) -> None:
    job = made_runs.add(jobs, "gone", Status.STOPPED)
    app = open_page(job=job)
    service.delete(job)
    app.button(key="runs.resume").click().run()
    with pytest.raises(InputError) as unknown:
        jobs.get(job)
    assert problem(app) == str(unknown.value)
    assert "No runs yet." in words(app)


def test_delete_asks_for_confirmation(jobs: Store) -> None:
    job, other = (made_runs.add(jobs, name, Status.FINISHED) for name in ("a *star*", "other"))
    app = open_page(job=job)
    app.button(key="runs.delete").click().run()
    assert "- **a *star***" in words(app)
    assert "are lost for good" in words(app)
    app.button(key="runs.keep").click().run()
    assert jobs.get(job)
    app.button(key="runs.delete").click().run()
    app.button(key="runs.delete-for-good").click().run()
    assert [record.id for record in jobs.records()] == [other]
    assert not service.directory(job).folder.exists()
    assert names(app) == ["other"]


def test_freeing_disk_space_shows_a_preview(jobs: Store) -> None:
    made_runs.add(jobs, "failed", Status.FAILED)
    finished = made_runs.add(jobs, "finished", Status.FINISHED)
    app = open_page()
    app.button(key="runs.disk").click().run()
    assert "4.00 kB become free: checkpoints and last weights of 1 finished run go" in words(app)
    app.radio(key="runs.rule").set_value("failed").run()
    assert "1 run goes for good" in words(app)
    app.radio(key="runs.rule").set_value("old").run()
    assert "Nothing to clear up in this way." in words(app)
    app.radio(key="runs.rule").set_value("failed").run()
    app.button(key="runs.clear").click().run()
    assert [record.id for record in jobs.records()] == [finished]


def test_a_duplicate_opens_as_the_same_job(jobs: Store) -> None:
    record = jobs.get(made_runs.add(jobs, "one", Status.FINISHED, lr=0.3, optimizer="sgd", seed=7))
    form, problems = Form.from_link(train_link(record))
    assert problems == []
    assert form.recipe == Recipe.parse(record.recipe)
    assert (form.spec.to_dict(), form.data) == (record.spec, "digits")
    assert form.resources.model_dump() == record.resources


def test_a_duplicate_has_no_values_measured_on_its_data(jobs: Store) -> None:
    [job] = made_runs.jobs("one", spec=resolve("vgg11"), lr=0.3)
    [record] = service.submit([job])
    fitted = {"mean": [0.3], "std": [0.2], "augment": ["crop"]}
    jobs.change(job.id, Status, recipe=record.recipe | fitted, spec=job.spec.changed(num_classes=7).to_dict())
    form, problems = Form.from_link(train_link(jobs.get(job.id)))
    assert (form.recipe, form.spec, problems) == (job.recipe, job.spec, [])
    (service.directory(job.id).folder / "job.json").unlink()
    assert Form.from_link(train_link(jobs.get(job.id)))[0].recipe == job.recipe.changed(**fitted)


@pytest.mark.parametrize("where", ["/srv/mnist", "/srv/cats.zip", "an upload that is gone"])
def test_a_duplicate_reports_data_that_are_not_offered(jobs: Store, where: str) -> None:
    gone = "cats-0123456789.zip"
    dataset = where if where.startswith("/") else str(uploads.path(gone))
    job = Job.new(resolve("digits-cnn"), dataset, Recipe(), Resources())
    [record] = service.submit([job])
    app = helpers.open_page("train", **train_link(record))
    assert "you see the default instead" in app.error[0].proto.title
    assert (where if where.startswith("/") else gone) in problem(app)
    assert app.session_state["training"].form.data == "digits"
