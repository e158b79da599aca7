"""Runs and experiments made by hand, for tests of what is drawn from them."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from mgic.records import ExperimentInfo, Failure, ModelInfo, Reason, Run, RunStatus

SWEEP = UUID(int=1)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def run(number: int = 0, status: RunStatus = RunStatus.SUCCEEDED, result: dict | None = None, **config) -> Run:
    return Run(
        id=uuid5(SWEEP, str(number)),
        sweep_id=SWEEP,
        number=number,
        experiment="classification",
        status=status,
        queue="cpu",
        device="cpu",
        requested=config,
        config=config,
        result=result,
        created_at=MOMENT,
    )


def failed(number: int, reason: Reason, **config) -> Run:
    made = run(number, RunStatus.FAILED, **config)
    return made.model_copy(update={"reason": reason, "failure": Failure(reason=reason, message="too much")})


def experiment(properties: dict, options: bool = False, **more) -> ExperimentInfo:
    given = {
        "name": "classification",
        "title": "Image classification",
        "summary": "Trains.",
        "version": 1,
        "queue": "cpu",
        "config_schema": {"properties": properties, "additionalProperties": options},
        "result_schema": {"properties": {"top1": {"unit": "%"}, "macs": {}}},
        "views": (),
    }
    return ExperimentInfo(**(given | more))


def model(name: str, **options) -> ModelInfo:
    return ModelInfo(
        name=name,
        summary="",
        options={"properties": options},
        task="image classification",
        input_size=(3, 32, 32),
        smallest=(16, 16),
        package="mgic",
    )
