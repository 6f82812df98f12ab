"""torchvision's other models, by torchvision's own names and shapes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import isqrt, prod

from explorer.errors import SpecError
from explorer.i18n import _
from explorer.models import zoo
from explorer.models.recognition.guess import Guess, Question, auxiliary, our_shapes
from explorer.models.recognition.layers import Shape, natural
from explorer.specs import ZooSpec

BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index", "relative_coords_table")
IMAGENET = 1000  # classes of torchvision's own weights
POSITIONS = "encoder.pos_embedding"
WITH_HEADS = "inception_v3"  # whose published count includes auxiliary heads


def guesses(shapes: Mapping[str, Shape]) -> Iterator[Guess]:
    """The models of torchvision whose tensors these are."""
    main = {name: shape for name, shape in shapes.items() if not auxiliary(name)}
    for name, classes in _alike(main):
        with suppress(SpecError):
            fields = {"family": "torchvision", "name": name, "num_classes": classes}
            spec = ZooSpec.parse(fields | _image_size(main))
            if our_shapes(spec) == main:
                ignored = tuple(name for name in shapes if name not in main)
                notes = (_("Auxiliary heads help in training only and are left out."),) if ignored else ()
                image = Question("image_size", _("How many pixels has a side of the images?"), spec.image_size)
                told = POSITIONS in shapes  # a vision transformer has one for each patch
                questions = () if told else (image,)
                yield Guess(spec, {name: name for name in main}, ignored=ignored, notes=notes, questions=questions)


def _alike(shapes: Mapping[str, Shape]) -> Iterator[tuple[str, int]]:
    """Models with as many parameters, and the classes: cheap to know, where building every model would not be."""
    last = max((name for name in shapes if name.split(".")[0] in zoo.HEAD), key=natural, default="")
    module = last.rpartition(".")[0]
    head = [shape for name, shape in shapes.items() if name.rpartition(".")[0] == module]
    if not last or not head[0]:
        return
    classes = head[0][0]
    count = sum(prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in BUFFERS)
    expected = count + sum(map(prod, head)) // classes * (IMAGENET - classes)
    for name, known in zoo.metadata().items():
        patches = name.startswith("vit_") and POSITIONS in shapes  # as many positions as the images have patches
        if known["num_params"] == expected or name == WITH_HEADS or patches:
            yield name, classes


def _image_size(shapes: Mapping[str, Shape]) -> dict[str, int]:
    """Of a vision transformer the positions tell it; elsewhere it stays the model's own."""
    positions, patch = shapes.get(POSITIONS, ()), shapes.get("conv_proj.weight", ())
    if len(positions) != 3 or len(patch) != 4:
        return {}
    return {"image_size": isqrt(max(positions[1] - 1, 1)) * patch[3]}
