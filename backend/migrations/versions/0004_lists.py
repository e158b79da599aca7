"""Lists of runs and the counts of sweeps are read from an index alone, whatever they are filtered by."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_index(op.f("runs_experiment_seq_idx"), "runs")
    for columns in (
        ["sweep_id", "superseded", "status", "seconds"],
        ["experiment", "seq", "status", "model", "dataset"],
        ["status", "seq", "experiment", "model", "dataset"],
        ["model", "seq", "experiment", "status", "dataset"],
        ["dataset", "seq", "experiment", "status", "model"],
    ):
        op.create_index(op.f(f"runs_{'_'.join(columns)}_idx"), "runs", columns, unique=False)
