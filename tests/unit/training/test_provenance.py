"""The command on a card trains the same again."""

import shlex

from click.testing import CliRunner

from explorer.cli.main import cli
from explorer.data import load
from explorer.data.preprocessing import Preprocessing
from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store
from explorer.recipes import Recipe
from explorer.training.provenance import make_card


def test_the_command_submits_the_same_job(jobs: Store) -> None:
    resources = Resources(device="cpu", processes=2, threads=3)
    job = Job.new(resolve("digits-cnn"), "digits", Recipe(epochs=3, seed=7), resources)
    card = make_card(job, load("digits"), Preprocessing(8, (0.5,), (0.5,)))
    module, *arguments = shlex.split(card.made_by["command"])[2:]
    assert module == "explorer"
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (record,) = jobs.records()
    again = Job.read(service.directory(record.id).folder)
    assert (again.spec, again.dataset, again.recipe, again.resources) == (job.spec, "digits", job.recipe, resources)
