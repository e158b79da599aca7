"""Where the API is and whom the pages answer, from the environment: MGIC_API_URL, MGIC_API_KEY, MGIC_ALLOWED_HOSTS."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from mgic.doors.callers import read_hosts


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MGIC_", frozen=True)

    api_url: str = "http://127.0.0.1:8000"
    api_key: SecretStr | None = None
    allowed_hosts: str = ""  # names besides those of this machine, with commas between them

    @property
    def hosts(self) -> tuple[str, ...]:
        """Raises `ValueError` for what is no name of a host."""
        return read_hosts(self.allowed_hosts)
