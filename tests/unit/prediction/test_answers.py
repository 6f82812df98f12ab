"""Answers: equal to those of the command line, in order, computed once, one batch at a time."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.families.building import build
from explorer.prediction import answers, classify, image_files, pictures, reasons
from explorer.prediction.answers import ask
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.weights.files import Card
from explorer.workers import semaphore
from explorer.workers.semaphore import FairSemaphore
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, RESNET, toy_spec


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    for cache in (pictures._cache, answers._cache, reasons._cache):
        cache.clear()
    yield
    for cache in (pictures._cache, answers._cache, reasons._cache):
        cache.clear()


@pytest.fixture
def network() -> Network:
    return toy_network()


def toy_network() -> Network:
    torch.manual_seed(0)
    spec = toy_spec(RESNET, in_channels=3)
    preprocessing = {"size": 8, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3]}
    card = Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)
    return Network(build(spec).eval(), card, "toy", Path("toy.safetensors"))


def image_files_in(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(count)]
    for path, pixels in zip(paths, noise(count, 3, 11, 14), strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return paths


def as_pictures(paths: list[Path]) -> list[Picture]:
    return [Picture.of_file(path.name, str(path), path.read_bytes()) for path in paths]


def never_waits(_ahead: int) -> None:
    pytest.fail("the semaphore is free")


def test_answers_equal_those_of_the_command(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "MAX_BATCH_PIXELS", 8 * 8 * 4)  # batches of four
    paths = image_files_in(tmp_path, 10)
    paths[3].write_bytes(b"GIF89a")
    paths[8].write_bytes(b"")
    results = list(ask(network, as_pictures(paths), never_waits))
    command = list(image_files.predict(network, paths, 4))
    for one, other in zip(results, command, strict=True):
        assert [(candidate.name, candidate.index) for candidate in one.top(4)] == [(g.name, g.index) for g in other.top]
        assert [candidate.probability for candidate in one.top(4)] == pytest.approx([g.probability for g in other.top])
        assert bool(one.error) is bool(other.error)
    assert [place for place, one in enumerate(results) if one.error] == [3, 8]
    assert results[3].error.startswith("3.png ")


def test_cached_answers_are_not_computed_again(tmp_path: Path, network: Network) -> None:
    asked: list[int] = []
    network.module.register_forward_pre_hook(lambda _module, given: asked.append(len(given[0])))
    some = as_pictures(image_files_in(tmp_path, 6))
    first = list(ask(network, some[:4], never_waits))
    again = list(ask(network, [some[5], *some[:4], some[5], some[0]], never_waits))
    assert asked == [4, 1]
    assert [one.picture for one in again] == [some[5], *some[:4], some[5], some[0]]
    for one, other in zip(first, again[1:5], strict=True):
        assert torch.equal(one.probabilities, other.probabilities)  # type: ignore[arg-type]
    list(ask(network, [replace(some[0], inverted=True)], never_waits))
    assert asked == [4, 1, 1]


def test_each_batch_takes_a_slot(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single image of another session does not wait for a hundred images."""
    monkeypatch.setattr(classify, "MAX_BATCH_PIXELS", 8 * 8 * 2)
    slots = FairSemaphore(1)
    monkeypatch.setattr(semaphore, "_semaphore", slots)
    batches: list[tuple[int, int]] = []
    yielding: list[bool] = []
    slot = semaphore.slot

    def recording_slot(on_wait: Callable[[int], None], **named: bool) -> AbstractContextManager[None]:
        yielding.append(named["yielding"])
        return slot(on_wait, **named)

    def forward(_module: nn.Module, given: tuple[Tensor]) -> None:
        batches.append((len(given[0]), len(slots._present)))

    monkeypatch.setattr(semaphore, "slot", recording_slot)
    network.module.register_forward_pre_hook(forward)
    for _answer in ask(network, as_pictures(image_files_in(tmp_path, 5)), never_waits):
        assert not slots._present
    assert yielding == [False, True, True]
    assert batches == [(2, 1), (2, 1), (1, 1)]


