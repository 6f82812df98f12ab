"""Imports: checkpoints of other people become weights with a card, after questions and a proof."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from click.testing import CliRunner, Result
from safetensors.torch import save_file
from torch import Tensor, nn

from explorer.cli.main import cli
from explorer.errors import InputError
from explorer.families import Spec, resolve
from explorer.families.building import build, fill
from explorer.families.recognition.guess import Question, our_shapes
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.weights.files import load, pth_bytes
from explorer.weights.importing import class_names
from explorer.weights.importing.checkpoint import Checkpoint
from explorer.weights.importing.importing import import_checkpoint, propose
from explorer.weights.importing.normalisation import CIFAR10
from explorer.weights.importing.proof import disagreement, prove
from explorer.weights.importing.questions import PARSERS
from explorer.weights.importing.result import ImportResult
from tests.helpers.foreign_networks import (
    R1,
    RESIDUAL,
    SMALL,
    Import,
    batch_norm_warnings,
    calibrated,
    imported,
    trained,
    weights_of,
)
from tests.helpers.narrow import resnet

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("forked")]

__all__ = ["imported"]  # a fixture


def test_the_card_has_the_answers_and_the_origin(imported: Import) -> None:
    tensors = weights_of(RESIDUAL)
    done = imported(tensors, mean=[0.5], std=[0.25])
    network, card = load(done.weights)
    assert card.network_spec == RESIDUAL
    assert card.preprocessing == {"size": 32, "mean": [0.5], "std": [0.25]}
    assert (card.name, card.license, card.data, card.recipe) == ("theirs", None, {}, None)
    assert card.made_by["imported_from"]["file"] == "theirs.safetensors"
    assert len(card.made_by["imported_from"]["sha256"]) == 64
    images = torch.randn(2, 3, 32, 32)
    original = build(RESIDUAL)
    original.load_state_dict(tensors)
    torch.testing.assert_close(network(images), original.eval()(images))


def test_one_number_applies_to_all_channels(imported: Import) -> None:
    card = imported(weights_of(RESIDUAL), mean=[0.5, 0.4, 0.3], std=[0.25]).card
    assert card.preprocessing == {"size": 32, "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.25, 0.25]}


def test_open_questions_get_the_likely_answer_and_a_note(imported: Import) -> None:
    done = imported(weights_of(RESIDUAL), image_size=32)
    assert done.card.classes[3] == "cat"
    assumed = [note for note in done.notes if note.startswith("Assumed")]
    assert len(assumed) == 5
    assert "CIFAR-10" in " ".join(assumed)
    assert done.to_dict().keys() >= {"spec", "weights", "ignored", "notes"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (VggSpec(cfg=(4, "M", 8), image_size=16, num_classes=3), "flattening channel by channel"),
        (RESIDUAL, "stride 2 in the first block of each stage but the first, global average pooling of the last map"),
    ],
)
def test_assumptions_without_evidence_are_noted(imported: Import, spec: Spec, words: str) -> None:
    theirs = {name.replace("0", "00").replace("conv", "c"): tensor for name, tensor in weights_of(spec).items()}
    (note,) = [note for note in imported(theirs, image_size=spec.image_size).notes if "don't show" in note]
    assert words in note


def test_the_activation_is_asked_noted_or_set(imported: Import) -> None:
    own = weights_of(RESIDUAL)
    renamed = {name.replace("conv", "c"): tensor for name, tensor in own.items()}

    def notes(tensors: dict[str, torch.Tensor], **answers: Any) -> list[str]:
        done = imported(tensors, image_size=32, **answers)
        assert done.card.spec["activation"] == answers.get("activation", "relu")
        return [note for note in done.notes if "activation function" in note]

    (assumed,) = notes(renamed)
    assert assumed.startswith("Assumed: 'relu'. ")
    (noted,) = notes(own)
    assert "ReLU is taken" in noted
    assert notes(own, activation="gelu") == notes(renamed, activation="gelu") == []
    with pytest.raises(InputError, match="activation"):
        notes(renamed, activation="swish")


def test_a_renamed_model_of_torchvision_says_once_what_its_activation_is(imported: Import) -> None:
    theirs = trained(torchvision.models.mnasnet0_5(num_classes=3)).state_dict()
    modules = {name.rpartition(".")[0]: None for name in theirs}
    numbers = {module: number for number, module in enumerate(modules)}
    renamed = {f"layer{numbers[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": theirs[name] for name in theirs}

    def notes(**answers: Any) -> list[str]:
        return [note for note in imported(renamed, image_size=32, **answers).notes if "activation" in note]

    assert len(notes()) == 1
    assert notes(activation="gelu") == []


def test_torchvisions_names_leave_no_assumptions(imported: Import) -> None:
    assert not any("don't show" in note for note in imported(weights_of(RESIDUAL), image_size=32).notes)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_only_float64_is_converted(imported: Import, kind: torch.dtype) -> None:
    tensors = {name: t.to(kind) if t.is_floating_point() else t for name, t in weights_of(SMALL).items()}
    from explorer.weights.files import read

    written, _card = read(imported(tensors).weights)
    stored = torch.float32 if kind == torch.float64 else kind
    assert {tensor.dtype for tensor in written.values()} == {stored}
    for name, tensor in written.items():
        assert torch.equal(tensor, tensors[name].to(stored))


def test_a_network_that_needs_version_metadata_is_imported_and_exported(imported: Import) -> None:
    """torchvision's MNASNet reads a version from the state dict, and neither safetensors nor a plain dict has it."""
    theirs = trained(torchvision.models.mnasnet0_5(num_classes=3))
    done = imported(dict(theirs.state_dict()), image_size=32)
    assert "activation" in " ".join(done.notes)
    network, _card = load(done.weights)
    images = torch.randn(2, 3, 32, 32)
    again = torchvision.models.mnasnet0_5(num_classes=3)
    again.load_state_dict(torch.load(BytesIO(pth_bytes(done.weights)), weights_only=True))
    with torch.inference_mode():
        torch.testing.assert_close(network(images), theirs(images))
        torch.testing.assert_close(again.eval()(images), theirs(images))


