"""The gallery: pictures of installed packages, first one that suits the network."""

import pytest
import torch

from explorer.data import load
from explorer.data.framing import measure_strokes
from explorer.errors import InputError
from explorer.prediction import gallery
from explorer.prediction.classify import likeliest
from explorer.weights import files, registry
from explorer.weights.files import Card
from tests.helpers.classify import classify
from tests.helpers.narrow import pixels

PRETRAINED = sorted(path.stem for path in registry.PRETRAINED.glob("*.safetensors"))


def card(name: str) -> Card:
    return files.read_card(registry.PRETRAINED / f"{name}.safetensors")


@pytest.mark.parametrize("name", PRETRAINED)
def test_samples_can_be_read_without_a_download(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_given: pytest.fail("a request"))
    samples = gallery.samples_for(card(name))
    assert len({sample.name for sample in samples}) == len({sample.title for sample in samples}) == len(samples) > 10
    for sample in samples:
        assert "." not in sample.name  # it separates the names in a link
        assert gallery.picture(sample.name).pixels.numel()


@pytest.mark.parametrize("name", PRETRAINED)
def test_the_network_classifies_the_first_sample_correctly(name: str) -> None:
    module, about = files.load(registry.PRETRAINED / f"{name}.safetensors")
    picture = gallery.picture(gallery.samples_for(about)[0].name)
    image = picture.read(about.network_spec.in_channels)
    (candidate,) = likeliest(classify(module, about, [image])[0], about.classes, 1)
    assert candidate.name == (picture.truth or "cat")
    assert candidate.probability > 0.5


def test_digits_come_from_the_test_set_and_are_framed_like_mnist_for_larger_networks() -> None:
    """LeCun et al. 1998: a box of 20 by 20 in 28 by 28, the centre of mass in the middle."""
    test = load("digits").test
    for digit in range(10):
        plain, framed = (gallery.picture(f"{kind}-{digit}") for kind in ("digits", "framed"))
        assert plain.truth == framed.truth == str(digit)
        assert any(torch.equal(plain.pixels, image) for image in pixels(test)[test.labels == digit])
        down, across, _top, high, wide = measure_strokes(framed.pixels.float() / 255)
        assert framed.pixels.shape == (1, 28, 28)
        assert float(torch.maximum(high, wide)) == pytest.approx(20, abs=1)
        assert (float(down), float(across)) == pytest.approx((0.5, 0.5), abs=0.02)
    assert gallery.picture("framed-3").read(3).shape == (3, 28, 28)


@pytest.mark.parametrize("name", ["", "dog", "digits", "digits-", "digits-10", "framed-x", "../cat", "digits-3-3", "٣"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"image: .* is not in the gallery"):
        gallery.picture(name)
