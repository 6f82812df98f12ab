"""The command on a card trains the same network again."""

import shlex

from click.testing import CliRunner

from explorer.cli.main import cli
from explorer.data import load
from explorer.data.preprocessing import Preprocessing
from explorer.families import NamedNetwork, resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store
from explorer.recipes import Recipe
from explorer.training.fitting import fit_job, preprocessing_of
from explorer.training.provenance import make_card
from explorer.ui.shared.train_form import Form
from explorer.weights.files import Card


def test_the_command_on_a_card_submits_the_same_job(jobs: Store) -> None:
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


def test_the_base_of_a_network_is_kept_from_link_to_card_and_back(jobs: Store) -> None:
    link = {"net": "resnet18", "blocks": "3.4.6.3", "image_size": "32"}  # by its blocks it is nearer to resnet34
    form, problems = Form.from_link({**link, "dataset": "digits"})
    (job,) = service.submit(form.jobs())
    assert not problems
    assert (record := jobs.get(job.id)).network.link == record.submitted_network.link == link
    fit, data, _notes = fit_job(Job.read(service.directory(job.id).folder), load("digits"))
    card = make_card(fit, data, preprocessing_of(fit))
    assert card.network.link == {**link, "in_channels": "1", "num_classes": "10"}
    assert Card.model_validate(card.model_dump() | {"base": "nonesuch"}).network == NamedNetwork(card.network_spec)
