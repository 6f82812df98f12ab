"""Questions about images and classes that a checkpoint leaves open, with likely answers."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, shown
from explorer.families import Spec
from explorer.families.recognition.guess import Question
from explorer.i18n import _, ngettext
from explorer.weights.importing import class_names
from explorer.weights.importing.normalisation import CIFAR10, IMAGENET, MNIST, Evidence, Pair, usual_pairs

INPUT_KEYS = ("mean", "std", "resize", "classes")
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RESIZE = {224: 256, 299: 342}  # torchvision's resize of ImageNet's images before the centre crop, by image size
NO_RESIZE = "none"  # answer for None
PHOTOGRAPH = 64  # image size from which on images are probably photographs


def input_questions(
    spec: Spec, metadata: Mapping[str, Any], answers: Mapping[str, Any], evidence: Evidence
) -> Iterator[Question]:
    """Yields the open questions about preprocessing and classes.

    After the mean is answered, the usual standard deviation for this mean is the likely one.

    Args:
        spec: Spec of the network.
        metadata: Metadata of the checkpoint, which may answer questions.
        answers: Answers so far, by key.
        evidence: Measurements of the normalisation.
    """
    likely, source = likely_pair(spec, metadata, evidence)
    pairs = [*usual_pairs(spec.in_channels), *([([0.5], [0.5]), ([0.0], [1.0])] if spec.in_channels > 1 else [])]
    if (usual := next((pair for pair in pairs if pair[0] == answers.get("mean")), None)) is not None:
        likely, source = usual, _("the usual one for this mean")
    means, deviations = (tuple(offer) for offer in zip(*usual_pairs(spec.in_channels), strict=True))
    if "mean" not in answers:
        text = _("Which mean is subtracted from the pixels, which go from 0 to 1? The likely one is {source}.")
        yield Question("mean", text.format(source=source), likely[0], offers=means, cost=evidence.cost)
    if "std" not in answers:
        text = _("By which standard deviation are the pixels divided then? The likely one is {source}.")
        yield Question("std", text.format(source=source), likely[1], offers=deviations)
    if "resize" not in answers and min(spec.sides) >= PHOTOGRAPH:
        side, source = _usual_resize(spec)
        text = _(
            "To how many pixels is the shorter side of an image resized before the centre crop? With none, "
            "images are resized straight to the network's size. The likely one is {source}."
        )
        yield Question("resize", text.format(source=source), side)
    if "classes" not in answers and class_names.stored(spec.num_classes, metadata)[0] is None:
        names, source = _likely_classes(spec)
        text = _("What are the classes called, in the order of the outputs? The likely names are {source}.")
        yield Question("classes", text.format(source=source), names)


def check_inputs(spec: Spec, answers: Mapping[str, Any]) -> None:
    """Checks that answers about preprocessing and classes fit a network.

    Raises:
        InputError: If they don't. Names key and rule.
    """
    if (classes := answers.get("classes")) is not None:
        class_names.check(classes, spec.num_classes)
    for key in ("mean", "std"):
        values = answers.get(key, [0.5])
        if not isinstance(values, list | tuple) or len(values) not in (1, spec.in_channels):
            raise InputError(
                ngettext(
                    "{key}: {value} is not one number, nor one for its {channels} channel",
                    "{key}: {value} is not one number, nor one for each of {channels} channels",
                    spec.in_channels,
                ).format(key=key, value=shown(values), channels=spec.in_channels)
            )
        half = [0.5] * len(values)
        Preprocessing.from_dict({"size": spec.image_size, "mean": half, "std": half, key: list(values)})
    resize = {"size": spec.image_size, "mean": [0.5], "std": [0.5], "resize": answers.get("resize")}
    Preprocessing.from_dict(resize)


def parse_pixels(text: str, key: str) -> int | None:
    """Parses a number of pixels, or ``none``.

    Raises:
        InputError: If it is neither.
    """
    if text.strip().casefold() == NO_RESIZE:
        return None
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
        raise InputError(
            _("{key}: {value} is neither a number of pixels nor {none}").format(
                key=key, value=shown(text), none=NO_RESIZE
            )
        )
    return int(text)


def parse_numbers(text: str, key: str) -> list[float]:
    """Parses numbers such as ``.485,.456,.406``.

    Raises:
        InputError: If a part is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(_("{key}: {value} is not a list of numbers").format(key=key, value=shown(text))) from None


