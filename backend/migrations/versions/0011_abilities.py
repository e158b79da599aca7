"""A worker tells what it can do."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("workers", sa.Column("able", sa.JSON(), nullable=True))
