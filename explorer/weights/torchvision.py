"""Downloads torchvision's weights for our families, and converts them to ordinary weights files.

The downloads are pickles. A process saves them in PyTorch's cache, where other programs find them too
(:mod:`explorer.weights.download_worker`). Then the sandboxed process that reads all checkpoints converts them to
safetensors. The name of a download contains 32 bits of its checksum, which detect damage but not a forgery.
"""

import math
import tempfile
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from filelock import FileLock

from explorer import access
from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, shown
from explorer.families import FAMILIES, PRESETS, Spec, resolve
from explorer.families.naming import twin_of
from explorer.families.registry import titles
from explorer.files import sha256
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights import downloads
from explorer.weights.downloads import Download
from explorer.weights.files import Card, save
from explorer.workers.progress import Progress
from explorer.workers.subprocess_runner import LimitError

PREFIX = "torchvision:"
LICENSE = (
    "torchvision's weights: its code is under the BSD 3-Clause license; trained on ImageNet-1K, whose terms may bind"
)


@dataclass(frozen=True)
class TorchvisionWeights:
    """One member of a ``Weights`` enum of torchvision.

    Attributes:
        model: Name of the model.
        weights: Member of the enum, a ``torchvision.models.WeightsEnum``.
    """

    model: str
    weights: Any

    @property
    def path(self) -> Path:
        """Path of the converted weights file."""
        return settings().data_dir / "torchvision" / f"{self.weights!r}.safetensors"

    @property
    def download(self) -> Path:
        """Path of the download in the cache of torchvision's loader."""
        from torch.hub import get_dir

        return Path(get_dir(), "checkpoints", Path(urlparse(self.weights.url).path).name)

    @property
    def size(self) -> int:
        """Size of the download in bytes, rounded as in torchvision's documentation."""
        megabytes: float = self.weights.meta["_file_size"]
        return round(megabytes * 2**20)

    @property
    def spec(self) -> Spec:
        """Spec of the network without auxiliary heads. One of our own families if its tensors equal torchvision's."""
        preset = next((name for name in PRESETS if twin_of(name) == self.model), PREFIX + self.model)
        twin = resolve(preset).without_auxiliary_heads()
        (size,) = self.weights.transforms().crop_size
        return twin.changed(num_classes=len(self._classes), image_size=size)

    @property
    def _classes(self) -> tuple[str, ...]:
        return tuple(self.weights.meta["categories"] or map(str, range(1000)))

    def card(self, ignored: tuple[str, ...] = ()) -> Card:
        """Returns the card of the weights, with torchvision's accuracies as metrics.

        Args:
            ignored: Names of tensors of the download that were left out.
        """
        import torchvision

        meta, (metrics,) = self.weights.meta, self.weights.meta["_metrics"].items()
        data, accuracies = metrics
        return Card(
            name=f"{PREFIX}{self.weights!r}",
            spec=self.spec.to_dict(),
            classes=self._classes,
            preprocessing=self._inputs().to_dict(),
            metrics={
                name.replace("acc@", "torchvision/top"): round(value / 100, 6)
                for name, value in accuracies.items()
                if not math.isnan(value)
            },
            data={"name": data},
            made_by={
                "source": "torchvision",
                "version": torchvision.__version__,
                "weights": repr(self.weights),
                "url": self.weights.url,
                "recipe": meta["recipe"],
                "ignored": list(ignored),
            },
            license=LICENSE,
        )

    def _inputs(self) -> Preprocessing:
        transforms = self.weights.transforms()
        (size,), (resize,) = transforms.crop_size, transforms.resize_size
        if self.spec.tensorflow_inputs:
            # These networks were trained with this normalisation. torchvision's network converts ImageNet's
            # normalisation to it (transform_input).
            return Preprocessing(size, (0.5,) * 3, (0.5,) * 3, resize=resize)
        return Preprocessing(size, tuple(transforms.mean), tuple(transforms.std), resize=resize)


@cache
def catalogue() -> dict[str, TorchvisionWeights]:
    """Returns all members of the ``Weights`` enums of our families, by their full names."""
    from torchvision import models  # imported here because it takes a second

    return {
        f"{PREFIX}{weights!r}": TorchvisionWeights(model, weights)
        for model in models.list_models(module=models)
        if (kind := models.get_model_weights(model)).__module__.removeprefix("torchvision.models.") in FAMILIES
        for weights in kind
    }


@cache
def cards() -> dict[str, Card]:
    """Returns the cards of the catalogue. Cached, because a page lists them after every click."""
    return {name: source.card() for name, source in catalogue().items()}


def names() -> tuple[str, ...]:
    """Returns all names of weights: full names of enum members, and names of models for their best weights."""
    return (*catalogue(), *dict.fromkeys(f"{PREFIX}{source.model}" for source in catalogue().values()))


