"""Runs are searched for words from the newest on, in an index that has what the words may be in."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index(op.f("runs_seq_sweep_id_model_idx"), "runs", ["seq", "sweep_id", "model"], unique=False)
