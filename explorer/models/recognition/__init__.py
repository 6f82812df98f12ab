"""Which network a checkpoint holds, from the names and shapes of its tensors alone."""

from collections.abc import Mapping

from explorer.models.recognition import googlenet, resnet, vgg, zoo
from explorer.models.recognition.guess import Guess, Misfit, Question, assembled
from explorer.models.recognition.layers import Shape, read

__all__ = ["Guess", "Misfit", "Question", "assembled", "recognise"]


def recognise(shapes: Mapping[str, Shape], *, ordered: bool, image_size: int | None = None) -> list[Guess]:
    """Networks that a checkpoint may hold, the likeliest first; none where nothing fits.

    Args:
        shapes: of the tensors by name, in the order of the file.
        ordered: whether that is the order in which modules were registered.
        image_size: side of the images in pixels, where somebody knows it.
    """
    layers = read(shapes, ordered=ordered)
    if any(unit.early for unit in layers.units):  # which shapes alone would not show
        return list(zoo.guesses(shapes, ordered=ordered))
    residual, chains = list(resnet.guesses(layers)), list(vgg.guesses(layers, image_size))
    if residual and resnet.looks_residual(residual[0]):
        chains = []
    found = [*chains, *residual, *googlenet.guesses(layers)]
    return found or list(zoo.guesses(shapes, ordered=ordered))
