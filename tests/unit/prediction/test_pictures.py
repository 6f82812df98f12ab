"""Pictures: prepared from their original pixels, decoded once, and cached with a limit."""

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
def empty_cache() -> Iterator[None]:
    pictures._cache.clear()
    yield
    pictures._cache.clear()


def card(channels: int = 3, **inputs: object) -> Card:
    spec = toy_spec(VGG, in_channels=channels)
    preprocessing = {"size": 8, "mean": [0.5], "std": [0.5], **inputs}
    return Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)


def encoded(pixels: Tensor, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).squeeze(2).numpy()).save(file, kind)
    return file.getvalue()


def with_read_log(picture: Picture) -> tuple[Picture, list[int | None]]:
    """The same picture, and a list of the channels for which it was read."""
    reads: list[int | None] = []

    def read(channels: int | None) -> Tensor:
        reads.append(channels)
        return picture.read(channels)

    return replace(picture, read=read), reads


@pytest.mark.parametrize("inputs", [{}, {"resize": 10}])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_network_input_comes_from_the_original(kind: str, channels: int, inputs: dict[str, object]) -> None:
    """Neither from the display copy, nor from the reduced size that JPEG decoders can produce."""
    data, about = encoded(noise(1, 3, 700, 900)[0], kind), card(channels, **inputs)
    picture = Picture.of_file("p", "key", data)
    assert max(picture.pixels.shape) == SIDE
    seen = picture.network_input(about)
    assert (seen.dtype, tuple(seen.shape)) == (torch.uint8, (channels, 8, 8))
    assert torch.equal(seen.float(), fitted(decode(data, "p", channels)[None], about.inputs)[0].float())


def test_an_image_of_a_data_set_is_recoloured_as_in_the_evaluation() -> None:
    split = Split(noise(3, 3, 12, 12), torch.tensor([0, 1, 2]))
    picture = Picture.of_split("set 1", split, 1, ("cat", "ant", "dog"))
    assert (picture.truth, picture.size) == ("ant", (12, 12))
    assert torch.equal(picture.pixels, split.images[1])
    expected = fitted(pixels(split.recoloured(1))[1:2], card(1).inputs)[0]
    assert torch.equal(picture.network_input(card(1)).float(), expected.float())


@pytest.mark.parametrize("order", ["seen first", "shown first"])
def test_a_photograph_is_decoded_as_rarely_as_possible(order: str) -> None:
    picture, reads = with_read_log(Picture.of_file("p", "key", encoded(noise(1, 3, 20, 30)[0])))
    steps: list[Callable[[], object]] = [lambda: picture.network_input(card()), lambda: picture.pixels]
    for step in steps if order == "seen first" else steps[::-1]:
        step()
    for step in steps * 3:
        step()
    assert reads == ([3] if order == "seen first" else [None, 3])
    assert picture.size == (20, 30)


def test_networks_with_equal_preprocessing_share_the_input() -> None:
    picture, reads = with_read_log(Picture.of_file("p", "key", encoded(noise(1, 3, 20, 30)[0])))
    assert picture.network_input(card()) is picture.network_input(card(mean=[0.5]))
    assert len(reads) == 1
    picture.network_input(card(resize=9))
    picture.network_input(card(1))
    assert reads == [3, 3, 1]


def test_pictures_with_different_keys_differ() -> None:
    one = Picture.of_file("one", 1, encoded(torch.zeros(3, 9, 9, dtype=torch.uint8)))
    other = Picture.of_file("other", 2, encoded(torch.full((3, 9, 9), 255, dtype=torch.uint8)))
    assert one.pixels.max() == 0
    assert other.pixels.min() == 255


def test_inversion() -> None:
    pixels = noise(1, 1, 8, 8)[0]
    picture = Picture.of_file("p", "key", encoded(pixels))
    inverted_picture = replace(picture, inverted=True)
    assert torch.equal(inverted_picture.pixels, 255 - pixels)
    assert torch.equal(inverted_picture.network_input(card(1)), 255 - pixels)
    assert torch.equal(picture.network_input(card(1)), pixels)
    assert inverted_picture != picture
    assert replace(inverted_picture, inverted=False) == picture


@pytest.mark.parametrize(
    ("pixels", "grey"),
    [(noise(1, 1, 5, 5)[0], True), (noise(1, 1, 5, 5)[0].repeat(3, 1, 1), True), (noise(1, 3, 5, 5)[0], False)],
)
def test_is_grey(pixels: Tensor, grey: bool) -> None:
    assert Picture.of_file("p", "key", encoded(pixels)).is_grey is grey


def test_an_unreadable_picture_is_read_only_once() -> None:
    picture, reads = with_read_log(Picture.of_file("a letter.png", "key", b"Dear Sir"))
    for _again in range(3):
        for access in (lambda: picture.pixels, lambda: picture.network_input(card()), lambda: picture.is_grey):
            with pytest.raises(InputError, match=r"^a letter\.png "):
                access()
    assert len(reads) == 1


def test_a_disk_error_is_not_cached() -> None:
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
        picture.network_input(card())
    assert picture.network_input(card()).shape == (3, 8, 8)


def test_errors_are_in_the_users_language() -> None:
    def read(_channels: int | None) -> Tensor:
        raise InputError(language())

    before = language()
    try:
        for code in ("en", "de", "en"):
            use_language(code)
            with pytest.raises(InputError, match=f"^{code}$"):
                Picture("p", "key", read).network_input(card())
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


def test_a_network_with_other_channels_is_refused() -> None:
    picture = Picture.of_file("p", "key", encoded(noise(1, 3, 5, 5)[0]))
    with pytest.raises(InputError):
        picture.network_input(card(2))


def test_the_cache_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures._cache, "_Cache__maxsize", 10_000)
    for number in range(20):
        picture = Picture.of_file("p", number, encoded(noise(1, 3, 30, 30)[0]))  # 2,700 bytes each
        picture.network_input(card())
    assert pictures._cache.currsize <= 10_000
    assert len(pictures._cache) > 3
    huge = Picture.of_file("huge", "huge", encoded(noise(1, 3, 300, 300)[0]))
    assert huge.pixels.shape == (3, 300, 300)  # shown although it is not cached
    assert pictures._cache.currsize <= 10_000


def test_no_cached_value_holds_the_original() -> None:
    split = Split(torch.zeros(1000, 3, 32, 32, dtype=torch.uint8), torch.zeros(1000, dtype=torch.int64))
    picture = Picture.of_split("set 5", split, 5, ("ant",))
    picture.network_input(card())
    for held in (picture.pixels, picture.network_input(card())):
        assert held.untyped_storage().nbytes() == held.nbytes


def test_an_extreme_shape_has_at_least_one_pixel() -> None:
    data = encoded(torch.from_numpy(np.zeros((1, 1, 5000), dtype=np.uint8)))
    assert Picture.of_file("p", "key", data).pixels.shape == (1, 1, SIDE)


def test_memory_is_released_after_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(pictures, "_release_memory", lambda: calls.append(len(calls)))
    for times, (height, width) in enumerate([(480, 640), (1100, 1000)]):
        data = encoded(torch.zeros(1, height, width, dtype=torch.uint8))
        assert Picture.of_file("p", ("given back", times), data).size == (height, width)
        assert len(calls) == times
