"""Every environment setting, in one place (prefix ``EXPLORER_``)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once per process from the environment."""

    model_config = SettingsConfigDict(env_prefix="EXPLORER_", frozen=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="level of the explorer's own log lines"
    )
    data_dir: Path = Field(
        default=Path(__file__).parents[1] / "datasets", description="folder of downloaded and of decoded images"
    )
    runs_dir: Path = Field(
        default=Path(__file__).parents[1] / "runs", description="folder of the run directories, one for each job"
    )
    saved_dir: Path = Field(
        default=Path(__file__).parents[1] / "saved", description="folder of the architectures saved under a name"
    )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
