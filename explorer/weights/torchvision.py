"""torchvision's own weights of the three families: fetched by its own loader, then a weights file like any other.

They are pickles. One process downloads them into PyTorch's cache, where other programs find them too; another, which
is confined, reads them and writes safetensors (:mod:`explorer.weights.torchvision_worker`).
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
from typing import Annotated, Any
from urllib.parse import urlparse
from urllib.request import getproxies, proxy_bypass

from filelock import FileLock
from pydantic import BaseModel, Field, ValidationError

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError, printable, shown
from explorer.families import FAMILIES, PRESETS, Spec, resolve
from explorer.families.naming import twin_of
from explorer.families.registry import titles
from explorer.i18n import _
from explorer.settings import settings
from explorer.weights.files import Card
from explorer.workers import sandbox, subprocess_runner
from explorer.workers.progress import Progress

PREFIX = "torchvision:"
WORKER = "explorer.weights.torchvision_worker"
LONGEST = 86_400.0  # seconds: a download that stands still ends much sooner
LONGEST_CONNECTING = 8.0  # seconds: without a network a name may be looked up for a minute
LONGEST_READING = 180.0  # seconds
BASE_MEMORY = 1_300_000_000  # bytes of a process that has imported torchvision
COPIES = 4  # of the file: read, taken apart, encoded, one to spare
# What downloads need of the server's environment.
FOR_DOWNLOADS = {"SSL_CERT_FILE", "SSL_CERT_DIR"} | {
    name for proxy in ("http_proxy", "https_proxy", "no_proxy") for name in (proxy, proxy.upper())
}
LICENSE = (
    "torchvision's weights: its code is under the BSD 3-Clause license; trained on ImageNet-1K, whose terms may bind"
)


class Answer(BaseModel):
    """What a process says when it is done: why it can't be had, if it can't."""

    fault: Annotated[str, Field(max_length=1000)] | None


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
        if fault := _read(source, output, progress):
            sentence = _(
                "{name}: {file} in {folder} can't be used ({reason}); delete it, and it is downloaded again, or put "
                "another there, from {address}"
            )
            raise _refusal(sentence, source, fault)
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

    def watch(_seconds: float, _used: int) -> None:
        done = max((_bytes(part) for part in set(_partial(file)) - before), default=0)
        progress(_("downloading {file}").format(file=file.name), min(done, source.size), source.size)

    inherited = {name: value for name, value in os.environ.items() if name in FOR_DOWNLOADS}
    try:
        answer = subprocess_runner.run(
            WORKER, "download", repr(source.weights), str(file.absolute()),
            text="", longest=LONGEST, watch=watch, environment=sandbox.environment(folder) | inherited,
        )  # fmt: skip
    finally:
        for part in set(_partial(file)) - before:  # of a process that was stopped
            part.unlink(missing_ok=True)
    return Answer.model_validate_json(answer).fault


def _read(source: Source, output: Path, progress: Progress) -> str | None:
    """Have a weights file made of torchvision's, or say why that can't be used.

    Args:
        source: of the file.
        output: to write, in a folder of its own that the process may fill.
        progress: told that it is read.

    Raises:
        InputError: where it takes too much.
    """
    file, most = source.download, BASE_MEMORY + COPIES * source.size

    def watch(seconds: float, used: int) -> None:
        if used > most:
            raise InputError(
                _("reading {file} took more than {limit:.1f} GB of memory and was stopped").format(
                    file=file.name, limit=most / 1e9
                )
            )
        if seconds > LONGEST_READING:  # before the run says so without the file's name
            raise InputError(
                _("reading {file} took longer than {limit:.0f} seconds and was stopped").format(
                    file=file.name, limit=LONGEST_READING
                )
            )
        progress(_("reading {file}").format(file=file.name), 0, 0)

    text = subprocess_runner.run(
        "explorer.workers.sandbox", WORKER, "read", repr(source.weights), str(file.absolute()), str(output.absolute()),
        text="", longest=LONGEST, watch=watch, environment=sandbox.environment(output.parent),
    )  # fmt: skip
    try:
        answer = Answer.model_validate_json(text)
    except ValidationError:  # it may have been taken over
        answer = None
    if answer is None or (answer.fault is None and not output.is_file()):
        return _("the process that read it gave no answer: it is damaged, or built to do harm")
    return answer.fault and printable(answer.fault)


def _partial(file: Path) -> Iterator[Path]:
    """What torchvision's loader has of a file while it downloads."""
    return (path for path in file.parent.glob("*.partial") if path.name.startswith(f"{file.name}."))


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is whole by now, and has its name
        return 0
