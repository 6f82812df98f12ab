"""Weights and their predictions as text for a terminal."""

from collections.abc import Iterable, Sequence

from explorer.cli.output import columns
from explorer.errors import printable
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction.confidence import FIXED_BY_INK
from explorer.prediction.image_files import Prediction
from explorer.weights.files import Card
from explorer.weights.registry import RegistryEntry

BAR = 20  # characters at a probability of 1


def table(entries: Iterable[RegistryEntry]) -> list[str]:
    """Returns a line for each file of weights: name, kind, accuracy, size, and title or fault."""
    rows = [
        (printable(entry.name), str(entry.origin), _accuracy(entry.card), _size(entry), _about(entry))
        for entry in entries
    ]
    return columns(rows)


def _accuracy(card: Card | None) -> str:
    """Returns the test accuracy, measured here or by torchvision."""
    for key in ("test/top1", "torchvision/top1"):
        if card and isinstance(value := card.metrics.get(key), float):
            return f"{value:.2%}"
    return ""


def _size(entry: RegistryEntry) -> str:
    try:
        return bytes_short(entry.path.stat().st_size)
    except OSError:  # weights of torchvision that are not downloaded, or deleted weights
        return _("not downloaded")


def _about(entry: RegistryEntry) -> str:
    if entry.card is None:
        return _("broken: {reason}").format(reason=entry.fault)
    title, data = printable(entry.card.name), printable(entry.card.data.get("name", ""))
    if not data:
        return title
    if title == entry.name:
        return _("trained on {data}").format(data=data)
    return _("{title}, trained on {data}").format(title=title, data=data)


def predictions(results: Sequence[Prediction]) -> str:
    """Returns pictures with their most probable classes, notes and warnings."""
    width = max((len(candidate.name) for one in results for candidate in one.top), default=0)
    lines: list[str] = []
    for one in results:
        lines.append(printable(one.image))
        lines += [
            f"  {top.probability:7.2%}  {top.name.ljust(width)}  {'█' * round(BAR * top.probability)}".rstrip()
            for top in one.top
        ]
        lines += [f"  {line}" for line in _verdict_lines(one)]
    if any(warning.code in FIXED_BY_INK for one in results if one.verdict for warning in one.verdict.warnings):
        lines.append(
            _("--ink finds the strokes and centres them like the network's own; --invert swaps light and dark.")
        )
    return "\n".join(lines)


def _verdict_lines(one: Prediction) -> list[str]:
    if one.verdict is None:
        return []
    lines = [_("Note: {sentence}").format(sentence=note) for note in one.verdict.notes]
    lines += [_("Warning: {sentence}").format(sentence=warning.message) for warning in one.verdict.warnings]
    if not one.verdict.stands_out:
        lines.append(_("Not sure: no class stands out."))
    elif not one.verdict.is_sure:
        lines.append(_("Not sure: see the warning."))
    return lines
