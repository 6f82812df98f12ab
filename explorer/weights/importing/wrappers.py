"""Removes the wrappers of a network's tensors: dictionaries around them, and prefixes of their names.

All functions are pure and work on nested dictionaries. A tensor is any object with a shape. A network is recognised by
a matrix or kernel: a tensor with more than one element along at least two dimensions.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from explorer.errors import InputError, readable, shown
from explorer.i18n import _
from explorer.weights.importing.class_names import decode_value

DEPTH = 8  # levels of nested dictionaries to search
MAX_DICTIONARIES = 10_000
MAX_TENSORS = 20_000
MAX_TEXT = 1_000  # characters of a text in the metadata
MAX_LIST = 25_000  # values of a list in the metadata: enough for the classes of ImageNet-21k
MAX_METADATA = 2_000_000  # characters of its JSON

# Keys of training states, which predictions don't need.
STATE = re.compile(r"optim|sched|scaler|callback|criterion|loss|(^|_)rng|^loops$|^amp$", re.IGNORECASE)
# Names of tensors of losses and metrics that are modules of the network.
LOSS = re.compile(
    r"((\w+_)?(criterion|loss)(_\w+)?|(train|val|valid|test)_\w+|metrics?|\w+_metrics?)\.|class_weights?$"
)
# Keys of the means of the weights over the run.
MEAN = re.compile(r"(^|_)(ema|swa|averaged?|shadow)(_|$)|^teacher", re.IGNORECASE)
# Parts of names from DataParallel, DistributedDataParallel, torch.compile, FSDP, activation checkpointing, DeepSpeed.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}
# Counters of torch.optim.swa_utils.AveragedModel, of ema-pytorch, and of thop, which counts operations.
COUNTERS = re.compile(r"n_averaged|initted|step|num_updates|decay|(.+\.)?total_(ops|params)")
# Names of statistics in a first layer that normalises images, as in adversarial training.
MEAN_OF_PIXELS = re.compile(r"(|.*[._])(|new_)(mean|mu)")
STD_OF_PIXELS = {"mean": "std", "mu": "sigma"}
CHANNELS = (1, 3)

Named = dict[str, Any]


class ArrayStub:
    """Stub for a NumPy array. It has only the shape."""

    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Unwrapped:
    """A network's tensors without wrappers, and the rest of the file (see ``Checkpoint``)."""

    tensors: Named
    metadata: dict[str, Any]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    path: tuple[str, ...]
    tensors: Named
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    pixels: dict[str, list[float]]

    @property
    def dotted_path(self) -> str:
        return ".".join(self.path)

    @property
    def is_mean(self) -> bool:
        return any(MEAN.search(part) for part in self.path)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


def unwrap(content: object) -> Unwrapped:
    """Returns the tensors of the one network in a checkpoint, by their names without prefixes, in order.

    If the checkpoint also holds a mean of the weights (EMA, SWA), it returns the mean. Training code stores the mean
    for evaluation, and timm and torchvision report its accuracy.

    Args:
        content: Content of the file: nested dictionaries with tensors somewhere.

    Raises:
        InputError: If there is no network, or several, or a limit is exceeded. Does not name the file.
    """
    if isinstance(content, list | tuple):  # list(state_dict.items()), or (state_dict, epoch)
        mappings = {str(index): value for index, value in enumerate(content) if isinstance(value, Mapping)}
        content = dict(content) if _are_pairs(content) else mappings or None
    if not isinstance(content, Mapping):
        raise InputError(_("it holds no tensors by name; save it with torch.save(model.state_dict(), …)"))
    states, arrays, candidates = _search(content)
    if not candidates:
        raise InputError(_no_network(content, states, arrays))
    chosen, notes = _choose(candidates)
    others = [
        name
        for other in candidates
        if other is not chosen
        for name in ([other.dotted_path] if other.path else other.tensors)
    ]
    if chosen.path:
        notes = [_("the tensors are under {place}").format(place=shown(chosen.dotted_path)), *notes]
    if states:
        notes.append(_("left out, as predictions don't need them: {names}").format(names=_listed(states)))
    return Unwrapped(
        chosen.tensors,
        chosen.pixels | _metadata(content, chosen.path),
        (*others, *states, *chosen.ignored),
        (*notes, *chosen.notes),
    )


def holds_network(content: object) -> bool:
    """Returns whether the content of a file has a named matrix or kernel outside of training states."""
    return isinstance(content, Mapping) and bool(_search(content)[2])


