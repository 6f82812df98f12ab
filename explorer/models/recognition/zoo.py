"""torchvision's other models, by torchvision's own names and shapes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import prod

from explorer.errors import SpecError
from explorer.i18n import _
from explorer.models import zoo
from explorer.models.recognition.guess import Guess, auxiliary, our_shapes
from explorer.models.recognition.layers import Shape
from explorer.specs import ZooSpec

BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index", "relative_coords_table")
IMAGENET = 1000  # classes of torchvision's own weights


def guesses(shapes: Mapping[str, Shape]) -> Iterator[Guess]:
    """The models of torchvision whose tensors these are."""
    main = {name: shape for name, shape in shapes.items() if not auxiliary(name)}
    heads = [shape for shape in main.values() if len(shape) == 2]
    if not heads:
        return
    for classes, name in _alike(main, heads[-1][0]):
        with suppress(SpecError):
            spec = ZooSpec.parse({"family": "torchvision", "name": name, "num_classes": classes})
            if our_shapes(spec) == main:
                ignored = tuple(name for name in shapes if name not in main)
                notes = (_("Auxiliary heads help in training only and are left out."),) if ignored else ()
                yield Guess(spec, {name: name for name in main}, ignored=ignored, notes=notes)


def _alike(shapes: Mapping[str, Shape], classes: int) -> Iterator[tuple[int, str]]:
    """Classes and name of the models that have as many parameters: cheap to know, where building all would not be."""
    count = sum(prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in BUFFERS)
    heads = {shape for shape in shapes.values() if shape[:1] == (classes,)}
    spare = sum(map(prod, heads)) // classes  # parameters of each class
    for name, known in zoo.metadata().items():
        if known["num_params"] == count + spare * (IMAGENET - classes) or name == "inception_v3":
            yield classes, name
