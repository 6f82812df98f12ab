"""Synthetic photographs of digits on paper, and the share that networks recognise with and without ``--ink``.

    python -m benchmarks.ink [--count 210] [WEIGHTS …]

The digits are test images on which no network was trained: MNIST's if ``EXPLORER_TEST_DATA`` has ``mnist10k.npz``,
otherwise scikit-learn's, and printed ones in matplotlib's fonts. Each gets a thin or thick pen, a rotation by up to 10
degrees, and any place and scale on white, grey, shaded, shadowed, ruled or squared paper, or in chalk on a board. The
photograph has noise, blur and JPEG compression. For comparison, the networks also get their own test images.
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
COUNT = 210  # photographs: six for each pair of paper and ink
MAX_OWN = 1000  # test images of a network's own data
PAPERS = ("white", "grey", "lit", "shadow", "ruled", "squared", "board")


class Photograph(NamedTuple):
    """A photograph of a digit, uint8, (H, W, 3), with its origin."""

    pixels: Array
    digit: int
    paper: str
    ink: str
    source: str


def photograph(shape: Array, random: Random, paper: str, ink: str) -> Array:
    """Returns a photograph of a digit on paper, uint8, (H, W, 3).

    Args:
        shape: Shape of the digit, 1 where there is ink, (h, w).
        random: Random generator for everything else.
        paper: One of ``PAPERS``.
        ink: One of ``INKS``. Chalk on a board is always white.
    """
    height, width = (int(side) for side in random.integers(240, 640, 2))
    tall = random.uniform(0.22, 0.8) * min(height, width)
    digit = _redraw(shape, tall, random)
    amount = np.zeros((height, width), np.float32)
    top, left = (
        int(random.integers(0, max(side - part, 0) + 1))
        for side, part in zip((height, width), digit.shape, strict=True)
    )
    part = digit[:height, :width]
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


def _redraw(shape: Array, tall: float, random: Random) -> Array:
    """Returns the digit at a height in pixels, rotated, with another pen."""
    framed = np.pad(shape, max(shape.shape) // 3)
    rotated = ndimage.rotate(framed, random.uniform(-10, 10), reshape=False, order=1)
    rows, columns = np.flatnonzero((rotated > 0.5).any(1)), np.flatnonzero((rotated > 0.5).any(0))
    tight = rotated[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
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


def handwritten() -> tuple[str, Array, Array]:
    """Returns handwritten test digits: their source, shapes (N, h, w) from 0 to 1, and labels."""
    from explorer.data import load

    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "mnist10k.npz")
    test = load(str(file) if file.exists() else "digits").test
    shapes = np.asarray(test.images)[:, 0].astype(np.float32) / 255
    return "MNIST" if file.exists() else "scikit-learn's digits", shapes, test.labels.numpy()


def printed(digit: int, random: Random) -> Array:
    """Returns the shape of a printed digit in a random font."""
    from matplotlib import get_data_path

    font = ImageFont.truetype(str(Path(get_data_path(), "fonts/ttf", f"{random.choice(FONTS)}.ttf")), 100)
    page = Image.new("L", (160, 160))
    ImageDraw.Draw(page).text((80, 80), str(digit), fill=255, font=font, anchor="mm")
    box = page.getbbox()
    return np.asarray(page.crop(box), np.float32) / 255


def photographs(count: int, seed: int = 0, share_printed: float = 0.2) -> Iterator[Photograph]:
    """Yields photographs that alternate between all papers and inks."""
    random = np.random.default_rng(seed)
    source, shapes, labels = handwritten()
    order = random.permutation(len(shapes))
    for number in range(count):
        paper, ink = PAPERS[number % len(PAPERS)], list(INKS)[number // len(PAPERS) % len(INKS)]
        index = order[number % len(order)]
        digit, shape, origin = int(labels[index]), shapes[index], source
        if random.random() < share_printed:
            shape, origin = printed(digit, random), "fonts"
        yield Photograph(
            photograph(shape, random, paper, ink), digit, paper, "chalk" if paper == "board" else ink, origin
        )


def main() -> None:
    """Prints the shares."""
    from explorer.prediction import ink
    from explorer.prediction.networks import Network
    from explorer.weights.files import load
    from explorer.weights.registry import find

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="*", default=WEIGHTS)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    digits = list(photographs(arguments.count, arguments.seed))
    for name in arguments.weights:
        path = find(name)
        network = Network(*load(path), name, path)
        print(f"{name}: {_own_images(network)}", flush=True)
        if ink.framing_for(network.card) is not None:
            print(_recognition(network, digits), flush=True)


def _recognition(network: "Network", digits: list[Photograph]) -> str:
    """Returns the shares of photographs that a network recognises, and that get warnings."""
    from explorer.prediction import ink
    from explorer.prediction.answers import Answer, ask
    from explorer.prediction.pictures import Picture
    from explorer.prediction.verdict import verdict

    def as_picture(number: int, pixels: Array) -> Picture:
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        grey = torch.from_numpy(np.array(Image.fromarray(pixels).convert("L")))[None]
        return Picture(str(number), ("photograph", number), lambda channels: grey if channels == 1 else image)

    def right(answers: list[Answer]) -> list[bool]:
        return [answer.top(1)[0].name == str(one.digit) for answer, one in zip(answers, digits, strict=True)]

    def warned(answers: list[Answer]) -> str:
        return _share([bool(verdict(answer).warnings) for answer in answers])

    pictures = [as_picture(number, one.pixels) for number, one in enumerate(digits)]
    plain = list(ask(network, pictures, lambda _ahead: None))
    with_ink = list(ask(network, [ink.strokes_only(one, network.card) for one in pictures], lambda _ahead: None))
    groups: dict[str, list[bool]] = defaultdict(list)
    for is_right, one in zip(right(with_ink), digits, strict=True):
        for key in (one.paper, one.ink, one.source):
            groups[key].append(is_right)
    return (
        f"  photographs: right {_share(right(plain))} as they are, {_share(right(with_ink))} by --ink; "
        f"warned of {warned(plain)} as they are, {warned(with_ink)} by --ink\n"
        "  by --ink: " + ", ".join(f"{key} {_share(group)}" for key, group in groups.items())
    )


def _own_images(network: "Network") -> str:
    """Returns the shares of a network's own test images with warnings, and without a clear class."""
    from explorer.data import NAMES, load
    from explorer.prediction.answers import ask
    from explorer.prediction.pictures import Picture
    from explorer.prediction.verdict import verdict

    name = str(network.card.data["name"])
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), name)
    if name not in NAMES and not file.exists():
        return f"{name} is not in the folder EXPLORER_TEST_DATA"
    data = load(name if name in NAMES else str(file))
    every = max(len(data.test) // MAX_OWN, 1)
    pictures = [
        Picture.of_split("own", data.test, index, data.classes, name) for index in range(0, len(data.test), every)
    ]
    answers = list(ask(network, pictures, lambda _ahead: None))
    verdicts = [verdict(answer) for answer in answers]
    right = [answer.top(1)[0].name == answer.picture.truth for answer in answers]
    unsure, sure = (
        [one for one, about in zip(right, verdicts, strict=True) if about.stands_out is out] for out in (False, True)
    )
    return (
        f"of {len(verdicts):,} of its own test images warned of {_share([bool(one.warnings) for one in verdicts])}; "
        f"no class stands out in {_share([not one.stands_out for one in verdicts])}, of these right {_share(unsure)}, "
        f"of the others {_share(sure)}"
    )


def _share(values: list[bool]) -> str:
    return f"{sum(values) / len(values):.1%}" if values else "–"


if __name__ == "__main__":
    main()
