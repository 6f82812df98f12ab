"""Every environment setting, in one place (prefix ``EXPLORER_``)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
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

    @field_validator("data_dir", "runs_dir", "saved_dir")
    @classmethod
    def _anchored(cls, folder: Path) -> Path:
        """A relative folder is one of where this process was started, also for the processes that it starts."""
        return folder.absolute()

    def environment(self) -> dict[str, str]:
        """The variables that give another process the same settings."""
        return {f"EXPLORER_{name.upper()}": str(value) for name, value in self.model_dump().items()}


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
