"""The names of boxes in a diagram."""

from explorer.analysis import Analysis, Layer
from explorer.analysis.result import Window
from explorer.drawing.tree import Node
from explorer.i18n import _

MAX_NAME = 16  # characters of a module's name; of longer names, only the last part is shown


def caption(analysis: Analysis, node: Node) -> str:
    """The caption under a box, in one or two lines."""
    if node.level == "run" and not node.children[0].children:
        return short_name(analysis.layers[node.layers[0]])
    if node.children:
        name = node.key.removeprefix("inception")
        if len(name) > MAX_NAME:
            name = "–".join(part.rpartition(".")[2] for part in name.split("–"))
        return name
    return short_name(analysis.layers[node.layers[0]])


def short_name(layer: Layer) -> str:
    """The name of a layer in one or two words; empty for additions."""
    if layer.kind == "Add":
        return ""
    if layer.window:
        pool = {"MaxPool2d": _("max\n{window}"), "AvgPool2d": _("avg\n{window}")}.get(layer.kind, "{window}")
        return "\n".join([pool.format(window=layer.window.kernel_and_stride), *_options(layer.window)])
    words = {"Linear": _("linear"), "Concat": _("concat"), "AdaptiveAvgPool2d": _("avg pool")}
    return words.get(layer.kind, layer.kind)


def _options(window: Window) -> list[str]:
    """Dilation and groups as in a cfg token, for a line of their own: there is no room for more under a box."""
    dilation = f"d{window.dilation[0]}" if max(window.dilation) > 1 else ""
    groups = f"g{window.groups}" if window.groups > 1 else ""
    return [f"{dilation}{groups}"] if dilation or groups else []
