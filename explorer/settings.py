"""All settings from the environment (prefix ``EXPLORER_``)."""

import os
import platform
import re
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from explorer.errors import shown
from explorer.i18n import _

_CHECKOUT = Path(__file__).parents[1]
# An installed copy has no checkout around it. It stores its files in the folder in which it is started.
HOME = _CHECKOUT if (_CHECKOUT / "streamlit_app.py").is_file() else Path.cwd()
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class Settings(BaseSettings):
    """Settings that a process reads once from its environment."""

    model_config = SettingsConfigDict(env_prefix="EXPLORER_", frozen=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="level of the explorer's own log lines"
    )
    data_dir: Path = Field(default=HOME / "datasets", description="folder of downloaded and of decoded images")
    runs_dir: Path = Field(default=HOME / "runs", description="folder of the run directories, one for each job")
    weights_dir: Path = Field(
        default=HOME / "weights", description="folder of imported weights, which go by their names"
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL of the job store; empty is an SQLite file in the folder of the runs"
    )
    backend: Literal["local"] = Field(default="local", description="what runs the jobs: processes on this machine")
    machine: str = Field(
        default="",
        max_length=100,
        description="name of this machine in a store that several share; empty is its host name",
    )
    run_jobs: bool = Field(
        default=True, description="whether the app and the commands start a runner, which runs jobs on this machine"
    )
    lease: float = Field(
        default=180.0,
        ge=5,
        le=86_400,
        description="seconds without a sign of life after which a machine's jobs are lost",
    )
    cpu_slots: int = Field(default=1, ge=1, le=64, description="jobs that train on the CPU at the same time")
    runner_idle: float = Field(
        default=600.0, ge=1, description="seconds without a job after which the runner, and the process it keeps, end"
    )
    keep_ready: bool = Field(
        default=True, description="keep a process that has imported torch, so that jobs begin at once"
    )
    predictions: int = Field(
        default=1, ge=1, le=64, description="predictions that are computed at the same time; the others wait in order"
    )
    saved_dir: Path = Field(default=HOME / "saved", description="folder of the architectures saved under a name")
    allowed_hosts: str = Field(
        default="",
        description="names that the app answers to beside localhost and its address: name.school.edu,*.lab.edu",
    )
    uploads_per_client: int = Field(
        default=32, ge=1, le=10_000, description="uploads of one address at the same time; the slowest makes room"
    )

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
