"""Comparisons are kept, and each metric of each model in them is found by its name."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "comparisons",
        sa.Column("seq", serial, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("branch", sa.String(length=300), nullable=True),
        sa.Column("commit", sa.String(length=64), nullable=True),
        sa.Column("testbed", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("brief", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("comparisons_pkey")),
        sa.UniqueConstraint("id", name=op.f("comparisons_id_key")),
        sa.UniqueConstraint("idempotency_key", name=op.f("comparisons_idempotency_key_key")),
    )
    for column in ("name", "branch", "verdict"):
        op.create_index(op.f(f"comparisons_{column}_seq_idx"), "comparisons", [column, "seq"], unique=False)
    op.create_table(
        "comparison_rows",
        sa.Column("comparison_seq", serial, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=500), nullable=False),
        sa.Column("metric", sa.String(length=20), nullable=True),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_seq"],
            ["comparisons.seq"],
            name=op.f("comparison_rows_comparison_seq_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("comparison_seq", "place", name=op.f("comparison_rows_pkey")),
    )
    op.create_index(
        op.f("comparison_rows_model_metric_comparison_seq_idx"),
        "comparison_rows",
        ["model", "metric", "comparison_seq"],
        unique=False,
    )
