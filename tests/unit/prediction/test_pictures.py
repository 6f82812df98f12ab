"""Pictures: prepared from their original pixels, decoded once, and kept within bounds."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from threading import Semaphore

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.data.dataset import Split
from explorer.data.decode import decode
from explorer.data.preprocessing import fitted
from explorer.errors import InputError
from explorer.i18n import language, use_language
from explorer.prediction import pictures
from explorer.prediction.pictures import SIDE, Picture
from explorer.weights.files import Card
from tests.helpers.narrow import pixels
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, VGG, toy_spec


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    pictures._kept.clear()
    yield
    pictures._kept.clear()


def card(channels: int = 3, **inputs: object) -> Card:
    spec = toy_spec(VGG, in_channels=channels)
    preprocessing = {"size": 8, "mean": [0.5], "std": [0.5], **inputs}
    return Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)


def encoded(pixels: Tensor, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).squeeze(2).numpy()).save(file, kind)
    return file.getvalue()


def counted(picture: Picture) -> tuple[Picture, list[int | None]]:
    """The same picture, and a list of what it was read for."""
    reads: list[int | None] = []

    def read(channels: int | None) -> Tensor:
        reads.append(channels)
        return picture.read(channels)

    return replace(picture, read=read), reads


@pytest.mark.parametrize("inputs", [{}, {"resize": 10}])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_network_sees_the_original(kind: str, channels: int, inputs: dict[str, object]) -> None:
    """Not the display copy, and of a JPEG not the smaller one that decoders are quick at."""
    data, about = encoded(noise(1, 3, 700, 900)[0], kind), card(channels, **inputs)
    picture = Picture.of_file("p", "key", data)
    assert max(picture.pixels.shape) == SIDE
    seen = picture.seen(about)
    assert (seen.dtype, tuple(seen.shape)) == (torch.uint8, (channels, 8, 8))
    assert torch.equal(seen.float(), fitted(decode(data, "p", channels)[None], about.inputs)[0].float())


def test_an_image_of_a_data_set_is_recoloured_as_in_the_evaluation() -> None:
    split = Split(noise(3, 3, 12, 12), torch.tensor([0, 1, 2]))
    picture = Picture.of_split("set 1", split, 1, ("cat", "ant", "dog"))
    assert (picture.truth, picture.size) == ("ant", (12, 12))
    assert torch.equal(picture.pixels, split.images[1])
    wanted = fitted(pixels(split.recoloured(1))[1:2], card(1).inputs)[0]
    assert torch.equal(picture.seen(card(1)).float(), wanted.float())


@pytest.mark.parametrize("order", ["seen first", "shown first"])
def test_a_photograph_is_decoded_as_seldom_as_can_be(order: str) -> None:
    picture, reads = counted(Picture.of_file("p", "key", encoded(noise(1, 3, 20, 30)[0])))
    steps: list[Callable[[], object]] = [lambda: picture.seen(card()), lambda: picture.pixels]
    for step in steps if order == "seen first" else steps[::-1]:
        step()
    for step in steps * 3:
        step()
    assert reads == ([3] if order == "seen first" else [None, 3])
    assert picture.size == (20, 30)


def test_networks_that_prepare_alike_share_what_they_see() -> None:
    picture, reads = counted(Picture.of_file("p", "key", encoded(noise(1, 3, 20, 30)[0])))
    assert picture.seen(card()) is picture.seen(card(mean=[0.5]))
    assert len(reads) == 1
    picture.seen(card(resize=9))
    picture.seen(card(1))
    assert reads == [3, 3, 1]


def test_the_same_key_is_the_same_picture_and_another_key_another() -> None:
    one = Picture.of_file("one", 1, encoded(torch.zeros(3, 9, 9, dtype=torch.uint8)))
    other = Picture.of_file("other", 2, encoded(torch.full((3, 9, 9), 255, dtype=torch.uint8)))
    assert one.pixels.max() == 0
    assert other.pixels.min() == 255


def test_light_and_dark_change_places() -> None:
    pixels = noise(1, 1, 8, 8)[0]
    picture = Picture.of_file("p", "key", encoded(pixels))
    turned = picture.turned(inverted=True)
    assert torch.equal(turned.pixels, 255 - pixels)
    assert torch.equal(turned.seen(card(1)), 255 - pixels)
    assert torch.equal(picture.seen(card(1)), pixels)
    assert turned != picture
    assert turned.turned(inverted=False) == picture


@pytest.mark.parametrize(
    ("pixels", "grey"),
    [(noise(1, 1, 5, 5)[0], True), (noise(1, 1, 5, 5)[0].repeat(3, 1, 1), True), (noise(1, 3, 5, 5)[0], False)],
)
def test_grey_is_what_has_no_colours(pixels: Tensor, grey: bool) -> None:
    assert Picture.of_file("p", "key", encoded(pixels)).is_grey is grey


def test_a_picture_that_cannot_be_read_says_so_without_being_read_again() -> None:
    picture, reads = counted(Picture.of_file("a letter.png", "key", b"Dear Sir"))
    for _again in range(3):
        for look in (lambda: picture.pixels, lambda: picture.seen(card()), lambda: picture.is_grey):
            with pytest.raises(InputError, match=r"^a letter\.png is not an image"):
                look()
    assert len(reads) == 1


def test_a_disk_that_failed_is_asked_again() -> None:
    reads = 0

    def read(_channels: int | None) -> Tensor:
        nonlocal reads
        reads += 1
        if reads == 1:
            try:
                raise OSError(5, "Input/output error")
            except OSError as error:
                raise InputError(f"p can't be read: {error}") from None
        return noise(1, 3, 8, 8)[0]

    picture = Picture("p", "key", read)
    with pytest.raises(InputError, match="Input/output error"):
        picture.seen(card())
    assert picture.seen(card()).shape == (3, 8, 8)


def test_what_is_wrong_is_told_to_each_in_their_language() -> None:
    def read(_channels: int | None) -> Tensor:
        raise InputError(language())

    before = language()
    try:
        for told in ("en", "de", "en"):
            use_language(told)
            with pytest.raises(InputError, match=f"^{told}$"):
                Picture("p", "key", read).seen(card())
    finally:
        use_language(before)


def test_one_picture_is_decoded_at_a_time() -> None:
    """Each can take a gigabyte."""
    at_once, most = Semaphore(3), []

    def read(_channels: int | None) -> Tensor:
        with at_once:
            most.append(at_once._value)
            time.sleep(0.02)
            return noise(1, 3, 8, 8)[0]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: Picture("p", number, read).pixels, range(3)))
    assert most == [2, 2, 2]


def test_a_network_of_other_channels_is_refused() -> None:
    picture = Picture.of_file("p", "key", encoded(noise(1, 3, 5, 5)[0]))
    with pytest.raises(InputError, match="in_channels: pictures have 1 channel or 3"):
        picture.seen(card(2))


def test_what_is_kept_stays_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures._kept, "_Cache__maxsize", 10_000)
    for turn in range(20):
        picture = Picture.of_file("p", turn, encoded(noise(1, 3, 30, 30)[0]))  # 2,700 bytes each
        picture.seen(card())
    assert pictures._kept.currsize <= 10_000
    assert len(pictures._kept) > 3
    huge = Picture.of_file("huge", "huge", encoded(noise(1, 3, 300, 300)[0]))
    assert huge.pixels.shape == (3, 300, 300)  # shown all the same
    assert pictures._kept.currsize <= 10_000


def test_nothing_kept_holds_the_original_alive() -> None:
    split = Split(torch.zeros(1000, 3, 32, 32, dtype=torch.uint8), torch.zeros(1000, dtype=torch.int64))
    picture = Picture.of_split("set 5", split, 5, ("ant",))
    picture.seen(card())
    for held in (picture.pixels, picture.seen(card())):
        assert held.untyped_storage().nbytes() == held.nbytes


def test_an_extreme_shape_keeps_a_pixel() -> None:
    data = encoded(torch.from_numpy(np.zeros((1, 1, 5000), dtype=np.uint8)))
    assert Picture.of_file("p", "key", data).pixels.shape == (1, 1, SIDE)


def test_after_a_large_picture_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(pictures, "_give_back", lambda: given.append(len(given)))
    for times, (height, width) in enumerate([(480, 640), (1100, 1000)]):
        data = encoded(torch.zeros(1, height, width, dtype=torch.uint8))
        assert Picture.of_file("p", ("given back", times), data).size == (height, width)
        assert len(given) == times
