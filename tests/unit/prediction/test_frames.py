"""Answers about frames of a camera: the same as about pictures, and nothing is cached."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.errors import InputError
from explorer.prediction import answers, browser_images, frames, gallery, ink, networks, pictures, reasons
from explorer.prediction.answers import ask
from explorer.prediction.pictures import Picture
from tests.helpers.toys import registry_entry


def nobody_waits(_ahead: int) -> None:
    raise AssertionError


def jpeg(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def cat() -> bytes:
    return jpeg(gallery.picture("cat").pixels.permute(1, 2, 0).numpy())


def paper_with_a_one() -> bytes:
    """A dark stroke on paper that is lit from one side."""
    levels = np.linspace(120, 230, 320)[None].repeat(240, 0)
    levels[60:180, 150:162] *= 0.3
    return jpeg(levels.astype(np.uint8))


def test_a_frame_is_answered_like_the_same_picture() -> None:
    network = networks.network(registry_entry("resnet20-cifar10"))
    picture = Picture.of_file("cat", "frame of a cat", cat())
    (expected,) = ask(network, [picture], nobody_waits)
    found = frames.answer(network, cat(), nobody_waits, only_ink=True, with_heat=True)  # it reads no strokes
    assert expected.probabilities is not None
    torch.testing.assert_close(found.probabilities, expected.probabilities)
    assert (found.seen == picture.network_input(network.card)).all()
    assert found.has_ink is None
    assert found.heat is not None
    assert found.heat.shape == (32, 32)
    assert float(found.heat.max()) == pytest.approx(1)


def test_strokes_on_unevenly_lit_paper_are_found_and_framed() -> None:
    network = networks.network(registry_entry("mnist-cnn"))
    found = frames.answer(network, paper_with_a_one(), nobody_waits, only_ink=True, with_heat=False)
    assert found.has_ink
    assert int(found.probabilities.argmax()) == 1
    assert found.heat is None
    picture = ink.strokes_only(Picture.of_file("one", "frame of a one", paper_with_a_one()), network.card)
    assert (found.seen == picture.network_input(network.card)).all()
    plain = frames.answer(network, paper_with_a_one(), nobody_waits, only_ink=False, with_heat=False)
    assert plain.has_ink is None
    assert float(plain.seen.float().mean()) > float(found.seen.float().mean())


def test_paper_without_strokes_is_seen_as_it_is() -> None:
    network = networks.network(registry_entry("mnist-cnn"))
    empty = jpeg(np.full((240, 320), 200, np.uint8))
    found = frames.answer(network, empty, nobody_waits, only_ink=True, with_heat=False)
    assert found.has_ink is False
    assert int(found.seen.min()) > 190


def test_a_network_without_maps_has_no_heat() -> None:
    network = networks.network(registry_entry("mnist-fc"))
    assert frames.answer(network, paper_with_a_one(), nobody_waits, only_ink=True, with_heat=True).heat is None


def test_nothing_of_a_frame_is_cached() -> None:
    caches = (pictures._cache, answers._cache, reasons._cache, ink._cache)
    before = [list(cache) for cache in caches]
    network = networks.network(registry_entry("digits-cnn"))
    frames.answer(network, paper_with_a_one(), nobody_waits, only_ink=True, with_heat=True)
    assert [list(cache) for cache in caches] == before


@pytest.mark.parametrize("data", [b"", b"no image", cat()[:500]], ids=["empty", "text", "truncated"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    network = networks.network(registry_entry("digits-cnn"))
    with pytest.raises(InputError):
        frames.answer(network, data, nobody_waits, only_ink=True, with_heat=False)


def test_a_frame_is_a_jpeg() -> None:
    assert browser_images.decode(browser_images.PNG + "aGVsbG8=", browser_images.JPEG) == b""
    assert browser_images.decode(browser_images.JPEG + "aGVsbG8=", browser_images.JPEG) == b"hello"
