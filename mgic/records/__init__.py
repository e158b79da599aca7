"""The project's vocabulary: what a sweep, a run and a result look like everywhere.

Pure pydantic: the core fills these in, the store keeps them, the API sends them
and the dashboard draws them. Nothing here may import torch, SQLAlchemy or FastAPI.
"""

from mgic.records.base import MAX_SWEEP_RUNS, NAME_PATTERN, Axis, Config, Grid, Page, Queue, Record, Scalar, Task, Value
from mgic.records.catalogue import Cost, DatasetInfo, ExperimentInfo, Level, ModelCost, ModelInfo, Recipe, View
from mgic.records.paper import Counted, Match, Measured, Metric, PaperSummary, PaperTable, Reference, Standing, Verdict
from mgic.records.runs import (
    Artifact,
    CurvePoint,
    Curves,
    Event,
    Failure,
    LogLine,
    Outcome,
    Plan,
    Point,
    Preview,
    Reason,
    Run,
    RunStatus,
    Sweep,
    SweepRequest,
)
from mgic.records.service import Health, System, Worker

__all__ = [
    "MAX_SWEEP_RUNS",
    "NAME_PATTERN",
    "Artifact",
    "Axis",
    "Config",
    "Cost",
    "Counted",
    "CurvePoint",
    "Curves",
    "DatasetInfo",
    "Event",
    "ExperimentInfo",
    "Failure",
    "Grid",
    "Health",
    "Level",
    "LogLine",
    "Match",
    "Measured",
    "Metric",
    "ModelCost",
    "ModelInfo",
    "Outcome",
    "Page",
    "PaperSummary",
    "PaperTable",
    "Plan",
    "Point",
    "Preview",
    "Queue",
    "Reason",
    "Recipe",
    "Record",
    "Reference",
    "Run",
    "RunStatus",
    "Scalar",
    "Standing",
    "Sweep",
    "SweepRequest",
    "System",
    "Task",
    "Value",
    "Verdict",
    "View",
    "Worker",
]
