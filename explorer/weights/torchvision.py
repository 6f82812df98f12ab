"""torchvision's own weights of the three families: fetched by its own loader, then a weights file like any other.

They are pickles. One process downloads them into PyTorch's cache, where other programs find them too
(:mod:`explorer.weights.torchvision_worker`). The confined process that reads every checkpoint turns them into
safetensors: their names hold 32 bits of a checksum, which tell a damaged file and not one that was made to deceive.
"""

import math
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlparse
from urllib.request import getproxies, proxy_bypass

from filelock import FileLock

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, shown
from explorer.families import FAMILIES, PRESETS, Spec, resolve
from explorer.families.naming import twin_of
from explorer.families.registry import titles
from explorer.files import sha256
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights.files import Card, save
from explorer.workers import sandbox, subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.subprocess_runner import LimitError, Limits

PREFIX = "torchvision:"
WORKER = "explorer.weights.torchvision_worker"
LONGEST = 86_400.0  # seconds: a download that stands still ends much sooner
LONGEST_CONNECTING = 8.0  # seconds: without a network a name may be looked up for a minute
# What downloads need of the server's environment.
FOR_DOWNLOADS = {"SSL_CERT_FILE", "SSL_CERT_DIR"} | {
    name for proxy in ("http_proxy", "https_proxy", "no_proxy") for name in (proxy, proxy.upper())
}
LICENSE = (
    "torchvision's weights: its code is under the BSD 3-Clause license; trained on ImageNet-1K, whose terms may bind"
)


@dataclass(frozen=True)
class Source:
    """One entry of a ``Weights`` enum.

    Attributes:
        model: name of the model that it belongs to.
        weights: the entry, a ``torchvision.models.WeightsEnum``.
    """

    model: str
    weights: Any

    @property
    def path(self) -> Path:
        """Of the weights file that is made of it."""
        return settings().data_dir / "torchvision" / f"{self.weights!r}.safetensors"

    @property
    def download(self) -> Path:
        """Where torchvision's loader looks for its file, and puts it."""
        from torch.hub import get_dir

        return Path(get_dir(), "checkpoints", Path(urlparse(self.weights.url).path).name)

    @property
    def size(self) -> int:
        """Of its file in bytes, as exact as torchvision's documentation."""
        megabytes: float = self.weights.meta["_file_size"]
        return round(megabytes * 2**20)

    @property
    def spec(self) -> Spec:
        """The network: one of our own families where it is torchvision's tensor by tensor, without auxiliary heads."""
        preset = next((name for name in PRESETS if twin_of(name) == self.model), PREFIX + self.model)
        twin = resolve(preset).without_auxiliary_heads()
        (size,) = self.weights.transforms().crop_size
        return twin.changed(num_classes=len(self._classes), image_size=size)

    @property
    def _classes(self) -> tuple[str, ...]:
        return tuple(self.weights.meta["categories"] or map(str, range(1000)))

    def card(self, ignored: tuple[str, ...] = ()) -> Card:
        """What torchvision says of the weights, with its own figures under its own name.

        Args:
            ignored: tensors of the file that are left out.
        """
        import torchvision

        meta, (figures,) = self.weights.meta, self.weights.meta["_metrics"].items()
        data, accuracies = figures
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
            # With its weights torchvision's network itself turns ImageNet's normalisation into this one, which its
            # makers trained with (transform_input).
            return Preprocessing(size, (0.5,) * 3, (0.5,) * 3, resize=resize)
        return Preprocessing(size, tuple(transforms.mean), tuple(transforms.std), resize=resize)


@cache
def catalogue() -> dict[str, Source]:
    """Every entry of the families' ``Weights`` enums, by its full name."""
    from torchvision import models  # a second of import, needed for these weights only

    return {
        f"{PREFIX}{weights!r}": Source(model, weights)
        for model in models.list_models(module=models)
        if (kind := models.get_model_weights(model)).__module__.removeprefix("torchvision.models.") in FAMILIES
        for weights in kind
    }


@cache
def cards() -> dict[str, Card]:
    """The cards of the catalogue: a page lists them with every click."""
    return {name: source.card() for name, source in catalogue().items()}


def names() -> tuple[str, ...]:
    """What can be asked for: entries by their full names, and models by theirs, whose best weights are meant."""
    return (*catalogue(), *dict.fromkeys(f"{PREFIX}{source.model}" for source in catalogue().values()))


