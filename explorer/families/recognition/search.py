"""Which network a checkpoint holds, from the names and shapes of its tensors alone."""

from collections.abc import Mapping

from explorer.families.recognition.guess import Guess
from explorer.families.recognition.layers import Checkpoint, Shape
from explorer.families.registry import parts


def recognise(shapes: Mapping[str, Shape], *, ordered: bool, image_size: int | None = None) -> list[Guess]:
    """Networks that a checkpoint may hold, the likeliest first; none where nothing fits.

    Every family with a ``recognise`` module is asked. Where the names of one guess say what it is, guesses by shapes
    alone are left out; families whose module is a ``FALLBACK`` are asked where all others find nothing.

    Args:
        shapes: of the tensors by name, in the order of the file.
        ordered: whether that is the order in which modules were registered.
        image_size: side of the images in pixels, where somebody knows it.
    """
    checkpoint = Checkpoint.of(shapes, ordered=ordered, image_size=image_size)
    modules = parts("recognise").values()
    for fallback in (False, True):
        asked = [module for module in modules if getattr(module, "FALLBACK", False) == fallback]
        found = [list(module.guesses(checkpoint)) for module in asked]
        if any(guesses and guesses[0].told for guesses in found):
            found = [guesses for guesses in found if guesses and guesses[0].told]
        if any(found):
            return [guess for guesses in found for guess in guesses]
    return []
