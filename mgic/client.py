"""The service as Python calls.

>>> client = Client("http://127.0.0.1:8000")
>>> sweep = client.submit(SweepRequest(experiment="cost", axes={"model": ["resnet56", "mgic_resnet56"]}))
>>> client.wait(sweep.id).counts
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from mgic.place import PREFIX
from mgic.records import (
    Act,
    Artifact,
    Baseline,
    BaselineRequest,
    Caller,
    Comparison,
    ComparisonBrief,
    ComparisonRequest,
    Config,
    Curves,
    DatasetInfo,
    Event,
    ExperimentInfo,
    GateMetric,
    Health,
    LogLine,
    MeasuredRequest,
    MetricPoint,
    ModelCost,
    ModelInfo,
    ModelsOf,
    Page,
    PaperSummary,
    PaperTable,
    Preview,
    Pruned,
    PruneRequest,
    Recipe,
    Run,
    RunCount,
    Standing,
    Sweep,
    SweepRequest,
    System,
    Worker,
)
from mgic.transport import PATIENT_S, ApiError, Transport, Unreachable

__all__ = ["PREFIX", "ApiError", "Client", "Unreachable"]

Filter = str | bool | Sequence[str] | None
PRUNE_S = 300
WAIT_S = 25.0  # of one question for news; the service takes 30
CSV_S = 300  # all rows are gathered before the first is sent: 100,000 take 10 s of a core


class Client(Transport):
    """Every endpoint of the service, one method each; answers are records.

    Args:
        url: Where the service is, with or without the `/api/v1`. Variables such as HTTPS_PROXY hold for it, unless
            that is this machine or NO_PROXY names it.
        api_key: Sent as a bearer token if given.
        timeout: Seconds to wait for an answer.
        http: A ready client instead of the three above (tests pass one).

    Raises:
        BadConfig: An address, a key or a proxy that no request can be sent with.

    Every method raises `ApiError` for a problem the service names, and `Unreachable`
    where there is no answer.
    """

    # What there is

    def experiments(self) -> list[ExperimentInfo]:
        return list(self._page(ExperimentInfo, "/experiments").items)

    def experiment(self, name: str) -> ExperimentInfo:
        return self._get(ExperimentInfo, f"/experiments/{name}")

    def recipes(self) -> list[Recipe]:
        return list(self._page(Recipe, "/recipes").items)

    def models(self, source: ModelsOf = "registered", search: str | None = None) -> list[ModelInfo]:
        """Those of a source that have every word of `search` in their name or summary."""
        return list(self._all(ModelInfo, "/models", source=source, search=search))

    def model(self, name: str) -> ModelInfo:
        """By any of its names."""
        return self._get(ModelInfo, f"/models/{quote(name, safe='')}")

    def model_cost(self, name: str, input_size: tuple[int, ...] | None = None, **options: Any) -> ModelCost:
        if input_size is not None:
            options["input_size"] = ",".join(map(str, input_size))
        return self._get(ModelCost, f"/models/{quote(name, safe='')}/cost", **options)

    def datasets(self) -> list[DatasetInfo]:
        return list(self._page(DatasetInfo, "/datasets").items)

    # The paper

    def paper_tables(self) -> list[PaperTable]:
        """The tables that print results."""
        return list(self._page(PaperTable, "/references/tables").items)

    def references(self, table: str | None = None) -> list[Standing]:
        """The printed rows of a table, or of all, with our cost, their best finished runs and a verdict."""
        return list(self._page(Standing, "/references", table=table).items)

    def references_as(self, format: str, table: str | None = None) -> bytes:
        """The same as a text: csv, markdown or latex."""
        return self._send("GET", "/references", {"format": format, "table": table}).content

    def paper_summary(self) -> PaperSummary:
        return self._get(PaperSummary, "/references/summary")

    # Sweeps

    def preview(self, request: SweepRequest) -> Preview:
        """Costs arrive cell by cell: call again while `pending` is above 0."""
        return self._post(Preview, "/sweeps/preview", request.model_dump(mode="json", exclude_none=True))

    def submit(self, request: SweepRequest, idempotency_key: str | None = None) -> Sweep:
        """Queue a sweep. The same key and request give the same sweep again, however often it is sent.

        A service that does not answer in time, or asks for patience (503), is asked again with the
        same key: a large sweep of networks never seen takes a while to count.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return self._insist(Sweep, "/sweeps", request, headers)

    def sweeps(self, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[Sweep]:
        """Newest first; filters: q (words), tag, experiment."""
        return self._page(Sweep, "/sweeps", limit=limit, cursor=cursor, **filters)

    def sweep(self, sweep_id: UUID | str, wait: float = 0) -> Sweep:
        """With `wait`, when one of its runs has changed its status, at the latest after so many seconds, at most 30."""
        asked, patience = ({"wait": wait}, wait + PATIENT_S) if wait else (None, None)
        return self._read(Sweep, self._send("GET", f"/sweeps/{sweep_id}", asked, timeout=patience))

    def sweep_runs(self, sweep_id: UUID | str) -> list[Run]:
        """All of them, in the order of the grid."""
        return list(self._all(Run, f"/sweeps/{sweep_id}/runs"))

    def cancel_sweep(self, sweep_id: UUID | str) -> Sweep:
        return self._post(Sweep, f"/sweeps/{sweep_id}/cancel")

    def retry_failed(self, sweep_id: UUID | str, cancelled: bool = False) -> Sweep:
        """Its failed runs; with `cancelled` those, too: the rest of a cancelled sweep."""
        return self._read(
            Sweep, self._send("POST", f"/sweeps/{sweep_id}/retry-failed", {"cancelled": cancelled or None})
        )

    def update_sweep(self, sweep_id: UUID | str, **change: object) -> Sweep:
        """Set `name`, `tags` (all of them) or `notes`."""
        return self._read(Sweep, self._send("PATCH", f"/sweeps/{sweep_id}", json=change))

    def delete_sweep(self, sweep_id: UUID | str) -> None:
        """With its runs and their files; 409 while one has not ended, or where something else needs one."""
        self._send("DELETE", f"/sweeps/{sweep_id}")

    def wait(self, sweep_id: UUID | str, timeout: float = float("inf"), every: float = 1.0) -> Sweep:
        """Return when no run of the sweep is left to end. Raises `Unreachable` after `timeout` seconds.

        The service answers when something has changed; it is asked once in `every` seconds at most.
        """
        asked = time.monotonic()
        deadline = asked + timeout
        sweep = self.sweep(sweep_id)
        while not sweep.finished:
            if time.monotonic() > deadline:
                raise Unreachable(f"sweep {sweep_id} has not ended within {timeout:g} s")
            time.sleep(max(0.0, asked + every - time.monotonic()))
            asked = time.monotonic()
            sweep = self.sweep(sweep_id, wait=min(WAIT_S, max(0.0, deadline - asked)))
        return sweep

    # Runs

    def runs(self, limit: int = 50, cursor: str | None = None, **filters: Filter) -> Page[Run]:
        """Newest first, or in the order of `sort`.

        Filters: experiment, status, model, dataset, sweep_id, made_from (a run that is an input), tag, q (words),
        where (conditions, of which all hold: `["config.group_size=8", "result.top1>=90"]`), sort (`result.top1`, or
        `-result.top1` for the largest first); with `tables=False` results come without their tables.
        """
        return self._page(Run, "/runs", limit=limit, cursor=cursor, **filters)

    def every_run(self, **filters: Filter) -> Iterator[Run]:
        """All pages of `runs`, 500 at a time: what is read may be more than fits into memory."""
        return self._all(Run, "/runs", **filters)

    def count_runs(self, **filters: Filter) -> int:
        """How many runs a list with these filters has."""
        return self._get(RunCount, "/runs/count", **filters).total

    def run(self, run_id: UUID | str) -> Run:
        return self._get(Run, f"/runs/{run_id}")

    def curves(self, run_id: UUID | str, after: str | None = None) -> Curves:
        return self._get(Curves, f"/runs/{run_id}/curves", after=after)

    def log(self, run_id: UUID | str, after: str | None = None) -> Page[LogLine]:
        return self._page(LogLine, f"/runs/{run_id}/log", after=after)

    def events(self, run_id: UUID | str) -> list[Event]:
        """Its transitions so far, oldest first."""
        return list(self._page(Event, f"/runs/{run_id}/transitions").items)

    def update_run(self, run_id: UUID | str, **change: object) -> Run:
        """Set `tags` (all of them) or `notes`."""
        return self._read(Run, self._send("PATCH", f"/runs/{run_id}", json=change))

    def delete_run(self, run_id: UUID | str) -> None:
        """With curves, log and files; 409 while it has not ended, or where something else needs it."""
        self._send("DELETE", f"/runs/{run_id}")

    def cancel_run(self, run_id: UUID | str) -> Run:
        return self._post(Run, f"/runs/{run_id}/cancel")

    def retry_run(self, run_id: UUID | str) -> Run:
        return self._post(Run, f"/runs/{run_id}/retry")

    def artifacts(self, run_id: UUID | str) -> list[Artifact]:
        return list(self._page(Artifact, f"/runs/{run_id}/artifacts").items)

    def artifact(self, run_id: UUID | str, name: str, thumbnail: int | None = None) -> bytes:
        """The file; of a picture, with `thumbnail`, a smaller one of at most so many pixels a side, 16 to 1024."""
        return self._send("GET", f"/runs/{run_id}/artifacts/{name}", {"thumbnail": thumbnail}).content

    # What has a tag

    def tagged(self, tag: str) -> tuple[list[Sweep], list[Run]]:
        """The sweeps that have it, and the runs of other sweeps that have it."""
        sweeps = list(self._all(Sweep, "/sweeps", tag=tag))
        within = {sweep.id for sweep in sweeps}
        runs = [run for run in self._all(Run, "/runs", tag=tag, tables=False) if run.sweep_id not in within]
        return sweeps, runs

    def delete_tagged(self, tag: str) -> list[ApiError]:
        """Delete these, newest first, since what was made from others is newer; why some could not be."""
        refused = []
        sweeps, runs = self.tagged(tag)
        for path in (*(f"/runs/{run.id}" for run in runs), *(f"/sweeps/{sweep.id}" for sweep in sweeps)):
            try:
                self._send("DELETE", path)
            except ApiError as error:
                if error.status != 409:
                    raise
                refused.append(error)
        return refused

    def prune(self, request: PruneRequest) -> Iterator[Pruned]:
        """Delete what has had its time, some hundred runs an answer, until nothing more is to go."""
        while True:
            done = self._read(
                Pruned, self._send("POST", "/prune", json=request.model_dump(mode="json"), timeout=PRUNE_S)
            )
            yield done
            if not done.more:
                return

    def load_demo(self) -> list[Sweep]:
        """Finished results that ship with the service, to look at; 409 where they are there already."""
        return list(self._post(Page[Sweep], "/demo").items)

    def delete_demo(self) -> None:
        """All that `load_demo` brought."""
        self._send("DELETE", "/demo")

    # Results, workers, health

    def results(self, experiment: str, **filters: str | None) -> list[Config]:
        """Flat rows, config and result side by side, one a finished run, or with `table=` one a row of that table.

        Filters: sweep_id, model, dataset; `stopped="true"`: those too of trainings that a search ended early.
        """
        return list(self._all(dict, "/results", experiment=experiment, **filters))

    def results_csv(self, experiment: str, **filters: str | None) -> bytes:
        query = {"experiment": experiment, "format": "csv", **filters}
        return self._send("GET", "/results", query, timeout=CSV_S).content

    def me(self) -> Caller:
        """As whom this client asks, and what that may do."""
        return self._get(Caller, "/me")

    def acts(self, limit: int = 50, cursor: str | None = None, by: str | None = None) -> Page[Act]:
        """The audit, newest first: who has changed what. Needs a key of the scope admin."""
        return self._page(Act, "/audit", limit=limit, cursor=cursor, by=by)

    def workers(self) -> list[Worker]:
        return list(self._page(Worker, "/workers").items)

    def system(self) -> System:
        return self._get(System, "/system")

    def health(self) -> Health:
        return self._get(Health, "/health")

    def ready(self) -> Health:
        """Raises `ApiError` (503) if the service cannot work; `status` may be "degraded"."""
        return self._get(Health, "/ready")

    # The gate

    def add_baseline(self, request: BaselineRequest, idempotency_key: str | None = None) -> Baseline:
        """Count models and keep their figures under a name; 409 where the name is taken."""
        return self._insist(Baseline, "/baselines", request, {"Idempotency-Key": idempotency_key or str(uuid4())})

    def baselines(self, limit: int = 50, cursor: str | None = None, name: str | None = None) -> Page[Baseline]:
        return self._page(Baseline, "/baselines", limit=limit, cursor=cursor, name=name)

    def baseline(self, baseline_id: UUID | str) -> Baseline:
        return self._get(Baseline, f"/baselines/{baseline_id}")

    def delete_baseline(self, baseline_id: UUID | str) -> None:
        """Its name may be given again. For the scope admin."""
        self._send("DELETE", f"/baselines/{baseline_id}")

    def compare(self, request: ComparisonRequest, idempotency_key: str | None = None) -> Comparison:
        """The verdict of the service's own code, which it keeps; a regression is an answer, not an error."""
        return self._insist(Comparison, "/comparisons", request, {"Idempotency-Key": idempotency_key or str(uuid4())})

    def add_comparison(self, measured: Comparison, idempotency_key: str | None = None) -> Comparison:
        """Keep what was measured elsewhere; returned with the id and the time that the service has given it."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return self._insist(Comparison, "/comparisons", MeasuredRequest(measured=measured), headers)

    def comparisons(self, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[ComparisonBrief]:
        """Newest first; filters: name, branch, verdict."""
        return self._page(ComparisonBrief, "/comparisons", limit=limit, cursor=cursor, **filters)

    def comparison(self, comparison_id: UUID | str, samples: bool = True) -> Comparison:
        """The whole of it, or all but what each process measured."""
        return self._get(Comparison, f"/comparisons/{comparison_id}", samples=samples)

    def metric_history(
        self, model: str, metric: GateMetric, limit: int = 50, cursor: str | None = None, **filters: str | None
    ) -> Page[MetricPoint]:
        """A metric over comparisons: the newest, oldest first; filters: name, branch, testbed."""
        asked = {"model": model, "metric": metric, "limit": limit, "cursor": cursor, **filters}
        return self._page(MetricPoint, "/comparisons/history", **asked)

    def delete_comparison(self, comparison_id: UUID | str) -> None:
        self._send("DELETE", f"/comparisons/{comparison_id}")

    def badge(self, name: str, branch: str | None = None) -> bytes:
        """The newest verdict of that name as SVG."""
        return self._send("GET", f"/badges/{quote(name)}.svg", {"branch": branch}).content