def choose(name: str) -> Source:
    """The weights of a name, with or without ``torchvision:``: of an entry, of an enum or of a model.

    Raises:
        InputError: where torchvision has no such weights of the three families.
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
    """The weights file of torchvision's weights, downloaded, checked and converted where it is not there yet.

    Raises:
        InputError: where there are none of this name; naming file, address and folder where it can't be had.
        ExplorerError: where the process that converts failed.
    """
    source = choose(name)
    path = source.path
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):  # of two that ask, the second finds it there
                if not path.is_file():
                    _convert(source, progress)
        except OSError as error:
            raise InputError(
                _("the data folder {folder} can't be written: {reason}").format(
                    folder=path.parent, reason=error.strerror or _("no access")
                )
            ) from None
    return path


def _convert(source: Source, progress: Progress) -> None:
    file = source.download
    with tempfile.TemporaryDirectory(prefix=".", dir=source.path.parent) as folder:
        output = Path(folder, source.path.name)
        if not file.exists() and (
            fault := _unreachable(source, progress) or _downloaded(source, output.parent, progress)
        ):
            sentence = _(
                "{name}: {file} is not in {folder}, and the download failed ({reason}); put it there, from {address}"
            )
            raise _refusal(sentence, source, fault)
        _read(source, output, progress)
        for made in (output.with_suffix(".json"), output):  # where the weights are, the card is, too
            made.replace(source.path.with_name(made.name))


def _refusal(sentence: str, source: Source, fault: str) -> InputError:
    return InputError(
        sentence.format(
            name=f"{PREFIX}{source.weights!r}", file=source.download.name, folder=source.download.parent,
            reason=fault, address=source.weights.url,
        )
    )  # fmt: skip


def _unreachable(source: Source, progress: Progress) -> str | None:
    """Why nothing can be downloaded from where a file is, found out before a process for that is started."""
    address = urlparse(source.weights.url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    progress(_("connecting to {host}").format(host=host), 0, 0)
    if (proxy := getproxies().get(address.scheme)) and not proxy_bypass(host):
        through = urlparse(proxy if "://" in proxy else f"//{proxy}")
        host, port = through.hostname or "", through.port or (443 if through.scheme == "https" else 80)
    reasons = [_("{host} did not answer within {limit:.0f} seconds").format(host=host, limit=LONGEST_CONNECTING)]

    def connect() -> None:
        try:
            socket.create_connection((host, port), LONGEST_CONNECTING).close()
        except OSError as error:
            reasons.append(_("{host} can't be reached: {reason}").format(host=host, reason=error.strerror or error))
        else:
            reasons.append("")

    # A look-up of a name can't be given a limit, so it is left behind where it takes too long.
    attempt = Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(LONGEST_CONNECTING)
    return reasons[-1] or None


def _downloaded(source: Source, folder: Path, progress: Progress) -> str | None:
    """Have torchvision's file put into PyTorch's cache, or say why it can't be had.

    Args:
        source: of the file.
        folder: for temporary files.
        progress: told how much has come.
    """
    file, before = source.download, set(_partial(source.download))

    def watch(_step: str, _done: int, _total: int) -> None:
        done = max((_bytes(part) for part in set(_partial(file)) - before), default=0)
        progress(_("downloading {file}").format(file=file.name), min(done, source.size), source.size)

    inherited = {name: value for name, value in os.environ.items() if name in FOR_DOWNLOADS}
    request = {"address": source.weights.url, "file": str(file.absolute())}
    try:
        subprocess_runner.call(
            WORKER, request, Limits(LONGEST), watch, environment=sandbox.environment(folder) | inherited
        )
    except InputError as error:
        return str(error)
    finally:
        for part in set(_partial(file)) - before:  # of a process that was stopped
            part.unlink(missing_ok=True)
    return None


def _read(source: Source, output: Path, progress: Progress) -> None:
    """Make a weights file of torchvision's.

    Args:
        source: The entry of the file.
        output: The file to write, in a folder of its own that a process may fill.
        progress: Told that the file is read.

    Raises:
        InputError: The file can't be used, or reading it takes too much.
        ExplorerError: This machine is short of memory.
    """
    # Slow to import, and needed for a new file only.
    from explorer.families.building import AUXILIARY, build, current_name
    from explorer.weights.importing.conversion import convert
    from explorer.weights.importing.kinds import kind_of

    file = source.download
    step = _("reading {file}").format(file=file.name)
    progress(step, 0, 0)
    converted = output.with_name("converted.safetensors")
    try:
        if not sha256(file).startswith(digest(file)):  # the loader checks what it downloads, and not what is there
            raise InputError(_("its checksum is wrong: it is cut short or another file"))
        tensors, _about = convert(file, kind_of(file), converted, lambda *_told: progress(step, 0, 0))
        tensors = {current_name(source.spec, key): tensor for key, tensor in tensors.items()}
        ignored = tuple(key for key in tensors if AUXILIARY.fullmatch(key.partition(".")[0]))
        network = build(source.spec, "meta")
        try:
            # Counters of batches that old files lack are added here, as torchvision's networks do.
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


def digest(file: Path) -> str:
    """The beginning of a file's checksum, which stands in its name; empty where the name has none."""
    from torch.hub import HASH_REGEX

    found = HASH_REGEX.search(file.name)
    return found[1] if found else ""


def _partial(file: Path) -> Iterator[Path]:
    """What torchvision's loader has of a file while it downloads."""
    return (path for path in file.parent.glob("*.partial") if path.name.startswith(f"{file.name}."))


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is whole by now, and has its name
        return 0
