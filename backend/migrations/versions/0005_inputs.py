"""Runs may be the inputs of others, which wait for them; a sweep may be submitted with one that follows it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "inputs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(length=120), nullable=False),
        sa.Column("input_id", sa.Uuid(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["input_id"], ["runs.id"], name=op.f("inputs_input_id_fkey"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("inputs_run_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "field", name=op.f("inputs_pkey")),
    )
    op.create_index(op.f("inputs_input_id_idx"), "inputs", ["input_id"], unique=False)
    op.add_column("sweeps", sa.Column("then_sweep_id", sa.Uuid(), nullable=True))
    op.add_column("runs", sa.Column("lacks", sa.Integer(), server_default="0", nullable=False))
    op.drop_index(op.f("runs_status_queue_priority_seq_idx"), "runs")
    columns = ["status", "queue", "lacks", "priority", "seq"]
    op.create_index(op.f("runs_status_queue_lacks_priority_seq_idx"), "runs", columns, unique=False)
    op.create_index(op.f("runs_reused_from_idx"), "runs", ["reused_from"], unique=False)
