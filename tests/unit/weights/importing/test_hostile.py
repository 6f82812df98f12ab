"""Malicious files: no code runs, memory stays limited, and no files remain."""

import argparse
import builtins
import json
import os
import pickle
import re
import subprocess
import sys
import types
from collections import defaultdict, deque
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.errors import InputError
from explorer.weights.importing import conversion, pickles
from explorer.weights.importing.checkpoint import open_checkpoint
from explorer.weights.importing.wrappers import unwrap
from explorer.workers import sandbox, subprocess_runner
from explorer.workers.protocol import request_text
from tests.helpers.foreign_files import Calls, network, old_format, save

TERABYTE = 2**40
pytestmark = [pytest.mark.process, pytest.mark.usefixtures("temporary")]


def hostile(path: Path, mark: Path, form: str) -> Path:
    """Writes a checkpoint that creates a file if its code runs."""
    content = {"state_dict": {**network(), "evil": Calls(os.system, f"touch {mark}")}}
    if form == "pickle":  # without PyTorch's container, in the newest protocol
        path.write_bytes(pickle.dumps(content))
        return path
    return save(path, content, old=form == "old")


@pytest.mark.parametrize("form", ["zip", "old", "pickle"])
def test_no_code_of_a_pickle_runs(tmp_path: Path, refused: Any, form: str) -> None:
    mark = tmp_path / "ran"
    path = hostile(tmp_path / "evil.pth", mark, form)
    message = refused(path)
    assert "would run" in message
    assert "'os.system'" in message
    assert not mark.exists()
    if form == "pickle":  # the code does run in an ordinary unpickler
        pickle.loads(path.read_bytes())  # noqa: S301
        assert mark.exists()


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (eval, ("open('ran', 'w')",), "builtins.eval"),
        (exec, ("open('ran', 'w')",), "builtins.exec"),
        (builtins.open, ("ran", "w"), "io.open"),
        (getattr, (os, "system"), "builtins.getattr"),
        (subprocess.check_call, (["touch", "ran"],), "subprocess.check_call"),
        (torch.load, ("evil.pth",), "torch.serialization.load"),
        (torch.hub.load, ("a/b", "c"), "torch.hub.load"),
        (numpy.load, ("x.npy",), "numpy"),
        (__import__, ("this",), "builtins.__import__"),
    ],
)
def test_calls_in_a_pickle_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Any, arguments: tuple[Any, ...], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = tuple(argument for argument in arguments if argument is not os)
    path = save(tmp_path / "evil.pth", {"x": Calls(function, *arguments)}, old=True)
    with pytest.raises(InputError, match=name):
        pickles.load(path, None)
    assert not Path("ran").exists()


@pytest.mark.parametrize("entry", [None, "whole/data.pkl"])
def test_pickled_networks_are_refused(tmp_path: Path, entry: str | None) -> None:
    path = save(tmp_path / "whole.pth", nn.Sequential(nn.Linear(2, 2)), old=entry is None)
    with pytest.raises(InputError, match=r"whole pickled network.*'torch\.nn\.modules\.linear\.Linear'"):
        pickles.load(path, entry)


def peak(path: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    """Returns the peak memory in bytes of reading a file, and the answer."""
    (folder / "out").mkdir()
    request = {
        "path": str(path),
        "output": str(folder / "out" / "x.safetensors"),
        "archive": path.read_bytes()[:2] == b"PK",
        "memory": conversion.memory_limit(path) - conversion.TORCH_MEMORY,
        "seconds": conversion.TIMEOUT,
    }
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=subprocess_runner.ROOT,
        input=request_text(request, "en").encode(),
        capture_output=True,
        env=sandbox.environment(folder),
        check=True,
    )
    used, _line, answer = done.stdout.partition(b"\n")
    return int(used) * 1024, json.loads(answer)


# A process starts with the memory of its parent. A small process in between keeps the memory of the tests out.
MEASURED = """
import resource, subprocess, sys
reader = [sys.executable, "-m", "explorer.workers.sandbox", "explorer.weights.importing.reader"]
answer = subprocess.run(reader, stdout=subprocess.PIPE).stdout
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, answer.decode(), sep="\\n")
"""


def lying_storage(path: Path) -> Path:
    """Writes a tensor of four numbers in the old format whose storage claims two billion."""
    content = save(path, {"a.weight": torch.ones(2, 2)}, old=True).read_bytes()
    claim = b"cpuq\x06K\x04"
    assert content.count(claim) == 1
    path.write_bytes(content.replace(claim, b"cpuq\x06J" + (2**31 - 1).to_bytes(4, "little")))
    return path


def test_memory_stays_bounded(tmp_path: Path) -> None:
    one = torch.ones(1)
    for name, path, words in (
        ("claim", lying_storage(tmp_path / "claim"), "more memory than a file of its size needs"),
        ("array", save(tmp_path / "array", {"x": Calls(bytearray, TERABYTE)}), "more memory"),
        ("many", save(tmp_path / "many", {f"l{i}": one for i in range(100_000)}), "100,000 tensors"),
    ):
        (tmp_path / f"{name}.d").mkdir()
        used, answer = peak(path, tmp_path / f"{name}.d")
        assert words in answer["fault"], name
        assert used < conversion.memory_limit(path), name


