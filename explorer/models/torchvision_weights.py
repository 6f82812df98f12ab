"""torchvision's own weights of the three families: fetched by its own loader, then a weights file like any other.

They are pickles, so a process of its own loads them (:mod:`explorer.models.torchvision_worker`) and writes
safetensors into the data folder. What it downloads stays in PyTorch's cache, where other programs find it too.
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from filelock import FileLock

from explorer import beside
from explorer.data.preprocessing import Preprocessing
from explorer.data.progress import Progress
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.models.weights import Card
from explorer.settings import settings
from explorer.specs import PRESETS, Spec, ZooSpec

PREFIX = "torchvision:"
FAMILIES = frozenset({"torchvision.models.vgg", "torchvision.models.resnet", "torchvision.models.googlenet"})
WORKER = "explorer.models.torchvision_worker"
LONGEST = 86_400.0  # seconds: a download that stands still ends much sooner
LONGEST_READING = 180.0  # seconds from the end of the download on
BASE_MEMORY = 1_300_000_000  # bytes of a process that has imported torchvision
COPIES = 4  # of the file: read, taken apart, encoded, one to spare
# What downloads and Python's start need; no password or token of the server's.
INHERITED = frozenset(
    {"HOME", "USERPROFILE", "TORCH_HOME", "XDG_CACHE_HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}
)
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
    def spec(self) -> Spec:
        """The network: one of our own families where it is torchvision's tensor by tensor, without auxiliary heads."""
        if self.model == "googlenet":
            twin: Spec = PRESETS["googlenet-torchvision"].spec.changed(aux_after=[])
        else:
            preset = PRESETS.get(self.model.replace("_", "-"))
            twin = preset.spec if preset else ZooSpec(name=self.model)
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
        if self.model == "googlenet":
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
        if (kind := models.get_model_weights(model)).__module__ in FAMILIES
        for weights in kind
    }


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
        _("weights: torchvision has no {value} among those of VGG, ResNet and GoogLeNet; close names: {close}").format(
            value=shown(wanted), close=", ".join(close)
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
                _("the data folder {folder} can't be written: {reason}").format(folder=path.parent, reason=error)
            ) from None
    return path


def _convert(source: Source, progress: Progress) -> None:
    file, before = source.download, set(_partial(source.download))
    total = round(source.weights.meta["_file_size"] * 2**20)
    most = BASE_MEMORY + COPIES * total
    was_there = file.exists()
    begun: float | None = None

    def watch(seconds: float, used: int) -> None:
        nonlocal begun
        if used > most:
            raise InputError(
                _("reading {file} took more than {limit:.1f} GB of memory and was stopped").format(
                    file=file.name, limit=most / 1e9
                )
            )
        if file.exists():
            begun = seconds if begun is None else begun
            if seconds - begun > LONGEST_READING:
                raise InputError(
                    _("reading {file} took longer than {limit:.0f} seconds and was stopped").format(
                        file=file.name, limit=LONGEST_READING
                    )
                )
            progress(_("reading {file}").format(file=file.name), 0, 0)
        else:
            done = max((_size(part) for part in set(_partial(file)) - before), default=0)
            progress(_("downloading {file}").format(file=file.name), min(done, total), total)

    try:
        answer = beside.run(
            WORKER,
            repr(source.weights),
            str(source.path),
            text="",
            longest=LONGEST,
            watch=watch,
            environment={name: value for name, value in os.environ.items() if name in INHERITED},
        )
    finally:
        for part in set(_partial(file)) - before:  # of a process that was stopped
            part.unlink(missing_ok=True)
    if not (fault := json.loads(answer)["fault"]):
        return
    sentence = (
        _(
            "{name}: {file} in {folder} can't be used ({reason}); delete it, and it is downloaded again, or put "
            "another there, from {address}"
        )
        if was_there
        else _("{name}: {file} is not in {folder}, and the download failed ({reason}); put it there, from {address}")
    )
    raise InputError(
        sentence.format(
            name=f"{PREFIX}{source.weights!r}", file=file.name, folder=file.parent, reason=fault,
            address=source.weights.url,
        )
    )  # fmt: skip


def _partial(file: Path) -> Iterator[Path]:
    """What torchvision's loader has of a file while it downloads."""
    return (path for path in file.parent.glob("*.partial") if path.name.startswith(f"{file.name}."))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is whole by now, and has its name
        return 0
