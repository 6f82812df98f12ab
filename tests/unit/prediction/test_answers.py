"""Answers of a page: those of the command line, in order, asked once, in turns."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
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
def empty() -> Iterator[None]:
    for kept in (pictures._kept, answers._kept, reasons._kept):
        kept.clear()
    yield
    for kept in (pictures._kept, answers._kept, reasons._kept):
        kept.clear()


@pytest.fixture
def network() -> Network:
    return toy_network()


def toy_network() -> Network:
    torch.manual_seed(0)
    spec = toy_spec(RESNET, in_channels=3)
    preprocessing = {"size": 8, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3]}
    card = Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)
    return Network(build(spec).eval(), card, "toy", Path("toy.safetensors"))


def files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(count)]
    for path, pixels in zip(paths, noise(count, 3, 11, 14), strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return paths


def given(paths: list[Path]) -> list[Picture]:
    return [Picture.of_file(path.name, str(path), path.read_bytes()) for path in paths]


def alone(_ahead: int) -> None:
    pytest.fail("it waits for nobody")


def test_the_page_says_what_the_command_says(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "PIXELS", 8 * 8 * 4)  # batches of four
    paths = files(tmp_path, 10)
    paths[3].write_bytes(b"GIF89a")
    paths[8].write_bytes(b"")
    said = list(ask(network, given(paths), alone))
    command = list(image_files.predict(network, paths, 4))
    for one, other in zip(said, command, strict=True):
        assert [(guess.name, guess.index) for guess in one.top(4)] == [(g.name, g.index) for g in other.top]
        assert [guess.probability for guess in one.top(4)] == pytest.approx([g.probability for g in other.top])
        assert bool(one.error) is bool(other.error)
    assert [place for place, one in enumerate(said) if one.error] == [3, 8]
    assert said[3].error.startswith("3.png is not an image")


def test_what_was_asked_before_is_not_asked_again(tmp_path: Path, network: Network) -> None:
    asked: list[int] = []
    network.module.register_forward_pre_hook(lambda _module, given: asked.append(len(given[0])))
    some = given(files(tmp_path, 6))
    first = list(ask(network, some[:4], alone))
    again = list(ask(network, [some[5], *some[:4], some[5], some[0]], alone))
    assert asked == [4, 1]
    assert [one.picture for one in again] == [some[5], *some[:4], some[5], some[0]]
    for one, other in zip(first, again[1:5], strict=True):
        assert torch.equal(one.probabilities, other.probabilities)  # type: ignore[arg-type]
    list(ask(network, [some[0].turned(inverted=True)], alone))
    assert asked == [4, 1, 1]


def test_each_batch_takes_a_turn(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a single image of somebody else need not wait for a hundred."""
    monkeypatch.setattr(classify, "PIXELS", 8 * 8 * 2)
    line = FairSemaphore(1)
    monkeypatch.setattr(semaphore, "_semaphore", line)
    at_work: list[tuple[int, int]] = []
    yielding: list[bool] = []
    turn = semaphore.slot

    def noted(on_wait: Callable[[int], None], **named: bool) -> AbstractContextManager[None]:
        yielding.append(named["yielding"])
        return turn(on_wait, **named)

    def forward(_module: nn.Module, given: tuple[Tensor]) -> None:
        at_work.append((len(given[0]), len(line._here)))

    monkeypatch.setattr(semaphore, "slot", noted)
    network.module.register_forward_pre_hook(forward)
    for _answer in ask(network, given(files(tmp_path, 5)), alone):
        assert not line._here
    assert yielding == [False, True, True]
    assert at_work == [(2, 1), (2, 1), (1, 1)]


def test_who_leaves_while_waiting_is_not_answered(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semaphore, "POLL", 0.005)
    monkeypatch.setattr(semaphore, "_semaphore", FairSemaphore(1))

    def leave(ahead: int) -> None:
        assert ahead == 1
        raise KeyboardInterrupt

    pictures_ = given(files(tmp_path, 1))
    with semaphore.slot(alone), pytest.raises(KeyboardInterrupt):
        list(ask(network, pictures_, leave))
    assert not semaphore._semaphore._here
    assert not answers._kept


