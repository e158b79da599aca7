"""Where things are and how long they may take, read from MGIC_* variables once, at start-up."""

import os
import re
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.artifacts import SCHEMES
from backend.hooks import split
from backend.keys import Token, read_key, read_key_file
from backend.logs import LogFormat
from backend.store import Policy, parse_database_url, sqlite_url
from mgic.cores import usable_cores
from mgic.doors.callers import LOOPBACK, read_hosts
from mgic.errors import BadConfig
from mgic.place import check_folder, check_variables
from mgic.plugins import split_names
from mgic.records import ORDER_PATTERN, TAG_PATTERN, Queue, plain_tag

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
SECRET_LENGTH = 16  # characters, at least
BROKERS = ("redis", "rediss", "redis+socket")


class Settings(BaseSettings):
    """Every field is a variable: `lease_s` is MGIC_LEASE_S. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="MGIC_", extra="ignore", frozen=True)

    home: Path = Path(".mgic")  # all state of the embedded service
    database_password_file: Path | None = None  # whose password is put into `database_url`
    database_url: str = Field("", validate_default=True)  # SQLite in `home` if empty
    broker_password_file: Path | None = None
    broker_url: str = Field("redis://127.0.0.1:6379/0", validate_default=True)
    data_dir: Path = Path("data")
    artifact_url: str = ""  # a folder or s3://bucket/prefix; `home`/artifacts if empty
    api_host: str = "127.0.0.1"  # where the API listens; `python -m backend --host` says it
    root_path: str = ""  # in front of all paths, where a proxy has put the service below one: /lab
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = LOOPBACK  # the names given, and always these
    device: Literal["auto", "cpu", "cuda"] = "auto"
    queue: Queue = "cpu"  # the queue this worker serves
    slots: int = Field(1, ge=1)  # runs this worker executes at a time
    threads: int = Field(0, ge=0)  # torch threads a run; 0 shares the cores among the slots
    alive_file: Path | None = None  # touched by a worker at every heartbeat, for a health check
    modules: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias="MGIC_IMPORT")  # plug-ins, with commas
    log_format: LogFormat = "auto"  # JSON lines, and plain ones on a terminal
    beside_api: bool = False  # this worker has the API's installation and folders, which so knows what it can do
    host: str = ""  # a name for this machine, where the kernel's boot id is not enough

    keys_required: bool = False  # also of who is on this machine; of all others a key is asked anyway
    admin_key_file: Path | None = None  # a key that the API takes in at its start, with the scope admin
    pages_key_file: Path | None = None  # and the dashboard's own
    worker_key: SecretStr | None = None  # of this worker, once there are keys for workers
    worker_key_file: Path | None = None  # the same; and of the API the one that all workers have, which it takes in
    reads_per_minute: int = Field(600, ge=1)  # of one key; and so is the next
    submits_per_minute: int = Field(60, ge=1)
    max_open_each: int = Field(50, ge=1)  # requests of one key that are being answered, streams among them
    max_queued_each: int = Field(2500, ge=1)  # of one owner; no limit where no key is needed
    refusals_per_minute: int = Field(20, ge=1)  # of one address: requests without a key that is known
    max_sweep_macs: float = Field(1e21, gt=0)  # all multiply-accumulates of a sweep, trainings with all their epochs

    lease_s: float = 30  # a run whose worker is silent for longer is taken back
    heartbeat_s: float = 10  # how often a worker says that it is alive
    reap_s: float = 10
    clean_s: float = 60  # how often the checkpoints of runs that have ended are looked for, and removed
    webhook_urls: Annotated[tuple[str, ...], NoDecode] = ()  # told when a sweep has ended; with commas between them
    webhook_secret: str = Field("", repr=False)  # signs what they are told
    webhook_secret_file: Path | None = Field(None, validate_default=True)
    webhook_private: bool = False  # whether they may lie on this machine or in a private network
    sweep_command: str = ""  # executed when a sweep has ended, with its JSON on standard input
    announce_s: float = 2  # how often it is looked for
    prune_older_than_days: float | None = Field(None, gt=0)  # what ended longer ago is deleted; None: nothing
    prune_keep_best: str = Field(
        "", pattern=ORDER_PATTERN
    )  # the order whose first run of each sweep stays, as -result.top1
    prune_keep_tags: Annotated[tuple[str, ...], NoDecode] = ("keep",)
    poll_s: float = 1  # how often a run in work prolongs its lease and looks whether it was cancelled
    grace_s: float = 2  # between TERM and KILL for a cancelled run
    shutdown_grace_s: float = 20  # the same when the host goes down
    wall_limit_s: float = 24 * 3600
    max_attempts: int = Field(5, ge=1)
    low_disk_bytes: int = Field(2**30, ge=0)  # free on a disk; with less, /ready says so
    max_queued: int = 20_000
    max_body_bytes: int = 256 * 1024
    max_comparison_bytes: int = 8 * 2**20  # a body that has what each process of a comparison measured
    max_artifact_bytes: int = 4 * 2**30  # of all files that one run leaves
    catalogue_timeout_s: float = 60
    catalogue_idle_s: float = Field(
        900, ge=0
    )  # without a question: then its memory is free until the next; 0: it stays

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _with_commas(cls, names: object) -> object:
        return read_hosts(names) if isinstance(names, str) else names

    @field_validator("webhook_urls", mode="before")
    @classmethod
    def _addresses(cls, urls: object) -> object:
        if not isinstance(urls, str):
            return urls
        found = tuple(url.strip() for url in urls.split(",") if url.strip())
        if wrong := [url for url in found if not _leads_somewhere(url)]:
            raise ValueError(f"https://host/path is wanted, not {wrong[0][:80]!r}")
        return found

    @field_validator("webhook_secret_file")
    @classmethod
    def _a_file_with_a_secret(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        secret = info.data.get("webhook_secret", "")
        if file is not None:
            secret = _password_in(file)
        if info.data.get("webhook_urls") and len(secret) < SECRET_LENGTH:
            raise ValueError(
                f"MGIC_WEBHOOK_SECRET, or the file, needs {SECRET_LENGTH} characters: what is sent is signed"
            )
        return file

    @field_validator("sweep_command")
    @classmethod
    def _a_command(cls, command: str) -> str:
        if command:
            split(command)
        return command

    @field_validator("prune_keep_tags", mode="before")
    @classmethod
    def _tags_with_commas(cls, tags: object) -> object:
        if not isinstance(tags, str):
            return tags
        found = tuple(plain_tag(tag) for tag in tags.split(",") if tag.strip())
        if wrong := [tag for tag in found if not re.fullmatch(TAG_PATTERN, tag)]:
            raise ValueError(f"{wrong[0][:80]!r} is no tag")
        return found

    @field_validator("modules", mode="before")
    @classmethod
    def _names_of_modules(cls, names: object) -> object:
        try:
            return split_names(names, "MGIC_IMPORT") if isinstance(names, str) else names
        except BadConfig as error:
            raise ValueError(str(error)) from error

    @field_validator("home", "data_dir")
    @classmethod
    def _a_plain_path(cls, path: Path, info: ValidationInfo) -> Path:
        try:
            check_folder(_variable(info.field_name or ""), path)
        except BadConfig as error:
            raise ValueError(str(error)) from error
        return path

    @field_validator("database_password_file", "broker_password_file")
    @classmethod
    def _a_file_with_a_password(cls, file: Path | None) -> Path | None:
        if file is not None:
            _password_in(file)
        return file

    @field_validator("database_url")
    @classmethod
    def _a_known_database(cls, url: str, info: ValidationInfo) -> str:
        try:
            parsed = parse_database_url(url) if url else None
        except BadConfig as error:
            raise ValueError(str(error)) from error
        file = info.data.get("database_password_file")
        if file is None:
            return url
        if parsed is None or parsed.get_backend_name() == "sqlite":
            raise ValueError("a server's address is wanted beside MGIC_DATABASE_PASSWORD_FILE")
        return _with_password(url, file)

    @field_validator("broker_url")
    @classmethod
    def _a_known_broker(cls, url: str, info: ValidationInfo) -> str:
        scheme, found, _ = url.partition("://")
        if not found or scheme not in BROKERS:
            raise ValueError(f"an address of Redis is wanted, {', '.join(f'{kind}://' for kind in BROKERS)}")
        file = info.data.get("broker_password_file")
        return url if file is None else _with_password(url, file)

    @field_validator("artifact_url")
    @classmethod
    def _a_known_place(cls, url: str) -> str:
        scheme, _, rest = url.rpartition("://")
        if scheme not in SCHEMES or (scheme == "s3" and not rest.strip("/")):
            raise ValueError("a folder or s3://bucket/prefix is wanted")
        if scheme == "s3" and find_spec("s3fs") is None:
            raise ValueError("a bucket needs the package s3fs")
        if scheme == "s3" and set(rest) & set("*?["):
            raise ValueError("a prefix without *, ? and [ is wanted: they would stand for other prefixes too")
        if scheme != "s3" and rest:
            try:
                check_folder(_variable("artifact_url"), Path(rest))
            except BadConfig as error:
                raise ValueError(str(error)) from error
        return url

    @field_validator("root_path")
    @classmethod
    def _a_path_in_front(cls, path: str) -> str:
        if path and not ROOT_PATH.fullmatch(path):
            raise ValueError("a path such as /lab is wanted, with a slash in front and none at its end")
        return path

    @property
    def webhook_key(self) -> str:
        """What webhooks are signed with."""
        return _password_in(self.webhook_secret_file) if self.webhook_secret_file else self.webhook_secret

    @property
    def retention(self) -> Policy | None:
        """What the janitor deletes by itself."""
        if self.prune_older_than_days is None:
            return None
        return Policy(self.prune_older_than_days * 86_400, self.prune_keep_tags, self.prune_keep_best)

    @property
    def database(self) -> str:
        return self.database_url or sqlite_url(self.home.resolve() / "mgic.db")

    @property
    def artifacts(self) -> str:
        """Where runs leave files: a folder or a URL."""
        return self.artifact_url or str((self.home / "artifacts").resolve())

    @property
    def scratch(self) -> Path:
        """Where runs in work write: on this host's own disk."""
        return self.home / "scratch"

    @property
    def host_name(self) -> str:
        """One name a machine: containers share the kernel's boot id, so they are one host."""
        boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else socket.gethostname()
        return f"{self.host}@{boot}" if self.host else boot

    @property
    def worker_device(self) -> str:
        """What a worker here computes on. Looked up without torch, which its parent must not touch."""
        if self.device != "auto":
            return self.device
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
        return "cuda" if Path("/dev/nvidiactl").exists() and not hidden else "cpu"

    @property
    def key_of_worker(self) -> Token | None:
        """Raises `BadConfig` for what is no key, and for a file that has none."""
        if self.worker_key is not None and self.worker_key.get_secret_value():
            return read_key("MGIC_WORKER_KEY", self.worker_key.get_secret_value())
        return read_key_file("MGIC_WORKER_KEY_FILE", self.worker_key_file) if self.worker_key_file else None

    @property
    def run_threads(self) -> int:
        return self.threads or max(1, usable_cores() // self.slots)


def read_settings() -> Settings:
    """As the variables say. Exits with 78 (sysexits.h: configuration error), and a line that names each at fault."""
    try:
        check_variables(os.environ)
        settings = Settings()
        _ = settings.key_of_worker  # read here, where what it has wrong is said
        return settings
    except BadConfig as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(os.EX_CONFIG) from error
    except ValidationError as error:
        faults = [_words(_variable(str(fault["loc"][0])), fault["msg"]) for fault in error.errors()]
        sys.stderr.write("; ".join(faults) + "\n")
        raise SystemExit(os.EX_CONFIG) from error


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is none, or brackets without an address
        return False


def _password_in(file: Path) -> str:
    """Raises `ValueError` for a file that cannot be read, or has nothing in it."""
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"{file} cannot be read: {why}") from error
    if not password:
        raise ValueError(f"{file} is empty")
    return password


def _with_password(url: str, file: Path) -> str:
    """Raises `ValueError` for an address that has one already."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    who, _, where = place.rpartition("@")
    user, _, given = who.partition(":")
    if given:
        raise ValueError("it has a password, and so has a file: one of them is wanted")
    return f"{scheme}://{user}:{quote(_password_in(file), safe='')}@{where}{slash}{path}"


def _variable(field: str) -> str:
    return f"MGIC_{field.upper()}"


def _words(variable: str, message: str) -> str:
    words = message.removeprefix("Value error, ").replace("Input should", "should", 1)
    return words if words.startswith(variable) else f"{variable}: {words}"
