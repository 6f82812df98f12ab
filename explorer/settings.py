"""Every environment setting, in one place (prefix ``EXPLORER_``)."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once per process from the environment."""

    model_config = SettingsConfigDict(env_prefix="EXPLORER_", frozen=True)

    analysis_cache: int = Field(default=64, ge=1, description="networks whose analysis stays in memory")
    log_level: str = Field(default="INFO", description="level of the explorer's own log lines")


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
