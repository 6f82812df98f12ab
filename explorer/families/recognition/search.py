"""The search for the network of a checkpoint, by the names and shapes of its tensors."""

from collections.abc import Mapping

from explorer.families.recognition.guess import Guess
from explorer.families.recognition.layers import Checkpoint, Shape
from explorer.families.registry import parts
from explorer.specs.size import Size


def recognise(shapes: Mapping[str, Shape], *, ordered: bool, image_size: int | Size | None = None) -> list[Guess]:
    """Networks that a checkpoint may hold, the likeliest first; empty if none fits.

    The search asks every family with a ``recognise`` module. If a guess of its family is certain, guesses by shapes
    alone are left out. Families whose module is a ``FALLBACK`` are asked only if all others find nothing.

    Args:
        shapes: Shapes of the tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered.
        image_size: Size of the images in pixels; None if unknown.
    """
    checkpoint = Checkpoint.of(shapes, ordered=ordered, image_size=image_size)
    modules = parts("recognise").values()
    for fallback in (False, True):
        recognisers = [module for module in modules if getattr(module, "FALLBACK", False) == fallback]
        found = [list(module.guesses(checkpoint)) for module in recognisers]
        if certain := [guesses for guesses in found if guesses and guesses[0].is_certain]:
            found = certain
        if any(found):
            return [guess for guesses in found for guess in guesses]
    return []
