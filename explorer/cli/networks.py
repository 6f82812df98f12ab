"""The networks that commands take: names and specs, ONNX files, and classes in files of Python."""

import re
import sys
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.output import print_text
from explorer.errors import InputError, shown
from explorer.families import Spec, resolve
from explorer.families.presets import check_name
from explorer.graphs import SUFFIX, read
from explorer.i18n import _
from explorer.specs.base import read_size
from explorer.specs.size import height_width

if TYPE_CHECKING:
    from explorer.analysis import Analysis

_CODE = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)")


def has_spec(text: str) -> bool:
    """Whether a text names a network of this product, not an ONNX file or the user's own code."""
    return text.lstrip().startswith("{") or not (text.lower().endswith(SUFFIX) or _CODE.fullmatch(text))


def named_spec(text: str, image_size: str | None) -> Spec:
    """Returns the spec that a text names, with another image size, such as ``224x160``, if one is given.

    Raises:
        InputError: If it is no network.
    """
    spec = resolve(text)
    check_name(spec)  # before torch is imported, which takes seconds
    return spec if image_size is None else spec.changed(image_size=read_size(image_size))


def analysis_of(text: str, image_size: str | None = None, **options: Any) -> "Analysis":
    """Analyses the network that a text names.

    Args:
        text: Name or spec, ``FILE.onnx``, or ``FILE.py:CLASS``. A file of Python is run, with the rights of its user.
        image_size: Size of the image, such as ``224`` or ``224x160``. None for the network's own.
        options: Options of the training memory. How an ONNX file would train is unknown.

    Raises:
        InputError: If it is no network, or can't be analysed.
    """
    if has_spec(text):
        spec = named_spec(text, image_size)
        from explorer.analysis import analyse  # imports torch

        return analyse(spec, **options)
    size = None if image_size is None else read_size(image_size)
    if code := _CODE.fullmatch(text):
        from explorer.analysis.modules import analyse_module

        try:
            return analyse_module(_module(Path(code["file"]), code["name"]), image_size=size, **options)
        except SystemExit:
            raise InputError(_("{file}: its code ends the program").format(file=Path(code["file"]).name)) from None
    path = Path(text)
    try:
        sides = None if size is None else height_width(size)
        graph = read(path, sides)
        if sides is not None and graph.shape[2:] != sides:
            raise InputError(
                _("image_size: it fixes the image to {height}×{width}").format(
                    height=graph.shape[2], width=graph.shape[3]
                )
            )
        from explorer.analysis.graphs import analyse_graph

        return analyse_graph(graph, path.stem)
    except InputError as error:
        raise InputError(_("{file}: {problem}").format(file=path.name, problem=error)) from None


def _module(path: Path, name: str) -> Any:
    if not path.is_file():
        raise InputError(_("{file}: there is no such file").format(file=shown(str(path))))
    print_text(_("{file} runs on this machine, with your rights.").format(file=path.name), err=True)
    spec = util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101  the file's name ends in .py
    assert spec.loader is not None  # noqa: S101
    module = util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.parent.absolute()))  # as Python does with a script
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise any
        raise InputError(
            _("{file}: it can't be run: {reason}").format(file=path.name, reason=_reason(error))
        ) from error
    found = getattr(module, name, None)
    if found is None:
        raise InputError(_("{file}: it has no {name}").format(file=path.name, name=name))
    from torch import nn

    if isinstance(found, nn.Module) or not callable(found):
        return found
    try:
        return found()
    except Exception as error:  # as above
        raise InputError(
            _("{file}: {name} can't be made without arguments: {reason}").format(
                file=path.name, name=name, reason=_reason(error)
            )
        ) from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