def test_tensors_that_do_not_fit_are_one_line() -> None:
    with pytest.raises(InputError, match=r"the network does not take these tensors: .*features\.0\.weight") as failure:
        fill(build(SMALL, "meta"), {}, assign=True)
    assert "\n" not in str(failure.value)


def test_a_training_checkpoint_with_metadata_is_imported(tmp_path: Path) -> None:
    network = R1(bottleneck=False)
    tensors = calibrated(
        network, smooth_noise((32, 32)), spread=0.5
    )  # by its statistics it is told from one with a pool
    network.eval()
    wrapped = {f"module.{name}": tensor for name, tensor in tensors.items()}
    path = tmp_path / "resnet.pth"
    torch.save({"net": wrapped, "epoch": 49, "best_prec1": 90.5, "optimizer": {"state": {}}}, path)
    words = [str(path), "-o", str(tmp_path / "w.safetensors"), "--classes", "a,b,c,d,e,f,g", "--json"]
    done = CliRunner().invoke(cli, ["import", *words], catch_exceptions=False)
    document = json.loads(done.stdout)
    assert (document["spec"]["widths"], document["spec"]["num_classes"]) == ([8, 16, 16], 7)
    ours, card = load(Path(document["weights"]))
    assert card.metrics == {"imported/epoch": 49, "imported/best_prec1": 90.5}  # measured by others
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), network(images), rtol=1e-5, atol=1e-5)


def test_class_names_in_the_metadata_are_used() -> None:
    tensors = weights_of(SMALL)
    for metadata in (
        {"classes": [*"abcdefghij"]},
        {"class_to_idx": {letter: place for place, letter in enumerate("abcdefghij")}},
        {"meta": {"epoch": 3, "CLASSES": [*"abcdefghij"]}},
        {"meta": {"dataset_meta": {"classes": [*"abcdefghij"]}}},
        {"names": dict(enumerate("abcdefghij"))},
        {"config": {"id2label": {str(place): letter for place, letter in enumerate("abcdefghij")}}},
        {"args": {"classes": 10}, "hyper_parameters": {"class-names": [*"abcdefghij"]}},
    ):
        proposal = propose(Checkpoint(tensors, ordered=True, metadata=metadata), "x")
        assert [question.key for question in proposal.questions({})][-2:] == ["mean", "std"]


