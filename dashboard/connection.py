"""The way to the API: one client a session, lists that change rarely, and what to do when nobody answers."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import streamlit as st

from dashboard.visitors import is_still_in, leave
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.errors import BadConfig
from mgic.figures.scenes import SCENES
from mgic.records import (
    Config,
    DatasetInfo,
    ExperimentInfo,
    Health,
    ModelCost,
    ModelInfo,
    ModelsOf,
    Run,
    RunStatus,
    Worker,
)

SIGNS = {"ok": "✔", "degraded": "▲", "unavailable": "✖"}  # of what the service says of itself
NOT_KNOWN = 401  # how the API answers a key that it does not know any more
INPUTS = 100  # runs that a form offers as inputs

Seen = TypeVar("Seen")


def client() -> Client:
    """The client of this session, which `dashboard.visitors` has made for who looks at it."""
    given: Client = st.session_state.client
    return given


# What is remembered is remembered for one reader: nobody is shown what another one was.
BY_READER: dict[str | type[Any], Callable[[Any], Any]] = {Client: lambda given: given.reader}


@st.cache_data(ttl=30, show_spinner=False, hash_funcs=BY_READER)
def experiments(api: Client) -> dict[str, ExperimentInfo]:
    return {one.name: one for one in api.experiments()}


@st.cache_data(ttl=30, show_spinner=False, hash_funcs=BY_READER)
def _registered(api: Client) -> dict[str, ModelInfo]:
    return {one.name: one for one in api.models()}


@st.cache_data(ttl=600, max_entries=500, show_spinner=False, hash_funcs=BY_READER)
def _model(api: Client, name: str) -> ModelInfo:
    return api.model(name)


class Models(Mapping[str, ModelInfo]):
    """The registered models; for one of another name, such as `timm/convnext_atto`, the service is asked."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._registered = _registered(api)

    def __getitem__(self, name: str) -> ModelInfo:
        """Raises `KeyError` with what the service says of a name that it does not know."""
        if name in self._registered:
            return self._registered[name]
        try:
            return _model(self._api, name)
        except ApiError as error:
            raise KeyError(error.detail) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)


def models(api: Client) -> Models:
    return Models(api)


@st.cache_data(ttl=600, show_spinner="Looking up what there is", hash_funcs=BY_READER)
def models_of(api: Client, source: ModelsOf) -> list[ModelInfo]:
    """All of a source. The first time that a version of timm is asked for, that takes seconds."""
    return api.models(source)


@st.cache_data(ttl=30, show_spinner=False, hash_funcs=BY_READER)
def datasets(api: Client) -> dict[str, DatasetInfo]:
    return {one.name: one for one in api.datasets()}


@st.cache_data(ttl=10, show_spinner=False, hash_funcs=BY_READER)
def workers(api: Client) -> list[Worker]:
    """Those that are online."""
    return [worker for worker in api.workers() if worker.alive]


@st.cache_data(ttl=10, show_spinner=False, hash_funcs=BY_READER)
def inputs(api: Client, of: tuple[str, ...]) -> dict[str, str]:
    """The newest runs of these experiments that succeeded, by their ids, and what is shown for each."""
    found = [run for name in of for run in api.runs(INPUTS, experiment=name, status=RunStatus.SUCCEEDED).items]
    return {str(run.id): _shown(run) for run in found if run.whole}


def _shown(run: Run) -> str:
    top1 = (run.result or {}).get("top1")
    told = [run.config.get("model"), run.config.get("dataset"), f"seed {run.config.get('seed')}"]
    told += [f"{top1:.1f} %"] if top1 is not None else []
    return " · ".join(str(one) for one in [*told, str(run.id)[:8]])


@st.cache_data(ttl=600, max_entries=500, show_spinner=False, hash_funcs=BY_READER)
def model_cost(
    api: Client,
    name: str,
    options: Config,
    input_size: tuple[int, ...] | None = None,
    fingerprint: str = "",  # noqa: ARG001 - of its code: what was counted of other code is not remembered for it
) -> ModelCost:
    """Of one model, with all its levels. Raises `ApiError` for options that no network can be built from."""
    return api.model_cost(name, input_size, **options)


def readiness(api: Client) -> Health | str:
    """Able to work, or why not."""
    try:
        return api.ready()
    except ApiError as error:
        return str(error)


@st.cache_data(ttl=15, max_entries=20, show_spinner="Reading runs", hash_funcs=BY_READER)
def scene_data(api: Client, scene: str, asked: dict[str, str]) -> Any:
    """What the scene of a page draws. Raises `BadConfig` where the address does not name it."""
    return SCENES[scene].load(api, asked)


@contextmanager
def tells_what_fails() -> Iterator[None]:
    """An error of the API is said in words where it happens; goes round a page, and inside every fragment.

    Whose session has ended, or whose key was revoked, is asked to sign in again.
    """
    if not is_still_in():
        st.rerun()
    try:
        yield
    except Unreachable:
        cannot_reach()
    except (ApiError, BadConfig) as error:  # the second of MGIC_API_URL, if no address stands there
        if isinstance(error, ApiError) and error.status == NOT_KNOWN and leave():
            st.rerun()
        st.error(literal(error), icon=":material/error:")


def cannot_reach() -> None:
    """Say so, and go on as soon as somebody answers."""
    st.error(f"Cannot reach the API at `{client().url}`, trying again.", icon=":material/cloud_off:")
    _wait_for_answer()


@st.fragment(run_every=2)
def _wait_for_answer() -> None:
    try:
        client().health()
    except ApiError:
        pass
    except Unreachable:
        return
    st.rerun()


def last_seen(name: str, ask: Callable[[], Seen]) -> tuple[Seen, float]:
    """What `ask` returns, or what it returned last when nobody answers now; and how many seconds ago that was.

    Raises:
        Unreachable: Nobody answers, and nothing was ever seen under this name.
    """
    seen = st.session_state.setdefault("seen", {})
    try:
        seen[name] = (ask(), time.monotonic())
    except Unreachable:
        if name not in seen:
            raise
        told = f"Cannot reach the API at `{client().url}`, trying again. What follows is what it said last."
        st.error(told, icon=":material/cloud_off:")
    value, at = seen[name]
    return value, time.monotonic() - at