def find_weights(name: str) -> TorchvisionWeights:
    """Returns the weights with a name.

    Args:
        name: Name of a member, an enum or a model, with or without ``torchvision:``.

    Raises:
        InputError: If torchvision has no such weights for our families.
    """
    wanted = name.removeprefix(PREFIX)
    for source in catalogue().values():
        kind = type(source.weights)
        if wanted == repr(source.weights):
            return source
        if wanted in (source.model, kind.__name__, f"{kind.__name__}.DEFAULT"):
            return catalogue()[f"{PREFIX}{kind['DEFAULT']!r}"]
    close = get_close_matches(PREFIX + wanted[:60], names(), n=3, cutoff=0.0)
    raise InputError(
        _("weights: torchvision has no {value} among those of {families}; close names: {close}").format(
            value=shown(wanted), families=titles(), close=", ".join(close)
        )
    )


def fetch(name: str, progress: Progress) -> Path:
    """Returns the weights file of torchvision's weights. At the first use it downloads, checks and converts them.

    Args:
        name: Name of the weights, as in :func:`find_weights`.
        progress: Callback for the progress.

    Raises:
        InputError: If no weights have this name, or the file can't be downloaded. Names file, address and folder.
        ExplorerError: If the process for the conversion fails.
    """
    source = find_weights(name)
    path = source.path
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):  # another process may have made the file meanwhile
                if not path.is_file():
                    _make(source, progress)
        except OSError as error:
            raise InputError(
                _("the data folder {folder} can't be written: {reason}").format(
                    folder=path.parent, reason=error.strerror or _("no access")
                )
            ) from None
    return path


def _make(source: TorchvisionWeights, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix=".", dir=source.path.parent) as folder:
        output = Path(folder, source.path.name)
        if not source.download.exists():
            access.check_downloads(f"{PREFIX}{source.weights!r}")
        if not source.download.exists() and (fault := _download(source, output.parent, progress)):
            sentence = _(
                "{name}: {file} is not in {folder}, and the download failed ({reason}); put it there, from {address}"
            )
            raise _refusal(sentence, source, fault)
        _convert(source, output, progress)
        for file in (output.with_suffix(".json"), output):  # weights never exist without their card
            file.replace(source.path.with_name(file.name))


def _download(source: TorchvisionWeights, folder: Path, progress: Progress) -> str | None:
    """Downloads torchvision's file into PyTorch's cache; returns the reason if it fails, as in ``downloads.fetch``."""
    file = source.download
    return downloads.fetch(Download(source.weights.url, file, source.size, checksum_prefix(file)), folder, progress)


def _refusal(sentence: str, source: TorchvisionWeights, fault: str) -> InputError:
    return InputError(
        sentence.format(
            name=f"{PREFIX}{source.weights!r}", file=source.download.name, folder=source.download.parent,
            reason=fault, address=source.weights.url,
        )
    )  # fmt: skip


def _convert(source: TorchvisionWeights, output: Path, progress: Progress) -> None:
    """Converts torchvision's file to a weights file.

    Args:
        source: Weights of the file.
        output: New file, in an empty folder for the sandboxed process.
        progress: Callback for the progress.

    Raises:
        InputError: If the file can't be used, or takes too much time or memory.
        ExplorerError: If this machine has too little memory.
    """
    # Imported here because they are slow, and needed only for new files.
    from explorer.families.building import AUXILIARY, build, current_name
    from explorer.weights.importing.conversion import convert
    from explorer.weights.importing.file_formats import detect_format

    file = source.download
    step = _("reading {file}").format(file=file.name)
    progress(step, 0, 0)
    converted = output.with_name("converted.safetensors")
    try:
        if not sha256(file).startswith(checksum_prefix(file)):  # torchvision's loader only checks new downloads
            raise InputError(_("its checksum is wrong: it is cut short or another file"))
        tensors, _answer = convert(file, detect_format(file), converted, lambda *_progress: progress(step, 0, 0))
        tensors = {current_name(source.spec, key): tensor for key, tensor in tensors.items()}
        ignored = tuple(key for key in tensors if AUXILIARY.fullmatch(key.partition(".")[0]))
        network = build(source.spec, "meta")
        try:
            # torchvision's networks add the counters of batches that old files lack, and so do ours.
            network.load_state_dict({key: value for key, value in tensors.items() if key not in ignored}, assign=True)
        except RuntimeError as error:
            raise InputError(str(error)) from None
    except LimitError as error:
        raise LimitError(_("{file}: {fault}").format(file=file.name, fault=error)) from None
    except (OSError, InputError) as error:
        sentence = _(
            "{name}: {file} in {folder} can't be used ({reason}); delete it, and it is downloaded again, or put "
            "another there, from {address}"
        )
        raise _refusal(sentence, source, str(error)) from None
    save(output, network.state_dict(), source.card(ignored))


def checksum_prefix(file: Path) -> str:
    """Returns the beginning of a file's checksum, from its name. Empty if the name has none."""
    from torch.hub import HASH_REGEX

    match = HASH_REGEX.search(file.name)
    return match[1] if match else ""
