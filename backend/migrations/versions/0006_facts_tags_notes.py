"""Runs are found and sorted by any field; sweeps and runs have tags and notes, and can be deleted."""

import json
import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

AT_A_TIME = 500  # runs

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Ordered = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
runs = sa.table(
    "runs",
    sa.column("seq", sa.Integer()),
    sa.column("experiment", sa.String()),
    sa.column("config", sa.JSON()),
    sa.column("result", sa.JSON()),
    sa.column("seconds", sa.Float()),
    sa.column("created_at", sa.Float()),
)


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("notes", sa.Text(), server_default="", nullable=False))
    op.add_column("runs", sa.Column("notes", sa.Text(), server_default="", nullable=False))
    op.add_column("runs", sa.Column("imported", sa.Boolean(), server_default=sa.false(), nullable=False))
    _partial_index("runs_noted_idx", "runs", ["seq"], "notes <> ''")
    op.create_table(
        "leftovers",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("leftovers_pkey")),
    )
    op.create_table(
        "sweep_tags",
        sa.Column("sweep_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name=op.f("sweep_tags_sweep_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sweep_id", "tag", name=op.f("sweep_tags_pkey")),
    )
    op.create_index(op.f("sweep_tags_tag_sweep_id_idx"), "sweep_tags", ["tag", "sweep_id"], unique=False)
    op.create_table(
        "run_tags",
        sa.Column("run_seq", Serial, autoincrement=False, nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["run_seq"], ["runs.seq"], name=op.f("run_tags_run_seq_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_seq", "tag", name=op.f("run_tags_pkey")),
    )
    op.create_index(op.f("run_tags_tag_run_seq_idx"), "run_tags", ["tag", "run_seq"], unique=False)
    fields = op.create_table(
        "fields",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("fields_pkey")),
        sa.UniqueConstraint("name", "experiment", name=op.f("fields_name_experiment_key")),
    )
    facts = op.create_table(
        "facts",
        sa.Column("run_seq", Serial, autoincrement=False, nullable=False),
        sa.Column("field_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Float()),
        sa.Column("text", Ordered),
        sa.ForeignKeyConstraint(["run_seq"], ["runs.seq"], name=op.f("facts_run_seq_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name=op.f("facts_field_id_fkey")),
        sa.PrimaryKeyConstraint("run_seq", "field_id", name=op.f("facts_pkey")),
        sqlite_with_rowid=False,
    )
    _fill(op.get_bind(), fields, facts)
    _partial_index("facts_number_idx", "facts", ["field_id", "number", "run_seq"], "number IS NOT NULL")
    _partial_index("facts_text_idx", "facts", ["field_id", "text", "run_seq"], "text IS NOT NULL")


def _partial_index(name: str, table: str, columns: list[str], which: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(which), postgresql_where=sa.text(which))


def _fill(connection: sa.Connection, fields: sa.Table, facts: sa.Table) -> None:
    """What runs of older schemas have, written down as a run of this one's is: 50,000 of them take half a minute."""
    known: dict[tuple[str, str], int] = {}
    last = 0
    while True:
        query = sa.select(runs).where(runs.c.seq > last).order_by(runs.c.seq).limit(AT_A_TIME)
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        last = rows[-1]["seq"]
        found = [(row["seq"], (row["experiment"], name), fact) for row in rows for name, fact in _facts(row).items()]
        if new := {place for _, place, _ in found} - known.keys():
            connection.execute(fields.insert(), [{"experiment": one, "name": name} for one, name in sorted(new)])
            query = sa.select(fields.c.experiment, fields.c.name, fields.c.id)
            known = {(one, name): field_id for one, name, field_id in connection.execute(query)}
        if found:
            given = [{"run_seq": seq, "field_id": known[place], **fact} for seq, place, fact in found]
            connection.execute(facts.insert(), given)


def _facts(row: sa.RowMapping) -> dict[str, Mapping[str, Any]]:
    given = {f"config.{name}": value for name, value in row["config"].items()}
    given |= {f"result.{name}": value for name, value in (row["result"] or {}).items() if not isinstance(value, list)}
    given |= {"seconds": row["seconds"], "created_at": row["created_at"]}
    return {name: fact for name, value in given.items() if len(name) <= 200 and (fact := _fact(value))}


def _fact(value: Any) -> Mapping[str, Any] | None:
    """As `backend.store.facts` had it when this was written."""
    if isinstance(value, bool | int | float):
        try:
            return {"number": float(value), "text": None} if math.isfinite(value) else None
        except OverflowError:
            return None
    if isinstance(value, list):
        value = json.dumps(value, separators=(",", ":"))
    if not isinstance(value, str):
        return None
    return {"number": None, "text": value.replace("\0", "").encode(errors="replace").decode()[:200]}
