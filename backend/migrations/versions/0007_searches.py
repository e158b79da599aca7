"""A sampler may choose the runs of a sweep, and end trainings before their end."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("search", sa.JSON(), nullable=True))
    op.add_column("sweeps", sa.Column("search_state", sa.String(length=12), nullable=True))
    op.add_column("sweeps", sa.Column("search_why", sa.Text(), server_default="", nullable=False))
    op.add_column("sweeps", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sweeps", sa.Column("refused", sa.JSON(), nullable=True))
    op.create_index(op.f("sweeps_search_state_idx"), "sweeps", ["search_state"], unique=False)
    op.add_column("runs", sa.Column("trial", sa.JSON(), nullable=True))
    op.add_column("runs", sa.Column("stopped_early", sa.Boolean(), server_default=sa.false(), nullable=False))