def test_mean_and_deviation_in_the_metadata_are_the_likely_answers() -> None:
    for metadata, likely in (
        ({"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
        ({"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}, [*CIFAR10]),  # for pixels up to 255
        ({"mean": [0.1, 0.2], "std": [0.4, 0.5]}, [*CIFAR10]),
    ):
        proposal = propose(Checkpoint(weights_of(SMALL), ordered=True, metadata=metadata), "x")
        assert [question.likely for question in proposal.questions({}) if question.key in ("mean", "std")] == likely


def import_with_names(folder: Path, names: object, count: int) -> ImportResult:
    """Imports a safetensors file with class names in its metadata."""
    spec = SMALL.changed(num_classes=count)
    path = folder / "theirs.safetensors"
    save_file(weights_of(spec), path, metadata={"format": "pt", "classes": json.dumps(names)})
    return import_checkpoint(path, folder / "w.safetensors", name="x", answers={})


def test_a_thousand_class_names_in_a_safetensors_header_are_used(tmp_path: Path) -> None:
    names = [f"a long name for class {number}" for number in range(1000)]
    done = import_with_names(tmp_path, names, 1000)
    assert list(done.card.classes) == names
    assert not any("What are the classes called" in note for note in done.notes)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a", "b", "c"], "3 names "),
        (["a", "a"], "occurs twice"),
        (["a", ""], "is empty"),
    ],
)
def test_invalid_class_names_in_the_metadata_are_left_out_with_a_note(
    names: list[str], fault: str, tmp_path: Path
) -> None:
    done = import_with_names(tmp_path, names, 2)
    assert done.card.classes == ("class 0", "class 1")
    (note,) = [note for note in done.notes if "The class names stored under" in note]
    assert fault in note


def test_set_accepts_the_answers_that_have_their_own_options(tmp_path: Path) -> None:
    path, output = tmp_path / "theirs.safetensors", tmp_path / "w.safetensors"
    save_file(weights_of(SMALL), path)
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij"))

    def run(*pairs: str) -> Result:
        words = [word for pair in pairs for word in ("--set", pair)]
        return CliRunner().invoke(cli, ["import", str(path), "-o", str(output), *words])

    done = run("mean=0.5", "std=.2", f"classes={tmp_path / 'names.txt'}", "resize=40")
    assert done.exit_code == 0, done.output
    card = load(output)[1]
    assert card.preprocessing == {"size": 32, "mean": [0.5], "std": [0.2], "resize": 40}
    assert card.classes == tuple("abcdefghij")
    assert str(tmp_path) not in card.made_by["command"]
    for pair in ("classes=5", "classes=abcdefghij", "mean=half", "resize=20", "resize=2.5"):
        failure = run(pair).exception
        assert isinstance(failure, InputError)
    assert "neither a number of pixels nor none" in str(failure)


def test_the_resize_is_asked_for_photographs_and_is_torchvisions_for_imagenet() -> None:
    for classes, likely in ((1000, 256), (7, None)):
        shapes = our_shapes(resolve("resnet18").changed(num_classes=classes))
        tensors = {name: torch.full(shape, 0.5) for name, shape in shapes.items()}
        proposal = propose(Checkpoint(tensors, ordered=True), "x")
        (question,) = [question for question in proposal.questions({}) if question.key == "resize"]
        assert question.likely == likely
    for answer, length in (("none", None), ("256", 256)):
        assert PARSERS["resize"](answer) == length


def test_class_names_are_read_from_files(tmp_path: Path) -> None:
    assert class_names.read("cat, dog") == ["cat", "dog"]
    for name, text in {
        "list.txt": "cat\ndog\n\n",
        "list.json": '["cat", "dog"]',
        "indices.json": '{"1": "dog", "0": "cat"}',
        "classes.json": '{"dog": 1, "cat": 0}',
        "imagenet.json": '{"0": ["n1", "cat"], "1": ["n2", "dog"]}',
        "numbered.txt": "1 dog\n0 cat\n",
        "behind.txt": "dog 1\ncat 0",
        "table.csv": "name,index\ndog,1\ncat,0\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert class_names.read(str(tmp_path / name)) == ["cat", "dog"], name
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        # An e and an accent equal Unicode's single character.
        (tmp_path / "e.txt").write_text("cafe\u0301\ndog", encoding=encoding)
        assert class_names.read(str(tmp_path / "e.txt")) == ["caf\u00e9", "dog"]
    assert class_names.parse("type 1\ntype 2") == ["type 1", "type 2"]
    assert class_names.parse('{"0": ["n1", "crane"], "1": ["n2", "crane"]}') == ["crane (n1)", "crane (n2)"]
    (tmp_path / "bad.json").write_text('{"0": "cat", "2": "dog"}')
    with pytest.raises(InputError, match="neither a list"):
        class_names.read(str(tmp_path / "bad.json"))
    with pytest.raises(InputError, match="no file"):
        class_names.read("missing.txt")


def test_questions_are_asked_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "theirs.safetensors"
    save_file(weights_of(SMALL), path)
    asked: list[str] = []

    def ask(question: Question, check: Callable[[Any], None]) -> Any:
        asked.append(question.key)
        if question.key == "mean":
            with pytest.raises(InputError, match="mean"):
                check([0.1, 0.2])
            return [0.485, 0.456, 0.406]
        if question.key == "std":  # it follows from the mean
            assert question.likely == [0.229, 0.224, 0.225]
        return question.likely

    done = import_checkpoint(path, tmp_path / "w.safetensors", name="x", answers={}, ask=ask)
    assert asked == ["image_size", "cfg", "mean", "std", "classes"]
    assert not any(note.startswith("Assumed") for note in done.notes)


def test_a_named_spec_that_fits_is_used_unchanged(imported: Import) -> None:
    other = SMALL.changed(cfg=[8, "A", 16, "A"])
    done = imported(weights_of(SMALL), other.to_json())
    assert done.card.network_spec == other
    assert not any("cfg" in note for note in done.notes)


def test_prefixes_of_names_are_removed(imported: Import) -> None:
    # The second fault of R0: DataParallel has put a prefix before the keys.
    done = imported({f"module.{name}": tensor for name, tensor in weights_of(SMALL).items()}, SMALL.to_json())
    assert done.card.network_spec == SMALL


def smooth_noise(sides: tuple[int, int]) -> Iterator[Tensor]:
    """Yields batches of noise that is as smooth as photographs, of shape (32, 3, height, width)."""
    for _batch in range(2):
        yield nn.functional.interpolate(torch.randn(32, 3, 8, 8), size=sides, mode="bilinear")


def calibrated_weights(spec: Spec) -> dict[str, Tensor]:
    """Returns random weights with running statistics of smooth noise."""
    torch.manual_seed(1)
    return calibrated(build(spec), smooth_noise(spec.sides), spread=0.5)


def test_running_statistics_choose_among_networks_of_the_same_shapes() -> None:
    for residual in (True, False):
        spec = ResNetSpec(
            blocks=(2, 2, 2), widths=(8, 16, 32), stem="cifar", shortcut="A", residual=residual, image_size=32,
            num_classes=10,
        )  # fmt: skip
        tensors = calibrated_weights(spec)
        right, wrong = disagreement(spec, tensors), disagreement(spec.changed(residual=not residual), tensors)
        assert right is not None
        assert wrong is not None
        assert right.beats(wrong)
        checkpoint = Checkpoint(tensors, ordered=True)
        assert resnet(propose(checkpoint, "x").guess.spec).residual == residual


def test_contradicting_running_statistics_give_a_warning(imported: Import) -> None:
    spec = ResNetSpec(blocks=(2, 2), widths=(16, 16), stem="cifar", image_size=16, num_classes=10)
    tensors = calibrated_weights(spec)
    assert not batch_norm_warnings(imported(tensors, image_size=16).notes)
    other = {name: tensor * 4 if name.endswith("running_var") else tensor for name, tensor in tensors.items()}
    assert batch_norm_warnings(imported(other, image_size=16).notes)


def test_scores_that_are_not_finite_are_refused() -> None:
    tensors = {name: tensor * 1e30 for name, tensor in weights_of(SMALL).items()}
    with pytest.raises(InputError, match="not finite"):
        prove(SMALL, tensors)


def test_images_too_large_to_run_are_refused() -> None:
    spec = VggSpec(cfg=(64, 64), pool_to=1, classifier=(), image_size=4096)
    with pytest.raises(InputError, match="too large"):
        prove(spec, build(spec).state_dict())


def test_other_torchvision_models_are_recognised(imported: Import) -> None:
    from torchvision.models import squeezenet1_1

    tensors = dict(squeezenet1_1(num_classes=5).state_dict())
    done = imported(tensors, image_size=64)
    assert (done.card.spec["name"], done.card.spec["num_classes"]) == ("squeezenet1_1", 5)
    assert not any("How many pixels" in note for note in done.notes)
    assert any(note.startswith("Assumed: 224. How many pixels") for note in imported(tensors).notes)