def test_networks_that_read_no_pictures_or_give_no_numbers_say_so(tmp_path: Path, network: Network) -> None:
    some = given(files(tmp_path, 2))
    two = Network(network.module, network.card.model_copy(update={"spec": toy_spec(RESNET, in_channels=2).to_dict()}),
                  "two", network.path)  # fmt: skip
    with pytest.raises(InputError, match="in_channels"):
        list(ask(two, some, alone))
    with torch.no_grad():
        next(network.module.parameters()).fill_(torch.nan)
    with pytest.raises(InputError, match="toy gives no numbers"):
        list(ask(network, some, alone))
    assert not answers._kept


def test_answers_are_kept_within_a_bound(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers._kept, "_Cache__maxsize", 3 * (answers.EACH + 4 * len(CLASSES)))
    assert len(list(ask(network, given(files(tmp_path, 7)), alone))) == 7
    assert len(answers._kept) == 3
    assert all(answer.untyped_storage().nbytes() == 4 * len(CLASSES) for answer in answers._kept.values())


def test_the_same_image_in_ten_sessions_is_computed_once(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semaphore, "_semaphore", FairSemaphore(1))
    asked: list[int] = []
    network.module.register_forward_pre_hook(lambda _module, given: asked.append(len(given[0])))
    (path,) = files(tmp_path, 1)
    said: list[list[float]] = []

    def session() -> None:
        (answer,) = ask(network, given([path]), lambda _ahead: None)
        assert answer.probabilities is not None
        said.append(answer.probabilities.tolist())

    sessions = [Thread(target=session) for _number in range(10)]
    with semaphore.slot(alone):  # until all of them stand in the line
        for one in sessions:
            one.start()
        while len(semaphore._semaphore._here) < 11:
            time.sleep(0.001)
    for one in sessions:
        one.join()
    assert asked == [1]
    assert said == [said[0]] * 10


def test_no_cache_keeps_an_uploaded_file_alive(tmp_path: Path, network: Network) -> None:
    """What a session has uploaded is gone with it."""
    (path,) = files(tmp_path, 1)
    picture = Picture.of_file("p", "key", path.read_bytes())
    alive = weakref.ref(picture.read)  # it owns the bytes, of which there are no weak references
    list(ask(network, [picture, picture.turned(inverted=True)], alone))
    assert max(picture.pixels.shape) == 14
    reasons.keep(network, picture, "a map", torch.zeros(3))
    del picture
    gc.collect()
    assert alive() is None
    assert len(answers._kept) == 2


def test_no_cache_keeps_a_network_alive(tmp_path: Path) -> None:
    net = toy_network()
    alive = weakref.ref(net.module)
    some = given(files(tmp_path, 1))
    list(ask(net, some, alone))
    reasons.keep(net, some[0], "a map", torch.zeros(3))
    del net
    gc.collect()
    assert alive() is None


def test_reasons_are_kept_within_one_bound_for_all_networks(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons._kept, "_Cache__maxsize", 3 * (reasons.EACH + 400))
    other, (picture,) = toy_network(), given(files(tmp_path, 1))
    for number in range(3):
        for one in (network, other):
            reasons.keep(one, picture, number, torch.full((100,), float(number)))
    assert reasons._kept.currsize <= reasons._kept.maxsize
    kept = [reasons.held(one, picture, number) is not None for number in range(3) for one in (network, other)]
    assert kept == [False, False, False, True, True, True]
    reasons.keep(network, picture, "large", torch.zeros(10_000))
    assert reasons.held(network, picture, "large") is None
    reasons.keep(network, picture, "a part of what is large", torch.zeros(10_000)[:1])
    assert reasons.held(network, picture, "a part of what is large") is None
    assert reasons.held(network, picture.turned(inverted=True), 2) is None
