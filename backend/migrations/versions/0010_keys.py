"""Keys, what was done with them, and whose sweeps and comparisons are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "keys",
        sa.Column("seq", serial, nullable=False),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.Column("last_used_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("keys_pkey")),
        sa.UniqueConstraint("id", name=op.f("keys_id_key")),
    )
    op.create_table(
        "acts",
        sa.Column("seq", serial, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(254), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=True),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("acts_pkey")),
    )
    op.create_index(op.f("acts_by_seq_idx"), "acts", ["by", "seq"], unique=False)
    for table in ("sweeps", "comparisons"):
        op.add_column(table, sa.Column("owner", sa.String(254), nullable=True))
    op.create_index(op.f("sweeps_owner_idx"), "sweeps", ["owner"], unique=False)
    waiting = sa.text("status = 'queued'")
    op.create_index("runs_waiting_idx", "runs", ["sweep_id"], sqlite_where=waiting, postgresql_where=waiting)