def sparse(side: int) -> torch.Tensor:
    return torch.sparse_coo_tensor(
        torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (side, side), check_invariants=True
    )


def test_a_view_larger_than_the_file_is_refused(tmp_path: Path) -> None:
    """It is one number, expanded a trillion times. Written out, it would fill any disk."""
    path = save(tmp_path / "x.pth", {"a.weight": torch.ones(2, 2), "v": torch.ones(1).expand(2**20, 2**20)})
    with pytest.raises(InputError, match=r"'v' claims to be \(1048576, 1048576\)"):
        pickles.unshare(unwrap(pickles.load(path, "x/data.pkl")).tensors, 2 * path.stat().st_size)


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (sparse(3), "sparse"),
        (sparse(2**30), "sparse"),
        (torch.ones(2, 2, dtype=torch.complex64), "complex64"),
        (torch.ones(2, 2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (torch.ones(2**20, 2**20, device="meta"), "without values"),
    ],
    ids=["sparse", "vast sparse", "complex", "float8", "meta"],
)
def test_tensors_other_than_dense_numbers_are_refused(tmp_path: Path, tensor: torch.Tensor, words: str) -> None:
    content = pickles.load(save(tmp_path / "x.pth", {"a.weight": tensor}), "x/data.pkl")
    with pytest.raises(InputError, match=f"'a.weight' is {words}"):
        pickles.unshare(unwrap(content).tensors, 10**6)


def test_shared_memory_is_separated_and_tied_copies_are_left_out(tmp_path: Path) -> None:
    """R2 registers every module twice. A matrix and its transpose are different tensors."""
    both = nn.Conv2d(2, 3, 3)
    matrix = torch.randn(6, 4)
    content = {
        **{f"Conv1.0.{name}": tensor for name, tensor in both.state_dict().items()},
        **{f"Conv.0.0.{name}": tensor for name, tensor in both.state_dict().items()},
        "upper.weight": matrix[:3],
        "lower.weight": matrix[3:],
        "turned.weight": matrix.t(),
        "none": torch.ones(0),
        "nothing": torch.ones(0),
    }
    loaded = pickles.load(save(tmp_path / "x.pth", content), "x/data.pkl")
    assert isinstance(loaded, dict)
    tensors, copies = pickles.unshare(loaded, 10**6)
    assert copies == ("Conv.0.0.weight", "Conv.0.0.bias")
    assert list(tensors) == [name for name in content if name not in copies]
    assert all(torch.equal(tensors[name], content[name]) for name in tensors)
    save_file(tensors, tmp_path / "out.safetensors")  # it refuses shared memory


def test_a_hundred_thousand_nested_dictionaries_are_refused(tmp_path: Path) -> None:
    depth = 100_000
    (path := tmp_path / "deep.pth").write_bytes(
        old_format(b"\x80\x02" + b"}X\1\0\0\0x" * depth + b"}" + b"s" * depth + b".")
    )
    content: Any = pickles.load(path, None)
    with pytest.raises(InputError):
        unwrap(content)
    while content:
        content = content["x"]


@pytest.mark.parametrize("cut", [15, 40, 300, -8])
def test_truncated_old_files_are_refused(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "cut.pth", network(), old=True)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match="was cut off"):
        pickles.load(path, None)


def test_pickles_of_other_programs_are_refused(tmp_path: Path) -> None:
    for protocol, words in ((2, "torch.save did not write"), (4, "of protocol 4")):
        (path := tmp_path / "x.pth").write_bytes(pickle.dumps({"a": 1}, protocol))
        with pytest.raises(InputError, match=words):
            pickles.load(path, None)
    torch.save(network(), path, pickle_protocol=4)
    with pytest.raises(InputError, match="of protocol 4"):
        pickles.load(path, "x/data.pkl")


@pytest.mark.usefixtures("forked")
def test_numpy_numbers_and_options_are_metadata(tmp_path: Path, temporary: Path) -> None:
    """Many checkpoints hold numbers of NumPy and options of argparse, which PyTorch refuses."""
    tensors = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).state_dict()
    adam = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(4, 3, 3, 3)}}, "param_groups": [{"lr": 0.1}]}
    content = {
        "state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()},
        "args": argparse.Namespace(arch="mine", lr=0.1, data=Path("/data")),
        "best_acc": numpy.float64(91.5),
        "epoch": numpy.int64(12),
        "version": torch.__version__,
        "history": numpy.ones(3),
        "optimizer": adam,
    }
    path = save(tmp_path / "x.pth.tar", content, old=True)
    with open_checkpoint(path, "it") as found:
        assert list(found.tensors) == list(tensors)
        assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors.items())
        assert found.metadata == {"args": {"arch": "mine", "lr": 0.1}, "best_acc": 91.5, "epoch": 12}
        assert found.ignored == ("optimizer",)
        assert list(temporary.iterdir())


