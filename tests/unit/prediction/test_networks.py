"""Networks that sessions share: loaded once, with a limit in bytes, and only from the registry."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore

import pytest
import torch
from cachetools import LRUCache
from torch import nn

from explorer.errors import InputError
from explorer.families.building import build
from explorer.prediction import networks
from explorer.prediction.networks import network
from explorer.settings import settings
from explorer.weights import files, registry
from explorer.weights.files import Card, save
from tests.helpers.narrow import of_kind
from tests.helpers.toys import CLASSES, VGG, registry_entry, toy_spec


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    settings.cache_clear()
    networks._loaded.cache_clear()
    yield tmp_path / "weights"
    settings.cache_clear()
    networks._loaded.cache_clear()


def write(folder: Path, name: str, seed: int = 0) -> Path:
    spec = toy_spec(VGG, in_channels=3)
    preprocessing = {"size": 8, "mean": [0.5], "std": [0.5]}
    torch.manual_seed(seed)
    card = Card(name=name, spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)
    save(folder / f"{name}.safetensors", build(spec).state_dict(), card)
    return folder / f"{name}.safetensors"


def test_a_network_of_the_registry(folder: Path) -> None:
    path = write(folder, "toy")
    found = network(registry_entry("toy"))
    assert (found.name, found.path, found.card.classes) == ("toy", path, CLASSES)
    assert not found.module.training
    assert found.analysis.totals.params == sum(one.numel() for one in found.module.parameters())
    assert found.memory == sum(one.nbytes for one in found.module.state_dict().values())
    assert network(registry_entry("toy")) is found


def test_a_missing_file(folder: Path) -> None:
    path = write(folder, "toy")
    entry = registry_entry("toy")
    path.unlink()
    with pytest.raises(InputError, match=r"^weights: toy can't be read: No such file"):
        network(entry)


def test_loading_does_not_list_the_files_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "toy")
    entry = registry_entry("toy")
    monkeypatch.setattr(registry, "_files", None)
    assert network(entry).name == "toy"


def test_a_replaced_file_is_read_again(folder: Path) -> None:
    write(folder, "toy")
    before = network(registry_entry("toy"))
    write(folder, "toy", seed=1)
    assert network(registry_entry("toy")) is not before


def test_a_broken_file(folder: Path) -> None:
    (folder / "toy.safetensors").write_bytes(b"nothing of use")
    with pytest.raises(InputError):
        network(registry_entry("toy"))


def test_concurrent_requests_load_a_network_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "toy")
    calls: list[Path] = []
    load = files.load

    def counted(path: Path) -> tuple[nn.Module, files.Card]:
        calls.append(path)
        return load(path)

    monkeypatch.setattr(files, "load", counted)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _number: network(registry_entry("toy")), range(16)))
    assert len(calls) == 1
    assert len(set(map(id, found))) == 1


def test_networks_are_loaded_one_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write(folder, name)
    load, at_once, most = files.load, Semaphore(3), []

    def slow(path: Path) -> object:
        with at_once:
            most.append(at_once._value)
            time.sleep(0.02)
            return load(path)

    monkeypatch.setattr(files, "load", slow)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(network, map(registry_entry, "abc")))
    assert most == [2, 2, 2]


def test_the_least_recently_used_network_is_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write(folder, name)
    size = max(network(registry_entry("a")).memory, networks.MIN_BYTES)
    cache = of_kind(LRUCache, networks._loaded.cache)
    monkeypatch.setattr(cache, "_Cache__maxsize", 2 * size)
    first, second = network(registry_entry("a")), network(registry_entry("b"))
    assert network(registry_entry("a")) is first
    network(registry_entry("c"))
    assert cache.currsize <= 2 * size
    assert network(registry_entry("a")) is first
    assert network(registry_entry("b")) is not second


def test_a_network_larger_than_the_cache_is_usable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "toy")
    monkeypatch.setattr(networks._loaded.cache, "_Cache__maxsize", 10)
    assert network(registry_entry("toy")).card.classes == CLASSES
    assert not networks._loaded.cache
