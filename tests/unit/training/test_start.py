"""Training that starts from the weights of another network."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from explorer.cli.main import cli
from explorer.data import load
from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import build
from explorer.jobs.store import Store
from explorer.settings import settings
from explorer.training.fitting import adapt
from explorer.training.loop import train
from explorer.training.setup import PreparedTraining
from explorer.training.start import load_starting_weights
from explorer.weights.files import read, save
from tests.helpers.toys import GOOGLENET, RESNET, VGG, prepared, toy_data, toy_spec
from tests.helpers.training import SilentCallback

JOB = "j0b4starting12"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the run directories."""
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def save_weights(path: Path, found: PreparedTraining) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, found.training.network.state_dict(), found.card)
    return path


def save_untrained(path: Path, spec: Spec) -> Path:
    """Saves an untrained network."""
    return save_weights(path, prepared(spec))


@pytest.mark.parametrize("by", ["path", "job"])
def test_transfer_learning(by: str, runs: Path) -> None:
    """R2: the features of a trained network are frozen, and a new head learns other classes."""
    first = prepared(toy_spec(RESNET, num_classes=10), load("digits"), epochs=1)
    train(first.training, SilentCallback())
    path = save_weights(runs / JOB / "best.safetensors", first)
    before, _card = read(path)
    assert before["bn1.running_mean"].abs().sum() > 0

    second = prepared(
        toy_spec(RESNET, num_classes=10),
        toy_data(channels=3),
        weights=str(path) if by == "path" else JOB,
        freeze=["conv1", "bn1", "layer1", "layer2"],
        augment=None,
        ema=0.5,
        optimizer="adamw",
        weight_decay=0.1,
    )
    head = second.training.network.get_parameter("fc.weight").detach().clone()
    train(second.training, SilentCallback())
    for network in (second.training.network, second.training.evaluated_network):
        after = network.state_dict()
        assert {name for name in after if not torch.equal(after[name], before.get(name, after[name]))} <= {
            "fc.weight",
            "fc.bias",
        }
        assert after["fc.weight"].shape == (4, 4)
        assert not torch.equal(after["fc.weight"], head)
    assert second.dataset.channels == 1
    assert set(second.notes) >= {
        *adapt(toy_spec(RESNET, num_classes=10), toy_data(channels=3), keep_channels=True)[2],
        "The last layer fc is initialised anew: the weights are for 10 classes, the data has 4.",
    }