@pytest.mark.parametrize("old", [False, True])
def test_numpy_weights_are_refused_with_the_line_that_converts_them(tmp_path: Path, old: bool) -> None:
    tensors = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).state_dict()
    weights = {name: tensor.numpy() for name, tensor in tensors.items()}
    path = save(
        tmp_path / "x.pth", {"net": weights, "mean": numpy.zeros(3), "optimizer": {"param_groups": []}}, old=old
    )
    with pytest.raises(InputError) as caught:
        unwrap(pickles.load(path, None if old else "x/data.pkl"))
    sentence = str(caught.value)
    assert sentence.startswith("the values under 'net.0.weight', 'net.0.bias', ")
    assert "and 3 more are NumPy arrays and not tensors" in sentence
    assert "'mean'" not in sentence
    (line,) = re.findall(r"torch\.save\(({.*}), …\)", sentence)
    converted = eval(line, {"torch": torch, "weights": weights})  # noqa: S307  our own message
    assert all(torch.equal(converted[name], tensor) for name, tensor in tensors.items())


class Options(dict[str, Any]):
    """Options of training code: a dictionary with attributes."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        self.frozen = True


class Average:
    """Options of training code as an object. The class also serves as a key."""

    def __init__(self) -> None:
        self.decay = 0.99


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("old", [False, True])
def test_objects_of_the_training_code_become_their_values(tmp_path: Path, old: bool) -> None:
    history = defaultdict(list, {"accuracy": [0.5, 0.75]})
    content = {"state_dict": network(), "options": Options(lr=0.1), "average": Average(), "monitors": {Average: 1}}
    path = save(tmp_path / "x.pth", {**content, "history": history, "last": deque([0.5])}, old=old)
    with open_checkpoint(path, "it") as found:
        assert list(found.tensors) == list(network())
        assert found.metadata == {
            "options": {"lr": 0.1, "frozen": True},
            "average": {"decay": 0.99},
            "history": {"accuracy": [0.5, 0.75]},
            "last": [0.5],
        }


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("old", [False, True])
def test_values_of_common_classes_do_not_prevent_reading(tmp_path: Path, old: bool) -> None:
    optimizer, scheduler = object.__new__(torch.optim.SGD), object.__new__(torch.optim.lr_scheduler.StepLR)
    vars(optimizer).update(defaults={"lr": 0.1}, state=defaultdict(dict), param_groups=[{"lr": 0.1}])
    vars(scheduler).update(optimizer=optimizer, step_size=10)
    content = {
        "state_dict": network(),
        "args": argparse.Namespace(lr=0.1, path=PurePosixPath("a"), when=datetime.now(UTC), sizes=range(3)),
        "values": [PureWindowsPath("c:/a"), slice(1, 2), frozenset([1]), Fraction(1, 3), UUID(int=1), re.compile("a")],
        "more": {"state": numpy.random.RandomState(0), "half": partial(max, 3), "at": types.SimpleNamespace(a=1)},
        "scheduler": scheduler,
        "whole_optimizer": optimizer,
    }
    with open_checkpoint(save(tmp_path / "x.pth", content, old=old), "it") as found:
        assert list(found.tensors) == list(network())
        assert found.metadata["args"] == {"lr": 0.1}
        assert found.ignored == ("scheduler", "whole_optimizer")


@pytest.mark.usefixtures("forked")
def test_pickled_modules_next_to_a_state_dict_are_ignored(tmp_path: Path) -> None:
    head = nn.Sequential(nn.Linear(4, 10), nn.ReLU())
    content = {"state_dict": network(), "classifier": head, "criterion": nn.CrossEntropyLoss(torch.ones(10))}
    with open_checkpoint(save(tmp_path / "x.pth", content), "it") as found:
        assert list(found.tensors) == list(network())


class Own(nn.Module):
    """A layer without any of PyTorch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 2))


def test_a_pickled_network_of_own_layers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"whole pickled network.*'tests\.unit\.weight.*test_hostile\.Own'"):
        pickles.load(save(tmp_path / "x.pth", {"model": Own(), "epoch": 3}), "x/data.pkl")


def test_attributes_named_like_dict_methods_do_not_hide_them(tmp_path: Path) -> None:
    options = Average()
    vars(options).update(items=1, setdefault=2)
    loaded = pickles.load(save(tmp_path / "x.pth", {**network(), "options": options}), "x/data.pkl")
    assert isinstance(loaded, dict)
    assert dict(loaded["options"].items()) == {"decay": 0.99, "items": 1, "setdefault": 2}


def test_a_call_next_to_plain_objects_is_refused_by_name(tmp_path: Path) -> None:
    call = Calls(subprocess.check_call, ["ls"])
    content = {"options": Options(), "average": Average(), "kinds": [Fraction, Path], "call": call}
    with pytest.raises(InputError, match=r"would run 'subprocess\.check_call'"):
        pickles.load(save(tmp_path / "x.pth", {**network(), **content}, old=True), None)
