"""The workers that are online, and what of a run none of them could do: by what each has told of itself.

Of a worker that has not told, the API takes it that it can do what could be done in the API's own place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from backend.catalogue import Catalogue
from backend.settings import Settings
from backend.store import Store
from mgic.cores import usable_cores
from mgic.errors import Problem
from mgic.records import Abilities, Config, DatasetInfo, ExperimentInfo, PluginCode, Queue, Value, Worker, abilities_of


class Online:
    """As they are when they are first asked for: one for a request.

    Args:
        store: Knows the workers.
        catalogue: Knows what there is in the API's own place.
        settings: Say after how long a silent worker is gone.
    """

    def __init__(self, store: Store, catalogue: Catalogue, settings: Settings) -> None:
        self._store, self._catalogue, self._settings = store, catalogue, settings
        self._here: dict[tuple[str, str], str] = {}  # what the API's own place lacks, as far as it was asked

    @cached_property
    def workers(self) -> list[Worker]:
        return [worker for worker in self._store.workers(self._settings.lease_s) if worker.alive]

    def device(self, queue: Queue) -> str:
        """A GPU if a worker that could take the run has one."""
        return "cuda" if self._takers(queue, "cuda") else "cpu"

    def slots(self, queue: Queue) -> int:
        """How many runs of an experiment of this queue can go on at the same time; 1 while no worker is online."""
        return sum(worker.slots for worker in self._takers(queue, self.device(queue))) or 1

    def present(self, infos: Iterable[DatasetInfo]) -> list[DatasetInfo]:
        """The data sets, each present if a worker has it, or, where no worker says, the API."""
        return [info.model_copy(update={"present": self._have(info, self.workers)}) for info in infos]

    def problems(
        self, info: ExperimentInfo, configs: Iterable[Config], codes: Iterable[tuple[PluginCode, ...]] = ()
    ) -> list[list[Problem]]:
        """Why each of these runs would fail or wait for ever: data, an engine, cores, a GPU or a plug-in that nobody
        online has.

        Nothing is known while no worker is online but which data the API has.

        Args:
            info: Of their experiment.
            configs: Of the runs.
            codes: What each uses from outside, where that is known.

        Returns:
            Of each run; a pointer is the field, or empty.
        """
        given, used = list(configs), iter(codes)
        names = sorted({name for config in given if isinstance(name := config.get("dataset"), str)})
        infos = {one.name: one for one in self._catalogue.datasets(names)} if names else {}
        able = abilities_of(info.config_schema)
        return [list(self._faults(info.queue, config, infos, able, next(used, ()))) for config in given]

    def _faults(
        self,
        queue: Queue,
        config: Config,
        infos: Mapping[str, DatasetInfo],
        able: Mapping[str, str],
        code: Iterable[PluginCode],
    ) -> Iterator[Problem]:
        device = str(config.get("device", "cpu"))
        device = self.device(queue) if device == "auto" else device
        takers = self._takers(queue, device)
        nobody = f"no worker of the queue {queue_on(device, queue)} that is online"
        if device == "cuda" and not takers and self.workers:
            yield Problem(
                "device", "no_worker", f"device=cuda: {nobody} has a GPU; start one, or take device=auto or cpu"
            )
        data = infos.get(str(config.get("dataset")))
        if data is not None and not self._have(data, takers):
            where = f"on {nobody}" if _told(takers) else "not on this server"
            yield Problem("dataset", "dataset_missing", f"the data set {data.name} is {where}: {data.how_to_get}")
        for field, ability in able.items():
            value = config.get(field)
            if value is not None and takers and (why := self._lacking(ability, value, takers)):
                yield Problem(field, "no_worker", f"{field}={value}: {nobody} has it: {why}")
        for one in code:
            if one.module and (why := _without(one.module, takers)):
                yield Problem("", "no_worker", f"the plug-in {one.module} is on {nobody}: {why}")

    def _takers(self, queue: Queue, device: str) -> list[Worker]:
        """Those that could claim a run of an experiment of this queue."""
        wanted = queue_on(device, queue)
        return [one for one in self.workers if one.queue == wanted and (one.device == "cuda" or device == "cpu")]

    def _have(self, info: DatasetInfo, takers: Sequence[Worker]) -> bool:
        told = _told(takers)
        if len(told) < len(takers) or not takers:
            return info.present or any(info.name in able.datasets for able in told)
        return any(info.name in able.datasets for able in told)

    def _lacking(self, ability: str, value: Value, takers: Sequence[Worker]) -> str:
        """Why none of them can; empty if one can."""
        why = ""
        for worker in takers:
            why = self._why_not(ability, value, worker)
            if not why:
                return ""
        return why

    def _why_not(self, ability: str, value: Any, worker: Worker) -> str:
        if worker.able is not None:
            return worker.able.why_not(ability, value)
        if ability == "engines":
            return self._lacking_here(value, worker.device)
        return "" if value <= usable_cores() else f"its machine has {usable_cores()} cores to use"

    def _lacking_here(self, engine: str, device: str) -> str:
        key = (engine, device)
        if key not in self._here:
            self._here[key] = self._catalogue.lacking(engine, device)
        return self._here[key]


def queue_on(device: str, queue: Queue) -> Queue:
    """Where a run with this device waits, of an experiment of this queue."""
    return "gpu" if device == "cuda" and queue == "cpu" else queue


def _without(module: str, takers: Sequence[Worker]) -> str:
    """Why none of them has a plug-in; empty if one has, or has not told."""
    told = _told(takers)
    found = [plugin for able in told for plugin in able.plugins if plugin.module == module]
    if not told or len(told) < len(takers) or not all(plugin.error for plugin in found):
        return ""
    return found[0].error if found else "its image has not installed it, or MGIC_IMPORT does not name it"


def _told(workers: Iterable[Worker]) -> list[Abilities]:
    return [worker.able for worker in workers if worker.able is not None]
