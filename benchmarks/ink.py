"""Digits on paper as a camera sees them, and how many of them the networks read with and without ``--ink``.

    python -m benchmarks.ink [--count 210] [WEIGHTS …]

The digits are test images that no network was trained with: MNIST's where ``EXPLORER_TEST_DATA`` has
``mnist10k.npz``, else scikit-learn's; and printed ones of matplotlib's fonts. Each is drawn anew with a thin or a thick
pen, turned by up to 10 degrees, placed anywhere at any scale on white, grey, shaded, shadowed, ruled or squared paper,
or in chalk on a board, and photographed with noise, blur and JPEG's losses. How often the same networks doubt their own
test images, as they are, stands beside.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

if TYPE_CHECKING:
    from explorer.prediction.networks import Network

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]
Random: TypeAlias = np.random.Generator

INKS = {
    "black": (35, 35, 38),
    "pencil": (105, 105, 108),
    "blue": (40, 60, 150),
    "red": (170, 45, 50),
    "green": (30, 110, 70),
}
FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "DejaVuSans-Bold", "STIXGeneral", "cmss10")
WEIGHTS = ["mnist-cnn", "mnist-fc", "digits-cnn", "resnet20-cifar10", "vgg16-cifar10"]
COUNT = 210  # photographs: six of every paper in every ink
MOST = 1000  # of a network's own test images
PAPERS = ("white", "grey", "lit", "shadow", "ruled", "squared", "board")


class Photograph(NamedTuple):
    """A picture of a digit, uint8, (H, W, 3), with what it was made of."""

    pixels: Array
    digit: int
    paper: str
    ink: str
    source: str


def photograph(shape: Array, random: Random, paper: str, ink: str) -> Array:
    """A digit on paper, uint8, (H, W, 3).

    Args:
        shape: of the digit, 1 where there is ink, (h, w).
        random: what chooses everything else.
        paper: one of ``PAPERS``.
        ink: one of ``INKS``; chalk on a board is white.
    """
    height, width = (int(side) for side in random.integers(240, 640, 2))
    tall = random.uniform(0.22, 0.8) * min(height, width)
    drawn = _drawn(shape, tall, random)
    amount = np.zeros((height, width), np.float32)
    top, left = (
        int(random.integers(0, max(side - part, 0) + 1))
        for side, part in zip((height, width), drawn.shape, strict=True)
    )
    part = drawn[:height, :width]
    amount[top : top + part.shape[0], left : left + part.shape[1]] = part
    ground = _paper(height, width, paper, random)
    colour = np.array((225, 225, 220) if paper == "board" else INKS[ink], np.float32)
    light = _light(height, width, paper, random)[..., None]
    cover = (random.uniform(0.75, 1) * amount)[..., None]
    scene = (ground * (1 - cover) + colour * cover) * light
    scene = ndimage.gaussian_filter(scene, (blur := random.uniform(0.3, 1.4), blur, 0))
    scene += random.normal(0, random.uniform(1, 6), scene.shape)
    file = BytesIO()
    Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(random.integers(55, 96)))
    return np.asarray(Image.open(file))


def _drawn(shape: Array, tall: float, random: Random) -> Array:
    """The digit at a height in pixels, turned, with another pen."""
    framed = np.pad(shape, max(shape.shape) // 3)
    turned = ndimage.rotate(framed, random.uniform(-10, 10), reshape=False, order=1)
    rows, columns = np.flatnonzero((turned > 0.5).any(1)), np.flatnonzero((turned > 0.5).any(0))
    tight = turned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    large = ndimage.zoom(np.pad(tight, 3), tall / tight.shape[0], order=3)
    mask = ndimage.gaussian_filter(large, tall / 80) > 0.45
    apart = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    pen = random.uniform(-0.012, 0.03) * tall
    return np.asarray(np.clip(apart + pen + 0.5, 0, 1), np.float32)


def _paper(height: int, width: int, paper: str, random: Random) -> Array:
    level = {"white": random.uniform(225, 250), "grey": random.uniform(120, 180), "board": random.uniform(30, 70)}
    tint = random.uniform(-6, 6, 3)
    ground = np.full((height, width, 3), level.get(paper, random.uniform(170, 245)), np.float32) + tint
    step, first = int(random.integers(24, 60)), int(random.integers(0, 24))
    line = np.array((150, 175, 205), np.float32)
    if paper in ("ruled", "squared"):
        ground[first::step] = line
        ground[first + 1 :: step] = line
    if paper == "squared":
        ground[:, first::step] = line
    return ground


def _light(height: int, width: int, paper: str, random: Random) -> Array:
    down, across = np.mgrid[-1 : 1 : complex(height), -1 : 1 : complex(width)]
    angle, fall = random.uniform(0, 2 * np.pi), random.uniform(0.05, 0.2)
    if paper == "lit":
        fall = random.uniform(0.25, 0.5)
    along = np.cos(angle) * across + np.sin(angle) * down
    light = 1 - fall * (along + 1) / 2
    if paper == "shadow":
        edge = random.uniform(-0.5, 0.5)
        light *= 1 - random.uniform(0.3, 0.5) / (1 + np.exp(-(along - edge) / random.uniform(0.01, 0.1)))
    return np.asarray(light, np.float32)


def written() -> tuple[str, Array, Array]:
    """Handwritten test digits: where they come from, shapes (N, h, w) from 0 to 1, and labels."""
    from explorer.data import load

    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "mnist10k.npz")
    test = load(str(file) if file.exists() else "digits").test
    shapes = np.asarray(test.images)[:, 0].astype(np.float32) / 255
    return "MNIST" if file.exists() else "scikit-learn's digits", shapes, test.labels.numpy()


def printed(digit: int, random: Random) -> Array:
    """A digit of a font."""
    from matplotlib import get_data_path

    font = ImageFont.truetype(str(Path(get_data_path(), "fonts/ttf", f"{random.choice(FONTS)}.ttf")), 100)
    page = Image.new("L", (160, 160))
    ImageDraw.Draw(page).text((80, 80), str(digit), fill=255, font=font, anchor="mm")
    box = page.getbbox()
    return np.asarray(page.crop(box), np.float32) / 255


def photographs(count: int, seed: int = 0, share_printed: float = 0.2) -> Iterator[Photograph]:
    """Digits of every kind of paper and ink in turn."""
    random = np.random.default_rng(seed)
    source, shapes, labels = written()
    places = random.permutation(len(shapes))
    for number in range(count):
        paper, ink = PAPERS[number % len(PAPERS)], list(INKS)[number // len(PAPERS) % len(INKS)]
        index = places[number % len(places)]
        digit, shape, origin = int(labels[index]), shapes[index], source
        if random.random() < share_printed:
            shape, origin = printed(digit, random), "fonts"
        yield Photograph(
            photograph(shape, random, paper, ink), digit, paper, "chalk" if paper == "board" else ink, origin
        )


def main() -> None:
    """Print the table."""
    from explorer.prediction import ink
    from explorer.prediction.networks import Network
    from explorer.weights.files import load
    from explorer.weights.registry import find

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="*", default=WEIGHTS)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    taken = list(photographs(asked.count, asked.seed))
    for name in asked.weights:
        path = find(name)
        network = Network(*load(path), name, path)
        print(f"{name}: {_of_its_own(network)}", flush=True)
        if ink.framing_for(network.card) is not None:
            print(_of_photographs(network, taken), flush=True)


def _of_photographs(network: "Network", taken: list[Photograph]) -> str:
    """How many photographs a network reads, and of how many it warns."""
    from explorer.prediction import ink
    from explorer.prediction.answers import Answer, ask
    from explorer.prediction.pictures import Picture
    from explorer.prediction.verdict import verdict

    def as_picture(number: int, pixels: Array) -> Picture:
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        grey = torch.from_numpy(np.array(Image.fromarray(pixels).convert("L")))[None]
        return Picture(str(number), ("photograph", number), lambda channels: grey if channels == 1 else image)

    def right(answers: list[Answer]) -> list[bool]:
        return [answer.top(1)[0].name == str(one.digit) for answer, one in zip(answers, taken, strict=True)]

    def warned(answers: list[Answer]) -> str:
        return _share([bool(verdict(answer).warnings) for answer in answers])

    pictures = [as_picture(number, one.pixels) for number, one in enumerate(taken)]
    plain = list(ask(network, pictures, lambda _ahead: None))
    found = list(ask(network, [ink.strokes_only(one, network.card) for one in pictures], lambda _ahead: None))
    groups: dict[str, list[bool]] = defaultdict(list)
    for good, one in zip(right(found), taken, strict=True):
        for key in (one.paper, one.ink, one.source):
            groups[key].append(good)
    return (
        f"  photographs: right {_share(right(plain))} as they are, {_share(right(found))} by --ink; "
        f"warned of {warned(plain)} as they are, {warned(found)} by --ink\n"
        "  by --ink: " + ", ".join(f"{key} {_share(good)}" for key, good in groups.items())
    )


def _of_its_own(network: "Network") -> str:
    """Of how many test images of its own data a network warns, and of how many it is not sure."""
    from explorer.data import NAMES, load
    from explorer.prediction.answers import ask
    from explorer.prediction.pictures import Picture
    from explorer.prediction.verdict import verdict

    name = str(network.card.data["name"])
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), name)
    if name not in NAMES and not file.exists():
        return f"{name} is not in the folder EXPLORER_TEST_DATA"
    data = load(name if name in NAMES else str(file))
    every = max(len(data.test) // MOST, 1)
    pictures = [
        Picture.of_split("own", data.test, index, data.classes, name) for index in range(0, len(data.test), every)
    ]
    answers = list(ask(network, pictures, lambda _ahead: None))
    told = [verdict(answer) for answer in answers]
    good = [answer.top(1)[0].name == answer.picture.truth for answer in answers]
    unsure, sure = (
        [one for one, about in zip(good, told, strict=True) if about.stands_out is out] for out in (False, True)
    )
    return (
        f"of {len(told):,} of its own test images warned of {_share([bool(one.warnings) for one in told])}; "
        f"no class stands out in {_share([not one.stands_out for one in told])}, of these right {_share(unsure)}, "
        f"of the others {_share(sure)}"
    )


def _share(good: list[bool]) -> str:
    return f"{sum(good) / len(good):.1%}" if good else "–"


if __name__ == "__main__":
    main()