def test_a_session_that_leaves_the_queue_computes_nothing(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semaphore, "POLL", 0.005)
    monkeypatch.setattr(semaphore, "_semaphore", FairSemaphore(1))

    def leave(ahead: int) -> None:
        assert ahead == 1
        raise KeyboardInterrupt

    pictures_ = as_pictures(image_files_in(tmp_path, 1))
    with semaphore.slot(never_waits), pytest.raises(KeyboardInterrupt):
        list(ask(network, pictures_, leave))
    assert not semaphore._semaphore._present
    assert not answers._cache


def test_unsuitable_networks_are_refused(tmp_path: Path, network: Network) -> None:
    some = as_pictures(image_files_in(tmp_path, 2))
    two = Network(network.module, network.card.model_copy(update={"spec": toy_spec(RESNET, in_channels=2).to_dict()}),
                  "two", network.path)  # fmt: skip
    with pytest.raises(InputError):
        list(ask(two, some, never_waits))
    with torch.no_grad():
        next(network.module.parameters()).fill_(torch.nan)
    with pytest.raises(InputError):
        list(ask(network, some, never_waits))
    assert not answers._cache


def test_the_cache_has_a_limit(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers._cache, "_Cache__maxsize", 3 * (answers.OVERHEAD + 4 * len(CLASSES)))
    assert len(list(ask(network, as_pictures(image_files_in(tmp_path, 7)), never_waits))) == 7
    assert len(answers._cache) == 3
    assert all(answer.untyped_storage().nbytes() == 4 * len(CLASSES) for answer in answers._cache.values())


def test_the_same_image_in_ten_sessions_is_computed_once(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semaphore, "_semaphore", FairSemaphore(1))
    asked: list[int] = []
    network.module.register_forward_pre_hook(lambda _module, given: asked.append(len(given[0])))
    (path,) = image_files_in(tmp_path, 1)
    results: list[list[float]] = []

    def session() -> None:
        (answer,) = ask(network, as_pictures([path]), lambda _ahead: None)
        assert answer.probabilities is not None
        results.append(answer.probabilities.tolist())

    sessions = [Thread(target=session) for _number in range(10)]
    with semaphore.slot(never_waits):  # until all of them wait
        for one in sessions:
            one.start()
        while len(semaphore._semaphore._present) < 11:
            time.sleep(0.001)
    for one in sessions:
        one.join()
    assert asked == [1]
    assert results == [results[0]] * 10


def test_no_cache_holds_an_uploaded_file(tmp_path: Path, network: Network) -> None:
    """An upload ends with its session."""
    (path,) = image_files_in(tmp_path, 1)
    picture = Picture.of_file("p", "key", path.read_bytes())
    alive = weakref.ref(picture.read)  # it owns the bytes, and bytes have no weak references
    list(ask(network, [picture, replace(picture, inverted=True)], never_waits))
    assert max(picture.pixels.shape) == 14
    reasons.save_cached(network, picture, "a map", torch.zeros(3))
    del picture
    gc.collect()
    assert alive() is None
    assert len(answers._cache) == 2


def test_no_cache_holds_a_network(tmp_path: Path) -> None:
    net = toy_network()
    alive = weakref.ref(net.module)
    some = as_pictures(image_files_in(tmp_path, 1))
    list(ask(net, some, never_waits))
    reasons.save_cached(net, some[0], "a map", torch.zeros(3))
    del net
    gc.collect()
    assert alive() is None


def test_all_networks_share_one_limit_for_explanations(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons._cache, "_Cache__maxsize", 3 * (reasons.OVERHEAD + 400))
    other, (picture,) = toy_network(), as_pictures(image_files_in(tmp_path, 1))
    for number in range(3):
        for one in (network, other):
            reasons.save_cached(one, picture, number, torch.full((100,), float(number)))
    assert reasons._cache.currsize <= reasons._cache.maxsize
    cached = [reasons.load_cached(one, picture, number) is not None for number in range(3) for one in (network, other)]
    assert cached == [False, False, False, True, True, True]
    reasons.save_cached(network, picture, "large", torch.zeros(10_000))
    assert reasons.load_cached(network, picture, "large") is None
    reasons.save_cached(network, picture, "a part of what is large", torch.zeros(10_000)[:1])
    assert reasons.load_cached(network, picture, "a part of what is large") is None
    assert reasons.load_cached(network, replace(picture, inverted=True), 2) is None