# Parsers of the answers about images and classes. All other answers are fields of the spec.
PARSERS: dict[str, Callable[[str], Any]] = {
    "mean": partial(parse_numbers, key="mean"),
    "std": partial(parse_numbers, key="std"),
    "resize": partial(parse_pixels, key="resize"),
    "classes": class_names.read,
}


def format_answer(value: Any) -> str:
    """Returns an answer as text, in the form that the parsers read."""
    if value is None:
        return NO_RESIZE
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def likely_pair(spec: Spec, metadata: Mapping[str, Any], evidence: Evidence) -> tuple[Pair, str]:
    """Returns the likely mean and standard deviation, and their source: the file, a measurement, or usual values."""
    if (pair := _stored_pair(spec, metadata)) is not None:
        return pair, _("the one stored with the tensors")
    if evidence.likely is not None and len(evidence.likely[0]) == spec.in_channels:
        return evidence.likely, _("the best fit to the running statistics of the first batch norm")
    return _usual_pair(spec)


def _stored_pair(spec: Spec, metadata: Mapping[str, Any]) -> Pair | None:
    """Returns mean and standard deviation from the checkpoint, for pixels from 0 to 1. None if it has none."""
    mean, std = (metadata.get(key) for key in ("mean", "std"))
    if isinstance(mean, list) and isinstance(std, list) and _are_shares(mean) and _are_shares(std):
        with suppress(InputError):
            check_inputs(spec, {"mean": mean, "std": std})
            return mean, std
    return None


def _are_shares(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)


def _usual_pair(spec: Spec) -> tuple[Pair, str]:
    """Returns the usual mean and standard deviation for such images, and their source."""
    half = [0.5] * spec.in_channels
    if spec.tensorflow_inputs and spec.num_classes == 1000:
        # These weights come from TensorFlow. torchvision's models undo ImageNet's normalisation (transform_input).
        return (half, half), _("0.5, that of torchvision's own weights of this network")
    if spec.in_channels == 3 and min(spec.sides) >= PHOTOGRAPH:
        return IMAGENET, _("ImageNet's, usual for images of that size")
    if spec.in_channels == 3 and spec.image_size == 32:
        return CIFAR10, _("CIFAR-10's, by the size of the images")
    if spec.in_channels == 1 and spec.image_size in (28, 32) and spec.num_classes == 10:
        return MNIST, _("MNIST's, by the size of the images")
    return (half, half), _("0.5, as nothing is known")


def _usual_resize(spec: Spec) -> tuple[int | None, str]:
    """Returns the usual length of the shorter side before the crop, and its source."""
    side = max(spec.sides)
    if spec.num_classes == 1000 and spec.in_channels == 3 and side in RESIZE:
        return RESIZE[side], _("torchvision's for ImageNet, by the size of the images and their classes")
    return None, _("none, as nothing is known")


def _likely_classes(spec: Spec) -> tuple[list[str], str]:
    """Returns likely names of the classes, and their source."""
    if spec.num_classes == 1000 and min(spec.sides) >= PHOTOGRAPH:
        return imagenet_classes(), _("ImageNet's, by their number")
    if (spec.num_classes, spec.image_size, spec.in_channels) == (10, 32, 3):
        return list(CIFAR10_CLASSES), _("CIFAR-10's, by the size of the images and the number of classes")
    if (spec.num_classes, spec.in_channels) == (10, 1):
        return [str(digit) for digit in range(10)], _("digits, by the colour of the images and the number of classes")
    return [f"class {number}" for number in range(spec.num_classes)], _("their numbers, as nothing is known")


def imagenet_classes() -> list[str]:
    """Returns the names of ImageNet's classes, in the usual order of the outputs."""
    from torchvision.models import ResNet50_Weights  # imported here because it takes a second

    return list(ResNet50_Weights.DEFAULT.meta["categories"])
