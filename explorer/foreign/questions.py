"""What a checkpoint does not say of its images and classes, with the likely answers."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.models import zoo
from explorer.models.recognition import Question
from explorer.specs import GoogLeNetSpec, Spec, ZooSpec
from explorer.specs.reading import read_json

INPUTS = ("mean", "std", "classes")
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CIFAR10 = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201])
MNIST = ([0.1307], [0.3081])
KNOWN = (IMAGENET, CIFAR10, MNIST, ([0.5] * 3, [0.5] * 3), ([0.5], [0.5]))
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PHOTOGRAPH = 64  # pixels a side, from which on images are likely to be photographs
NAMES = ("classes", "class_names", "labels", "categories", "idx_to_class", "class_to_idx", "class_indices")
MAX_LIST = 4_000_000  # bytes of a file of class names


def inputs(spec: Spec, beside: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[Question]:
    """What is left to ask of preprocessing and classes; nothing that stands beside the tensors.

    Where the mean is known, the standard deviation of the same images is likely.
    """
    statistics, place = _statistics(spec)
    if (known := next((pair for pair in KNOWN if pair[0] == answers.get("mean")), None)) is not None:
        statistics, place = known, _("that which is usual with this mean")
    if "mean" not in answers:
        text = _("What mean is taken out of the pixels, which go from 0 to 1? The likely one is {source}.")
        yield Question("mean", text.format(source=place), statistics[0])
    if "std" not in answers:
        text = _("By what standard deviation are they divided? The likely one is {source}.")
        yield Question("std", text.format(source=place), statistics[1])
    if "classes" not in answers and classes_beside(spec, beside) is None:
        names, place = _classes(spec)
        text = _("What are the classes called, in the order of the outputs? The likely names are {source}.")
        yield Question("classes", text.format(source=place), names)


def classes_beside(spec: Spec, beside: Mapping[str, Any]) -> list[str] | None:
    """Class names that a training program has put beside the tensors, where there are as many as outputs."""
    for key in NAMES:
        with_names = _names(beside.get(key))
        if with_names is not None and len(with_names) == spec.num_classes:
            return with_names
    return None


def check_inputs(spec: Spec, answers: Mapping[str, Any]) -> None:
    """See whether preprocessing and classes, as far as they are given, fit a network.

    Raises:
        InputError: naming key and rule.
    """
    if (classes := answers.get("classes")) is not None:
        if len(classes) != spec.num_classes:
            raise InputError(
                _("classes: {count} names for the network's {outputs} outputs").format(
                    count=len(classes), outputs=spec.num_classes
                )
            )
        if len(set(classes)) < len(classes) or not all(classes):
            raise InputError(_("classes: a name is empty, or stands twice"))
    for key in ("mean", "std"):
        values = answers.get(key, [0.5])
        if not isinstance(values, list | tuple) or len(values) not in (1, spec.in_channels):
            raise InputError(
                _("{key}: {value} is not one number, nor one for each of {channels} channels").format(
                    key=key, value=shown(values), channels=spec.in_channels
                )
            )
        usual = [0.5] * len(values)
        Preprocessing.from_dict({"size": spec.image_size, "mean": usual, "std": usual, key: list(values)})


def read_classes(text: str) -> list[str]:
    """Class names from a command line: ``cat,dog``, or a file.

    A file is a list of lines, or JSON: a list, ``{"0": "cat"}`` or ``{"cat": 0}``.

    Raises:
        InputError: where the file can't be read or is none of these.
    """
    path = Path(text)
    if "," in text or not _is_file(path):
        if path.suffix.lower() in (".json", ".txt"):
            raise InputError(_("classes: there is no file {path}").format(path=shown(text)))
        return [name.strip() for name in text.split(",")]
    if path.suffix.lower() == ".json":
        names = _names(read_json(path, "classes"))
        if names is None:
            raise InputError(
                _('classes: {path} is neither a list of names nor {{"0": name, …}}').format(path=shown(text))
            )
        return names
    try:
        if path.stat().st_size > MAX_LIST:
            raise InputError(_("classes: the file {path} is too large").format(path=shown(text)))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(_("classes: the file {path} is not UTF-8 text").format(path=shown(text))) from None
    except OSError as error:
        raise InputError(
            _("classes: can't read {path}: {reason}").format(path=shown(text), reason=error.strerror)
        ) from None
    return [line.strip() for line in lines if line.strip()]


def numbers(text: str, key: str) -> list[float]:
    """``.485,.456,.406`` as numbers.

    Raises:
        InputError: where a part is none.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(_("{key}: {value} is not a list of numbers").format(key=key, value=shown(text))) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # names longer than names may be
        return False


def _names(value: object) -> list[str] | None:
    """A list of names from what training programs write."""
    if isinstance(value, str) and value.startswith(("{", "[")):  # safetensors keeps text alone
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, Mapping) and value:
        if all(isinstance(number, int) for number in value.values()):
            value = {number: name for name, number in value.items()}
        places = {str(number): name for number, name in value.items()}
        if places.keys() != {str(number) for number in range(len(places))}:
            return None
        value = [places[str(number)] for number in range(len(places))]
    if isinstance(value, list) and value and all(isinstance(name, str) and name for name in value):
        return value
    return None


def _statistics(spec: Spec) -> tuple[tuple[list[float], list[float]], str]:
    """Mean and standard deviation that go with such images, and whose they are."""
    half = [0.5] * spec.in_channels
    ported = (isinstance(spec, GoogLeNetSpec) and spec.branch5x5 == 3 and spec.batch_norm) or (
        isinstance(spec, ZooSpec) and spec.name == "inception_v3"
    )
    if ported and spec.num_classes == 1000:
        # torchvision has these weights from TensorFlow, and its models undo ImageNet's statistics (transform_input).
        return (half, half), _("0.5, that of torchvision's own weights of this network")
    if spec.in_channels == 3 and spec.image_size >= PHOTOGRAPH:
        return IMAGENET, _("ImageNet's, usual for images of that size")
    if spec.in_channels == 3 and spec.image_size == 32:
        return CIFAR10, _("CIFAR-10's, by the size of the images")
    if spec.in_channels == 1 and spec.image_size in (28, 32) and spec.num_classes == 10:
        return MNIST, _("MNIST's, by the size of the images")
    return (half, half), _("0.5, as nothing is known")


def _classes(spec: Spec) -> tuple[list[str], str]:
    """Names for the classes, and whose they are."""
    if spec.num_classes == 1000 and spec.image_size >= PHOTOGRAPH:
        return list(zoo.metadata()["resnet50"]["categories"]), _("ImageNet's, by their number")
    if (spec.num_classes, spec.image_size, spec.in_channels) == (10, 32, 3):
        return list(CIFAR10_CLASSES), _("CIFAR-10's, by the size of the images and the number of classes")
    if (spec.num_classes, spec.in_channels) == (10, 1):
        return [str(digit) for digit in range(10)], _("digits, by the colour of the images and the number of classes")
    return [f"class {number}" for number in range(spec.num_classes)], _("their numbers, as nothing is known")
