"""Where the API is, whom the pages answer, and how people sign in, from the environment: MGIC_API_URL and its like."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mgic.doors.callers import read_hosts
from mgic.errors import BadConfig
from mgic.records import Scope

ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Settings(BaseSettings):
    """Every field is a variable: `api_url` is MGIC_API_URL."""

    model_config = SettingsConfigDict(env_prefix="MGIC_", frozen=True)

    api_url: str = "http://127.0.0.1:8000"
    api_key: SecretStr | None = (
        None  # as whom this machine's users ask; of the kind pages: for those who sign in by OIDC
    )
    api_key_file: Path | None = None
    keys_required: bool = False  # also of who is on this machine, whose requests others may be able to make
    allowed_hosts: str = ""  # names besides those of this machine, with commas between them
    dashboard_host: str = "127.0.0.1"  # `python -m dashboard --host` says it
    dashboard_port: int = 8501
    root_path: str = ""  # in front of all addresses, where a proxy has put the service below one: /lab
    session_hours: float = Field(12, gt=0)  # after which who has signed in has to do it again
    oidc_metadata_url: str = ""  # of the provider, https://.../.well-known/openid-configuration
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_client_secret_file: Path | None = None
    oidc_redirect_url: str = ""  # as browsers reach it: https://lab.example.org/oauth2callback
    oidc_claim: str = "email"  # what of the provider's word is a person's name here
    oidc_scopes: str = ""  # who may what: ada@example.org=admin,*@example.org=read; the first that fits holds

    @field_validator("root_path")
    @classmethod
    def _a_path_in_front(cls, path: str) -> str:
        if not ROOT_PATH.fullmatch(path):
            raise ValueError("a path such as /lab is wanted, with a slash in front and none at its end")
        return path

    @field_validator("oidc_scopes")
    @classmethod
    def _names_and_scopes(cls, text: str) -> str:
        for name, scope in _pairs(text):
            if not name or scope not in SCOPES:
                raise ValueError(f"ada@example.org=read is wanted, and of scopes there are {', '.join(SCOPES)}")
        return text

    @property
    def hosts(self) -> tuple[str, ...]:
        """Raises `ValueError` for what is no name of a host."""
        return read_hosts(self.allowed_hosts)

    @property
    def own_key(self) -> str | None:
        """Raises `BadConfig` for a file that cannot be read."""
        return _secret(self.api_key, "MGIC_API_KEY_FILE", self.api_key_file)

    @property
    def oidc(self) -> dict[str, str] | None:
        """What Streamlit wants to know of the provider, but the secret of its cookies; None without a provider.

        Raises:
            BadConfig: One of the settings is missing.
        """
        if not self.oidc_metadata_url:
            return None
        secret = _secret(self.oidc_client_secret, "MGIC_OIDC_CLIENT_SECRET_FILE", self.oidc_client_secret_file) or ""
        wanted = {
            "server_metadata_url": self.oidc_metadata_url,
            "client_id": self.oidc_client_id,
            "client_secret": secret,
            "redirect_uri": self.oidc_redirect_url,
        }
        lacking = [
            variable
            for variable, value in (
                ("MGIC_OIDC_CLIENT_ID", self.oidc_client_id),
                ("MGIC_OIDC_CLIENT_SECRET", secret),
                ("MGIC_OIDC_REDIRECT_URL", self.oidc_redirect_url),
                ("MGIC_OIDC_SCOPES", self.oidc_scopes),
                ("MGIC_API_KEY_FILE", self.own_key),
            )
            if not value
        ]
        if lacking:
            raise BadConfig(f"MGIC_OIDC_METADATA_URL needs {', '.join(lacking)} too")
        return wanted

    def scope_of(self, name: str) -> Scope | None:
        """Of who signs in by OIDC under this name; None: none, they may not in."""
        told = next((scope for pattern, scope in _pairs(self.oidc_scopes) if fnmatchcase(name, pattern)), None)
        return next((scope for scope in SCOPES if scope == told), None)


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [(name.strip(), scope.strip()) for name, _, scope in (part.partition("=") for part in parts)]


def _secret(given: SecretStr | None, variable: str, file: Path | None) -> str | None:
    if given is not None and given.get_secret_value():
        return given.get_secret_value()
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise BadConfig(f"{variable}={file} cannot be read: {error}") from error