def test_a_head_for_the_same_number_of_classes_is_loaded(tmp_path: Path) -> None:
    path = save_untrained(tmp_path / "w.safetensors", toy_spec(VGG))
    network = build(toy_spec(VGG))
    assert load_starting_weights(network, str(path)) == []
    tensors, _card = read(path)
    assert all(torch.equal(value, tensors[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ({"head": "conv", "pool_to": 4}, {"classifier.2"}),
        ({"classifier": []}, {"classifier.0"}),
        ({"cfg": []}, {"classifier.2"}),
    ],
    ids=["convolutional", "one layer", "fully connected"],
)
def test_last_layers_are_those_that_output_logits(head: dict[str, object], names: set[str], tmp_path: Path) -> None:
    spec = toy_spec({**VGG, **head})
    path = save_untrained(tmp_path / "w.safetensors", spec)
    notes = load_starting_weights(build(spec.changed(num_classes=3)), str(path))
    assert {note.split()[3] for note in notes} == names


def test_auxiliary_heads_start_anew_for_other_classes(tmp_path: Path) -> None:
    path = save_untrained(tmp_path / "w.safetensors", toy_spec(GOOGLENET))
    network = build(toy_spec(GOOGLENET, num_classes=3))
    notes = load_starting_weights(network, str(path))
    assert [note.split()[3] for note in notes] == ["aux1.fc2", "aux2.fc2", "fc"]
    assert torch.equal(network.state_dict()["aux1.fc1.weight"], read(path)[0]["aux1.fc1.weight"])


@pytest.mark.parametrize(("there", "here"), [(["a", "b"], []), ([], ["a", "b"]), (["a"], ["a", "b"])])
def test_auxiliary_heads_may_exist_on_one_side_only(there: list[str], here: list[str], tmp_path: Path) -> None:
    path = save_untrained(tmp_path / "w.safetensors", toy_spec(GOOGLENET, aux_after=there))
    network = build(toy_spec(GOOGLENET, aux_after=here))
    notes = load_starting_weights(network, str(path))
    assert len(notes) == abs(len(there) - len(here))
    assert all((" anew" if here > there else "left out") in note for note in notes)
    tensors, _card = read(path)
    own = network.state_dict()
    assert all(torch.equal(own[name], tensors[name]) for name in own.keys() & tensors.keys())
    assert {"conv1.conv.weight", "inceptionb.branch4.1.conv.bias", "fc.bias"} <= own.keys() & tensors.keys()


@pytest.mark.parametrize(
    ("here", "words"),
    [
        (toy_spec(VGG, cfg=[5, "M"]), ["classifier.0.weight is (6, 64) in", "and (6, 80) in the network"]),
        (toy_spec(VGG, in_channels=3), ["features.0.weight is (4, 1, 3, 3) in", "and (4, 3, 3, 3) in the network"]),
        (toy_spec(VGG, cfg=[4, 4, "M"]), ["has no tensor features.2.bias: it belongs to another network"]),
        (toy_spec(VGG, classifier=[]), ["has a tensor classifier.2", "that the network doesn't have"]),
        (toy_spec(RESNET), ["has no tensor bn1.bias"]),
    ],
    ids=range(5),
)
def test_weights_of_another_network_are_refused(here: Spec, words: list[str], tmp_path: Path) -> None:
    path = save_untrained(tmp_path / "w.safetensors", toy_spec(VGG))
    with pytest.raises(InputError) as caught:
        load_starting_weights(build(here), str(path))
    assert all(word in str(caught.value) for word in [*words, "w.safetensors"])


def test_a_relative_path_is_resolved_before_the_worker_starts(
    jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_untrained(tmp_path / "here" / "w.safetensors", toy_spec(VGG))
    monkeypatch.chdir(path.parent)
    arguments = ["train", toy_spec(VGG).to_json(), "--dataset", "digits", "--set", "weights=w.safetensors"]
    answer = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    assert jobs.records()[0].recipe["weights"] == str(path)
    with pytest.raises(InputError, match=r"^weights: "):
        CliRunner().invoke(cli, [*arguments[:-1], "weights=gone.safetensors"], catch_exceptions=False)
    assert len(jobs.records()) == 1


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("text", ["nothing/here.safetensors", JOB, "../etc", ".", "x" * 5000, "a\0b"])
def test_missing_weights_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^weights: .* is neither a name in the list"):
        load_starting_weights(build(toy_spec(VGG)), text)


def test_tensors_of_nan_start_anew_and_partly_nan_ones_are_refused(tmp_path: Path) -> None:
    """The classifier of torchvision's VGG16_Weights.IMAGENET1K_FEATURES contains only NaN."""
    path = save_untrained(tmp_path / "w.safetensors", toy_spec(VGG))
    tensors, card = read(path)
    lost = tensors["classifier.0.weight"] = torch.full_like(tensors["classifier.0.weight"], float("nan"))
    save(path, tensors, card)
    network = build(toy_spec(VGG))
    assert load_starting_weights(network, str(path)) == [
        "classifier.0.weight is initialised anew: the weights hold no numbers for it."
    ]
    assert all(value.isfinite().all() for value in network.state_dict().values())
    assert torch.equal(network.state_dict()["classifier.0.bias"], tensors["classifier.0.bias"])
    lost[0, 0] = 1
    save(path, tensors, card)
    with pytest.raises(InputError, match=r"^weights: classifier\.0\.weight in .* holds numbers that are not finite"):
        load_starting_weights(build(toy_spec(VGG)), str(path))


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(InputError, match=r"w\.safetensors "):
        load_starting_weights(build(toy_spec(VGG)), str(tmp_path / "w.safetensors"))


def test_rows_of_a_table_and_weights_of_another_network_on_the_command_line(jobs: Store, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("lr,batch_size\n0.2,32\n0.3,\n")
    train_toy = ["train", toy_spec(VGG).to_json(), "--dataset", "digits"]
    rows = ["--row", "lr=0.1,spec.classifier=5,6", "--rows", str(tmp_path / "rows.csv")]
    answer = CliRunner().invoke(cli, [*train_toy, *rows, "--json"], catch_exceptions=False)
    assert [(job["recipe"]["lr"], job["recipe"]["batch_size"]) for job in json.loads(answer.output)] == [
        (0.1, 64), (0.2, 32), (0.3, 64),
    ]  # fmt: skip
    assert jobs.records()[0].spec["classifier"] == [5, 6]
    other = save_untrained(tmp_path / "w.safetensors", toy_spec(RESNET))
    with pytest.raises(InputError, match=r"^weights: "):
        CliRunner().invoke(cli, [*train_toy, "--sweep", f"weights={other},null"], catch_exceptions=False)
    with pytest.raises(InputError, match=r"^freeze: "):
        CliRunner().invoke(cli, [*train_toy, "--set", "freeze=layer1"], catch_exceptions=False)
    assert len(jobs.records()) == 3


def test_images_are_normalised_as_for_the_starting_weights(tmp_path: Path) -> None:
    first = prepared(toy_spec(VGG), mean=(0.25,), std=(0.75,))
    path = save_weights(tmp_path / "w.safetensors", first)
    second = prepared(toy_spec(VGG), weights=str(path))
    assert (second.job.recipe.mean, second.job.recipe.std) == ((0.25,), (0.75,))
    assert "Mean and standard deviation are those of the starting weights: 0.25 and 0.75." in second.notes
    other = prepared(toy_spec(VGG), weights=str(path), mean=(0.5,), std=(0.5,))
    assert other.job.recipe.mean == (0.5,)
    assert any(
        "were trained on images normalised with mean 0.25 and standard deviation 0.75" in note for note in other.notes
    )