def _search(content: Mapping[Any, Any]) -> tuple[list[str], list[str], list[_Candidate]]:
    """Returns names of training states, names of weights that are NumPy arrays, and all candidates, breadth first."""
    states: list[str] = []
    arrays: list[str] = []
    candidates: list[_Candidate] = []
    queue: list[tuple[tuple[str, ...], Mapping[Any, Any]]] = [((), content)]
    seen = {id(content)}
    for path, mapping in queue:
        candidates += _candidates(path, mapping)
        named = {
            ".".join((*path, key)): value
            for key, value in mapping.items()
            if isinstance(key, str) and isinstance(value, ArrayStub)
        }
        arrays += named if _is_network(named) else ()
        for key, value in mapping.items():
            if not isinstance(key, str) or not isinstance(value, Mapping | list | tuple) or not value:
                continue
            if _is_state(key, value):
                states.append(".".join((*path, key)))
            elif isinstance(value, Mapping) and id(value) not in seen and len(path) < DEPTH:
                seen.add(id(value))
                queue.append(((*path, key), value))
        if len(queue) > MAX_DICTIONARIES:
            raise InputError(
                _("it holds more than {limit:,} dictionaries; save only the network's state_dict").format(
                    limit=MAX_DICTIONARIES
                )
            )
    return states, arrays, candidates


def _is_state(key: object, value: object) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return False
    return (isinstance(key, str) and bool(STATE.search(key))) or (
        isinstance(value, Mapping) and "param_groups" in value
    )


def _candidates(path: tuple[str, ...], mapping: Mapping[Any, Any]) -> Iterator[_Candidate]:
    named = {key: value for key, value in mapping.items() if isinstance(key, str) and _is_tensor(value)}
    if len(named) > MAX_TENSORS:
        raise InputError(
            _("it holds {count:,} tensors, and at most {limit:,} are allowed").format(
                count=len(named), limit=MAX_TENSORS
            )
        )
    means = {first: name for name in named if MEAN.search(first := name.partition(".")[0]) and "." in name}
    for first in means:  # the mean may be a module next to the trained network
        inside = {name: named.pop(name) for name in list(named) if name.startswith(f"{first}.")}
        if _is_network(inside):
            yield _clean((*path, first), inside)
    if _is_network(named):
        yield _clean(path, named)


def _is_tensor(value: object) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _are_pairs(values: Sequence[object]) -> bool:
    return all(isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in values)


def _is_network(named: Named) -> bool:
    return any(sum(side > 1 for side in tensor.shape) > 1 for tensor in named.values())


def _clean(path: tuple[str, ...], named: Named) -> _Candidate:
    """Removes wrappers and the common prefix from the names, which stay unique."""
    ignored = [name for name in named if COUNTERS.fullmatch(name) or LOSS.match(name) or 0 in named[name].shape]
    if _is_network(remaining := {name: tensor for name, tensor in named.items() if name not in ignored}):
        named = remaining
    else:
        ignored = []
    notes = []
    pixels = _pixel_statistics(named)
    if pixels:
        named = {name: tensor for name, tensor in named.items() if name not in pixels}
        notes.append(
            _("{names} normalise the images, and are not part of the network").format(names=_listed([*pixels]))
        )
    for wrapper in sorted(WRAPPERS):
        shorter = {".".join(part for part in name.split(".") if part != wrapper) or name: name for name in named}
        if len(shorter) == len(named) and shorter.keys() != named.keys():
            named = {short: named[name] for short, name in shorter.items()}
            notes.append(_("{prefix} was removed from the names").format(prefix=shown(wrapper)))
    prefix = ""
    while len(firsts := {name.partition(".")[0] for name in named}) == 1 and all(name.count(".") > 1 for name in named):
        prefix += f"{firsts.pop()}."
        named = {name.partition(".")[2]: tensor for name, tensor in named.items()}
    if prefix:
        notes.append(_("{prefix}, with which all names began, was removed").format(prefix=shown(prefix)))
    if ignored:
        notes.append(_("left out, as predictions don't need them: {names}").format(names=_listed(ignored)))
    statistics = dict(zip(("mean", "std"), pixels.values(), strict=False))
    return _Candidate(path, named, (*ignored, *pixels), tuple(notes), statistics)


def _rounded(tensor: Any) -> list[float]:
    """Returns the values with the digits that they had before the conversion to float32."""
    return [float(f"{value:.7g}") for value in tensor.reshape(-1).tolist()]


def _pixel_statistics(named: Named) -> dict[str, list[float]]:
    """Returns mean and standard deviation by name if the network normalises its images itself. Otherwise empty."""
    found: dict[str, list[float]] = {}
    for name, tensor in named.items():
        if (match := MEAN_OF_PIXELS.fullmatch(name)) and math.prod(tensor.shape) in CHANNELS:
            other = f"{match[1]}{match[2]}{STD_OF_PIXELS[match[3]]}"
            if other in named and named[other].shape == tensor.shape:
                found |= {key: _rounded(named[key]) for key in (name, other)}
    return found


