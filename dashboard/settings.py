"""Where the API is, from the environment: MGIC_API_URL, MGIC_API_KEY."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MGIC_", frozen=True)

    api_url: str = "http://127.0.0.1:8000"
    api_key: SecretStr | None = None
