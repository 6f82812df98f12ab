"""A training job, and its ``job.json``."""

import json
import os
import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.errors import InputError, shown
from explorer.families import NamedNetwork, Spec, nearest, resolve
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.recipes.recipe import Recipe
from explorer.settings import settings
from explorer.specs.base import StrictInt, explain, explain_all

FILE = "job.json"
ID_LENGTH = 14
MAX_NAME = 100
CPUS = "EXPLORER_JOB_CPUS"  # environment variable: CPUs that a cluster has reserved for each process of a job


class Resources(BaseModel):
    """The resources of a job.

    Attributes:
        device: Device. ``auto`` is CUDA, else MPS, else the CPU.
        processes: Processes of data-parallel training. Each has a share of every batch.
        threads: CPU threads of each process. None for an equal share of all cores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    processes: Annotated[StrictInt, Field(ge=1, le=64)] = 1
    threads: Annotated[StrictInt, Field(ge=1, le=256)] | None = None

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Self:
        """Validates a mapping.

        Raises:
            InputError: If a value is invalid. Names key, value and rule.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(explain_all(error)) from None

    def share_of_cores(self) -> int:
        """Returns the threads of each process. Jobs that may train at the same time have equal shares."""
        if self.threads is None and (reserved := os.environ.get(CPUS, "")).isdigit():
            return int(reserved)
        return self.threads or max(1, (os.cpu_count() or 1) // (self.processes * settings().cpu_slots))


@dataclass(frozen=True)
class Job:
    """A job: one network to train, its data, its recipe and its resources.

    Attributes:
        id: Random lowercase letters and digits. Also the name of the run directory.
        name: Name for people.
        spec: Spec of the network: as submitted in ``job.json``, and adapted to the data once a run has read them.
        dataset: Name or path of the data, as ``explorer.data.load`` takes it.
        recipe: Recipe of the training.
        resources: Resources of the job.
        sweep: Id that the jobs of a sweep share, or empty.
        varied: This job's value for each key that the sweep varies.
        base: Preset that the network was made from, or empty if unknown.
        owner: Address of the user who submitted it. Empty without sign-in.
    """

    id: str
    name: str
    spec: Spec
    dataset: str
    recipe: Recipe
    resources: Resources
    sweep: str = ""
    varied: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    owner: str = ""

    @property
    def network(self) -> NamedNetwork:
        """The network and what it was made from."""
        return NamedNetwork(self.spec, self.base)

    @classmethod
    def new(
        cls, network: Spec | NamedNetwork, dataset: str, recipe: Recipe, resources: Resources, name: str = ""
    ) -> Self:
        """Returns a job with a new id. Its default name consists of network and data.

        Raises:
            InputError: If the name is too long or not one line of text, or the data set's name is not valid text.
        """
        try:
            dataset.encode()
        except UnicodeEncodeError:  # a path with bytes that are not UTF-8
            raise InputError(_("dataset: {value} is not valid UTF-8; rename it").format(value=shown(dataset))) from None
        spec, base = network if isinstance(network, NamedNetwork) else NamedNetwork(network)
        name = check_name(name) or _default_name(spec, dataset)
        return cls(new_id(), name, spec, dataset, recipe, resources, base=base)

    def to_dict(self) -> dict[str, Any]:
        """Returns the job as JSON-ready values."""
        return {
            "id": self.id,
            "name": self.name,
            "spec": self.spec.to_dict(),
            "base": self.base,
            "dataset": self.dataset,
            "recipe": self.recipe.to_dict(),
            "resources": self.resources.model_dump(mode="json"),
            "sweep": self.sweep,
            "varied": self.varied,
            "owner": self.owner,
        }

    def write(self, folder: Path) -> None:
        """Creates the run directory with ``job.json``."""
        folder.mkdir(parents=True)
        self.rewrite(folder)

    def rewrite(self, folder: Path) -> None:
        """Replaces ``job.json``. A job that resumes later reads the new file."""
        with atomic_write(folder / FILE, durable=True) as part:
            part.write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads the job of a run directory.

        Raises:
            InputError: If there is no job, or it breaks a rule.
        """
        try:
            data = _JobFile.model_validate_json((folder / FILE).read_bytes())
        except OSError as error:
            raise InputError(
                _("{file} can't be read: {reason}").format(file=folder / FILE, reason=error.strerror)
            ) from None
        except ValidationError as error:
            raise InputError(
                _("{file} is damaged: {fault}").format(file=folder / FILE, fault=explain(error.errors()[0]))
            ) from None
        spec, base = NamedNetwork.from_record(data.spec, data.base)
        return cls(
            data.id,
            data.name,
            spec,
            data.dataset,
            Recipe.parse(data.recipe),
            Resources.parse(data.resources),
            data.sweep,
            data.varied,
            base,
            data.owner,
        )


class _JobFile(BaseModel):
    """The contents of ``job.json``."""

    model_config = ConfigDict(strict=True)

    id: str
    name: str
    spec: dict[str, Any]
    base: str = ""
    dataset: str
    recipe: dict[str, Any]
    resources: dict[str, Any]
    sweep: str = ""
    varied: dict[str, Any] = {}
    owner: str = ""


def check_name(name: str) -> str:
    """Returns a job's name without surrounding blanks.

    Raises:
        InputError: If it is too long or not one line of text.
    """
    name = name.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise InputError(
            _("name: {value} is not one line of at most {limit} characters").format(value=shown(name), limit=MAX_NAME)
        )
    return name


def _default_name(spec: Spec, dataset: str) -> str:
    """Returns the name of a job that has no name of its own."""
    near = nearest(spec)
    network = near.rpartition(":")[2] if spec.own_name is not None or resolve(near) == spec else spec.family
    stem = "".join(letter if letter.isprintable() else " " for letter in Path(dataset).stem)
    return f"{network} {stem}"[:MAX_NAME].strip()


def new_id() -> str:
    """Returns a new unique id."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _place in range(ID_LENGTH))