def _choose(candidates: list[_Candidate]) -> tuple[_Candidate, list[str]]:
    """Returns the one network among the candidates, and notes on the choice."""
    if len(candidates) == 1:
        return candidates[0], []
    means = [candidate for candidate in candidates if candidate.is_mean]
    plain = [candidate for candidate in candidates if not candidate.is_mean]
    if len(plain) == 1:
        trained = plain[0]
        for mean in means:
            if mean.shapes == trained.shapes:
                return mean, [
                    _(
                        "{mean} holds the mean of the weights over the run, which evaluation uses; the weights "
                        "of the last step were left out"
                    ).format(mean=shown(mean.dotted_path))
                ]
        return trained, [
            _("{mean} holds a mean of some of the weights, or of another network's; it was left out").format(
                mean=shown(mean.dotted_path)
            )
            for mean in means
        ]
    alike = plain or means
    if all(other.shapes == alike[0].shapes for other in alike):
        best = next((one for one in alike if "best" in one.dotted_path.lower()), alike[0])
        return best, [
            _("of several states of the same network ({names}), {taken} was used").format(
                names=_listed([one.dotted_path for one in alike]), taken=shown(best.dotted_path)
            )
        ]
    raise InputError(
        _("it holds several networks, {names}; save only the one that you mean").format(
            names=_listed([one.dotted_path or "." for one in alike])
        )
    )


def _no_network(content: Mapping[Any, Any], states: list[str], arrays: list[str]) -> str:
    if arrays:
        return _(
            "the values under {names} are NumPy arrays and not tensors; save them as "
            "torch.save({{k: torch.from_numpy(v) for k, v in weights.items()}}, …)"
        ).format(names=_listed(arrays))
    if "param_groups" in content or states:
        return _("it holds the state of a training run without the network; import the file with the weights")
    if any(_is_tensor(value) and not isinstance(key, str) for key, value in content.items()):
        return _("its tensors have no names but other keys; save it with torch.save(model.state_dict(), …)")
    if any(isinstance(value, list | tuple) and any(map(_is_tensor, value)) for value in content.values()):
        return _("it holds lists of tensors without names; save it with torch.save(model.state_dict(), …)")
    return _("it holds no network: no matrix or kernel has a name")


def _metadata(content: Mapping[Any, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Returns the JSON-ready values around the network, within limits. Outer values take precedence over inner ones."""
    values: dict[str, Any] = {}
    room = MAX_METADATA
    level: Any = content
    for part in (*path, None):
        if not isinstance(level, Mapping):  # the last part of the path is a prefix of the names
            break
        innermost = not isinstance(level.get(part), Mapping)
        for key, value in level.items():
            if key == part or (innermost and _is_tensor(value)) or _is_state(key, value):
                continue
            text, plain = _text(key), _json_value(decode_value(key, value))
            if text is None or plain is None or text in values:
                continue
            size = len(text) + len(json.dumps(plain))
            if size <= room:
                room -= size
                values[text] = plain
        level = level.get(part)
    return values


def _json_value(value: Any, depth: int = 3) -> Any:
    """Returns a value as JSON has it. None for any other type, and if it is too large."""
    match value:
        case bool():
            return value
        case int():
            return value if abs(value) < 2**63 else None
        case float():
            return value if math.isfinite(value) else None
        case str():
            return _text(value)
        case list() | tuple() | set() if depth and len(value) <= MAX_LIST:
            items = [_json_value(item, depth - 1) for item in value]
            return items if items and None not in items else None
        case Mapping() if depth and len(value) <= MAX_LIST:
            if any(_is_tensor(item) and len(item.shape) for item in value.values()):  # another network
                return None
            pairs = {_text(key): _json_value(item, depth - 1) for key, item in value.items()}
            return {key: item for key, item in pairs.items() if key is not None and item is not None} or None
    if _is_tensor(value) and len(value.shape) < 2 and math.prod(value.shape) <= 16:
        with suppress(RuntimeError, NotImplementedError):  # if the tensor has no values
            return _json_value(value.tolist(), depth)
    return None


def _text(key: object) -> str | None:
    if isinstance(key, str | int) and (not isinstance(key, int) or abs(key) < 2**63):
        text = str(key)
        return text if len(text) <= MAX_TEXT and readable(text) else None
    return None


def _listed(names: list[str]) -> str:
    """Returns up to four names as text, and the number of the others."""
    quoted = ", ".join(shown(name) for name in names[:4])
    return quoted if len(names) <= 4 else _("{names} and {more} more").format(names=quoted, more=len(names) - 4)
