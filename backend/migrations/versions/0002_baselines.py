"""Baselines, which models are held against."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "baselines",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("baselines_pkey")),
        sa.UniqueConstraint("id", name=op.f("baselines_id_key")),
        sa.UniqueConstraint("name", name=op.f("baselines_name_key")),
        sa.UniqueConstraint("idempotency_key", name=op.f("baselines_idempotency_key_key")),
    )
