"""Run one config of one experiment, to whatever end; the worker's child process and the command line both come here."""

import errno
import time
import traceback
from collections.abc import Mapping
from math import isfinite
from typing import Any

import torch
from pydantic import ValidationError

from mgic import plugins
from mgic.data import look_in
from mgic.environment import environment
from mgic.errors import BadConfig, Cancelled, DataMissing, Diverged, MgicError, UnknownName
from mgic.experiment import EXPERIMENTS, Context
from mgic.extras import how_to_get
from mgic.origin import source
from mgic.provenance import NO_SUBJECT, closed, subject
from mgic.records import Config, Failure, Outcome, Reason, RunStatus, check_keys


def run(name: str, config: Config, context: Context, links: Mapping[str, str | None] | None = None) -> Outcome:
    """Run it to its end, whatever that is: an error becomes a `Failure`, not an exception.

    The device is the context's; a config that says `auto` is resolved to it. `links`: see `mgic.provenance.ci_links`.
    """
    start = time.time()
    about = NO_SUBJECT
    clock = time.perf_counter()
    result: dict[str, Any] | None = None
    failure: Failure | None = None
    resolved = dict(config)
    info: dict[str, Any] = {}
    try:
        about = subject(name, config, links or {})  # takes a second, in which the run may be cancelled too
        experiment = EXPERIMENTS[name]
        look_in(context.data_dir)
        if resolved.get("device") == "auto":
            resolved["device"] = context.device
        parsed = experiment.config.model_validate(resolved)
        resolved = parsed.model_dump(mode="json")
        info = {"experiment": name, "experiment_version": experiment.info.version}
        found = experiment.run(parsed, context).model_dump(mode="json")
        check_keys(experiment.info.tables.values(), found)
        result = _finite(found)
        status = RunStatus.SUCCEEDED
    except Exception as error:  # noqa: BLE001 - the boundary: a failed point must not stop its sweep
        if _is_cancel(error):
            status = RunStatus.CANCELLED
        else:
            status = RunStatus.FAILED
            trace = "" if isinstance(error, MgicError) or how_to_get(error) else traceback.format_exc()
            failure = Failure(reason=reason_of(error), message=_message(error), traceback=trace)
    told = {"source": source(), "subject": closed(about, start), "started": start, "ended": time.time()}
    return Outcome(
        status=status,
        config=resolved,
        result=result,
        failure=failure,
        environment=info | environment(context.device) | told,
        seconds=time.perf_counter() - clock,
    )


def _is_cancel(error: BaseException | None) -> bool:
    """Whether it is `Cancelled`, or what a library made of that on its way up."""
    while error is not None and not isinstance(error, Cancelled):
        error = error.__cause__ or error.__context__
    return error is not None


def _finite(value: Any) -> Any:
    """The same with None for what is no finite number: JSON and SQL have no NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def reason_of(error: BaseException) -> Reason:
    """The one word for why a run failed."""
    if isinstance(error, Diverged):
        return Reason.DIVERGED
    if isinstance(error, BadConfig | UnknownName | DataMissing | ValidationError) or how_to_get(error):
        return Reason.INVALID
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return Reason.OOM
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Reason.DISK_FULL
    return Reason.INTERNAL


def _message(error: Exception) -> str:
    words = how_to_get(error) or str(error) or type(error).__name__
    if isinstance(error, ValidationError):
        words = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
    broken = plugins.failures() if reason_of(error) is Reason.INVALID else {}
    return "; ".join([words, *(f"the plug-in {name} is not there: {why}" for name, why in broken.items())])
