"""All settings from the environment (prefix ``EXPLORER_``)."""

import os
import platform
import re
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from explorer.errors import shown
from explorer.i18n import _

_CHECKOUT = Path(__file__).parents[1]
# An installed copy has no checkout around it. It stores its files in the folder in which it is started.
HOME = _CHECKOUT if (_CHECKOUT / "streamlit_app.py").is_file() else Path.cwd()
_HTTP = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")

_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+")


class Settings(BaseSettings):
    """Settings that a process reads once from its environment."""

    model_config = SettingsConfigDict(env_prefix="EXPLORER_", frozen=True)

    # The descriptions are the rows of docs/settings.md.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        description="Level of the explorer's own log lines: `DEBUG`, `INFO`, `WARNING` or `ERROR`.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Form of log lines: `text`, or `json` for one JSON object a line."
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port on which the app serves its numbers for Prometheus; 0 serves none "
        "([deployment.md](deployment.md)).",
    )
    runner_metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port on which the runner serves its numbers for Prometheus; 0 serves none.",
    )
    metrics_address: str = Field(
        default="127.0.0.1", description="Address on which the numbers for Prometheus are served."
    )
    data_dir: Path = Field(
        default=HOME / "datasets",
        description="Folder of downloaded and decoded images, and of torchvision's weights.",
    )
    runs_dir: Path = Field(default=HOME / "runs", description="Folder of the run directories, one for each job.")
    weights_dir: Path = Field(
        default=HOME / "weights", description="Folder of imported and published weights, which are used by name."
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the job store: `postgresql+psycopg://user@host:5432/database`, or "
        "`sqlite:////folder/file.db`. Without one, the store is an SQLite file in the folder of the runs. "
        "A password is better kept in `~/.pgpass` than in the URL ([jobs.md](jobs.md)).",
    )
    backend: Literal["local", "ray"] = Field(
        default="local",
        description="What runs the jobs: `local` means processes on this machine, `ray` a Ray cluster "
        "([jobs.md](jobs.md)).",
    )
    ray_address: str = Field(
        default="", description="Address of the Ray cluster's dashboard, such as `http://head.lab.edu:8265`."
    )
    ray_insecure: bool = Field(default=False, description="Whether a Ray cluster is used that asks nobody for a token.")
    ray_python: str = Field(
        default="",
        description="Python of the cluster's nodes. Without one, the path of the runner's own, for machines that are "
        "set up alike.",
    )
    ray_cpus: int = Field(
        default=1,
        ge=1,
        le=256,
        description="CPUs that each process of a job asks the cluster for, unless the job sets `threads`; 1 to 256.",
    )
    ray_jobs: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="Jobs that the Ray cluster has at the same time, waiting or running; 1 to 1,000.",
    )
    runs_storage: str = Field(
        default="",
        description="fsspec address of storage that all nodes of the cluster reach, such as `s3://bucket/runs`. "
        "Without one, all nodes share the folder of the runs.",
    )
    machine: str = Field(
        default="",
        max_length=100,
        description="Name of this machine in a store that several machines share. Without one, it is the host name.",
    )
    run_jobs: bool = Field(
        default=True,
        description="Whether the app and the commands start a runner, which runs jobs on this machine.",
    )
    lease: float = Field(
        default=180.0,
        ge=5,
        le=86_400,
        description="Seconds without a sign of life after which the jobs of another machine count as lost; 5 to "
        "86,400.",
    )
    cpu_slots: int = Field(default=1, ge=1, le=64, description="Jobs that train on the CPU at the same time; 1 to 64.")
    runner_idle: float = Field(
        default=600.0,
        ge=1,
        description="Seconds without a job after which the runner ends, together with the process that it keeps ready.",
    )
    keep_ready: bool = Field(
        default=True,
        description="Whether the runner keeps a process that has imported torch, so that jobs begin at once.",
    )
    niceness: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How much training on this machine gives way to the pages: the niceness of its processes; 0 to 19.",
    )
    predictions: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Predictions that are computed at the same time, 1 to 64; the others wait in order.",
    )
    saved_dir: Path = Field(
        default=HOME / "saved", description="Folder of the architectures that were saved under a name."
    )
    allowed_hosts: str = Field(
        default="",
        description="Names that the app answers to, in addition to localhost and its own address: "
        "`name.school.edu,*.lab.edu` ([security.md](security.md)).",
    )
    uploads_per_client: int = Field(
        default=32,
        ge=1,
        le=10_000,
        description="Uploads from one address at the same time, 1 to 10,000; at the limit, the slowest makes room for "
        "the next.",
    )
    classes: int = Field(default=50, ge=0, le=1000, description="Classes that are open at the same time; 0 to 1,000.")
    classes_per_client: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Open classes that were opened from one address, 1 to 1,000; 0 for half of all.",
    )
    class_students: int = Field(default=250, ge=1, le=2000, description="Students in a class; 1 to 2,000.")
    class_hours: float = Field(default=8.0, gt=0, le=48, description="Hours after which a class ends; up to 48.")
    read_only: bool = Field(
        default=False,
        description="Whether the pages and commands refuse every change: nothing is trained, saved, uploaded, "
        "downloaded or deleted.",
    )
    sign_in: bool = Field(
        default=False,
        description="Whether people must sign in, by the OpenID Connect provider that the section `[auth]` of "
        "Streamlit's secrets names ([security.md](security.md)).",
    )
    admins: str = Field(
        default="",
        description="E-mail addresses of the people who may change what belongs to others: "
        "`ann@school.edu,bob@school.edu`.",
    )
    user_jobs: int = Field(
        default=0,
        ge=0,
        description="Largest number of jobs that somebody who has signed in may have in the queue; 0 for no limit. "
        "Administrators have none.",
    )
    user_bytes: int = Field(
        default=0,
        ge=0,
        description="Largest number of bytes of the runs, weights and uploads of somebody who has signed in; 0 for no "
        "limit. Administrators have none.",
    )

    @field_validator("admins")
    @classmethod
    def _split(cls, text: str) -> str:
        """Normalise addresses and refuse other text, which would match nobody."""
        addresses = [address.strip().lower() for address in text.split(",") if address.strip()]
        for address in addresses:
            if not _ADDRESS.fullmatch(address):
                raise ValueError(_("{address} is not an address like ann@school.edu").format(address=shown(address)))
        return ",".join(addresses)

    @field_validator("data_dir", "runs_dir", "weights_dir", "saved_dir")
    @classmethod
    def _resolve(cls, folder: Path) -> Path:
        """Resolve a relative folder against the working directory, so that subprocesses use the same folder."""
        return folder.absolute()

    @field_validator("allowed_hosts")
    @classmethod
    def _normalise(cls, text: str) -> str:
        """Normalise host names and refuse other text, such as a port or scheme, which would match no host."""
        return ",".join(_host(name.strip()) for name in text.split(",") if name.strip())

    @field_validator("ray_address")
    @classmethod
    def _check_address(cls, text: str) -> str:
        """Refuse another kind of address, such as that of Ray's own protocol."""
        address = text.strip().rstrip("/")
        if address and not _HTTP.fullmatch(address):
            raise ValueError(
                _("{name} is not the address of a Ray dashboard, like http://head.lab.edu:8265").format(
                    name=shown(text)
                )
            )
        return address

    @model_validator(mode="after")
    def _check_backend(self) -> Self:
        """Refuse the Ray backend without an address."""
        if self.backend == "ray" and not self.ray_address:
            raise ValueError(_("EXPLORER_BACKEND=ray needs EXPLORER_RAY_ADDRESS, like http://head.lab.edu:8265"))
        return self

    @property
    def machine_name(self) -> str:
        """Name of this machine."""
        return self.machine or platform.node() or "localhost"

    @property
    def database(self) -> str:
        """URL of the job store."""
        return self.database_url or f"sqlite:///{self.runs_dir / 'store.db'}"

    def for_process(self) -> dict[str, str]:
        """The environment of a subprocess with the same settings.

        Its OpenMP threads sleep while they wait for each other. Threads that spin would slow down the one they wait for
        as soon as anything else runs on the machine, and a step could take up to a hundred times as long.
        """
        return (
            {"OMP_WAIT_POLICY": "PASSIVE"}
            | os.environ
            | {f"EXPLORER_{name.upper()}": str(value) for name, value in self.model_dump().items()}
        )


def _host(text: str) -> str:
    name = text.lower().removesuffix(".")
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        if name != "*" and not _HOST.fullmatch(name):
            raise ValueError(
                _("{name} is not a name like cnn.school.edu, *.lab.edu or 10.0.0.7").format(name=shown(text))
            ) from None
    return name


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
