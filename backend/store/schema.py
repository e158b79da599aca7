"""The tables. Rows never leave `backend.store`. Times are seconds since 1970, UTC, by the database's clock."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

SCHEMA_VERSION = "0011"  # the newest file in backend/migrations/versions

metadata = MetaData(naming_convention=NAMES)
QUEUED = text("status = 'queued'")  # as a literal: a parameter would not find the partial index

# SQLite counts rows by itself only in a column of type INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")
# In order by their bytes on both databases, so that a list is in one order on both.
Ordered = String(200).with_variant(String(200, collation="C"), "postgresql")

sweeps = Table(
    "sweeps",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("experiment", String(120), nullable=False),
    Column("grids", JSON, nullable=False),
    Column("recipe", String(120)),
    Column("priority", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("idempotency_key", String(255), unique=True),
    Column("payload_hash", String(64), nullable=False),
    Column("then_sweep_id", Uuid),  # submitted with it: each run of that one has one of this one as its input
    Column("search", JSON(none_as_null=True)),  # how a sampler chooses its runs: `backend.store.searches.NewSearch`
    Column("search_state", String(12), index=True),  # "searching" while further runs may be asked for
    Column("search_why", Text, nullable=False, server_default=""),
    Column("asked", Integer, nullable=False, server_default="0"),  # trials; who asks for more has seen this number
    Column("refused", JSON(none_as_null=True)),  # cells that were proposed and cannot be run
    Column("notes", Text, nullable=False, server_default=""),
    Column("owner", String(254), index=True),  # who submitted it; NULL: nobody had to say
)

runs = Table(
    "runs",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("sweep_id", Uuid, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # its place in the sweep
    Column("experiment", String(120), nullable=False),
    Column("version", Integer, nullable=False),  # of the experiment
    Column("model", String(500)),  # copied out of the config, to filter by
    Column("dataset", String(120)),
    Column("requested", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("config_key", String(64), nullable=False, index=True),  # equal for runs that would give the same result
    Column("work_macs", Float),
    Column("queue", String(10), nullable=False),
    Column("device", String(10), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("reason", String(20)),
    Column("phase", String(40), nullable=False, default=""),
    Column("progress", Float, nullable=False, default=0.0),
    Column("attempt", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),  # rises with every change of owner
    Column("host", String(200)),
    Column("worker", String(200)),
    Column("lease_until", Float),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("result", JSON(none_as_null=True)),
    Column("failure", JSON(none_as_null=True)),
    Column("environment", JSON(none_as_null=True)),
    Column("seconds", Float),
    Column("retry_of", Uuid),
    Column("superseded", Boolean, nullable=False, default=False),  # a retry took its place
    Column("reused_from", Uuid, index=True),
    Column("lacks", Integer, nullable=False, server_default="0"),  # inputs that have not succeeded: it waits for them
    Column("trial", JSON(none_as_null=True)),  # of a search: `macs`, and what the sampler notes of it
    Column("stopped_early", Boolean, nullable=False, server_default=false()),  # before its training's end
    Column("notes", Text, nullable=False, server_default=""),
    Column(
        "imported", Boolean, nullable=False, server_default=false()
    ),  # not run here: it is shown, and proves nothing
    # Of those that wait, since each owner has a quota of them.
    Index("runs_waiting_idx", "sweep_id", sqlite_where=QUEUED, postgresql_where=QUEUED),
    Index("runs_noted_idx", "seq", sqlite_where=text("notes <> ''"), postgresql_where=text("notes <> ''")),
    Index(None, "status", "queue", "lacks", "priority", "seq"),
    Index(None, "sweep_id", "number"),
    # A row is wide, with its JSON: lists and counts find what they want in an index alone.
    Index(None, "sweep_id", "superseded", "status", "seconds"),
    Index(None, "experiment", "seq", "status", "model", "dataset"),
    Index(None, "status", "seq", "experiment", "model", "dataset"),
    Index(None, "model", "seq", "experiment", "status", "dataset"),
    Index(None, "dataset", "seq", "experiment", "status", "model"),
    Index(None, "seq", "sweep_id", "model"),  # from the newest on, for words
)

# What runs are found and sorted by, one row a value: a run's own row is wide, and JSON has no index.
fields = Table(
    "fields",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment", String(120), nullable=False),
    Column("name", String(200), nullable=False),  # config.group_size, result.top1, seconds, created_at
    UniqueConstraint("name", "experiment"),
)

facts = Table(
    "facts",
    metadata,
    Column("run_seq", Serial, ForeignKey("runs.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("field_id", Integer, ForeignKey("fields.id"), primary_key=True, autoincrement=False),
    Column("number", Float),  # or a text; a value that is neither is no fact
    Column("text", Ordered),
    Index(
        "facts_number_idx",
        *("field_id", "number", "run_seq"),
        sqlite_where=text("number IS NOT NULL"),
        postgresql_where=text("number IS NOT NULL"),
    ),
    Index(
        "facts_text_idx",
        *("field_id", "text", "run_seq"),
        sqlite_where=text("text IS NOT NULL"),
        postgresql_where=text("text IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

sweep_tags = Table(
    "sweep_tags",
    metadata,
    Column("sweep_id", Uuid, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(40), primary_key=True),
    Index(None, "tag", "sweep_id"),
)

run_tags = Table(
    "run_tags",
    metadata,
    Column("run_seq", Serial, ForeignKey("runs.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tag", String(40), primary_key=True),
    Index(None, "tag", "run_seq"),
)

# Runs that were deleted, and whose files still lie there.
leftovers = Table("leftovers", metadata, Column("run_id", Uuid, primary_key=True))

# That a run may not be removed while another needs it is this table's to say.
inputs = Table(
    "inputs",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("field", String(120), primary_key=True),  # of its config
    Column("input_id", Uuid, ForeignKey("runs.id", ondelete="RESTRICT"), nullable=False, index=True),
    Column("files", JSON, nullable=False),  # the names of those that it reads
)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("from_status", String(12)),
    Column("to_status", String(12), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("note", Text, nullable=False, default=""),
)

curves = Table(
    "curves",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("name", String(120), nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("value", Float),  # NULL: not a finite number
    UniqueConstraint("run_id", "fence", "name", "step"),
    Index(None, "run_id", "id"),
)

logs = Table(
    "logs",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Index(None, "run_id", "id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("fence", Integer, nullable=False),  # the folder it lies in
    Column("media_type", String(120), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)

baselines = Table(
    "baselines",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("document", JSON, nullable=False),  # the record without id, name and time
    Column("idempotency_key", String(255), unique=True),
    Column("payload_hash", String(64), nullable=False),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", String(120)),
    Column("verdict", String(16), nullable=False),
    Column("branch", String(300)),  # of the head, and so is the commit
    Column("commit", String(64)),
    Column("testbed", String(200)),  # the host that measured
    Column("created_at", Float, nullable=False),
    Column("brief", JSON, nullable=False),  # what a list shows and no column has
    Column("document", JSON, nullable=False),  # the record without id, time, rows and samples
    Column("samples", JSON, nullable=False),
    Column("idempotency_key", String(255), unique=True),
    Column("payload_hash", String(64), nullable=False),
    Column("owner", String(254)),
    Index(None, "name", "seq"),
    Index(None, "branch", "seq"),
    Index(None, "verdict", "seq"),
)

# The rows of comparisons, of which each is a point in the history of a metric.
comparison_rows = Table(
    "comparison_rows",
    metadata,
    Column(
        "comparison_seq",
        Serial,
        ForeignKey("comparisons.seq", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("model", String(500), nullable=False),
    Column("metric", String(20)),
    Column("row", JSON, nullable=False),
    Index(None, "model", "metric", "comparison_seq"),
)

# Who may use the service: of the secret only a hash is kept.
keys = Table(
    "keys",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("name", String(120), nullable=False),  # whose it is: what they submit is theirs under any key of this name
    Column("scope", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
)

# The audit: what was changed, by whom.
acts = Table(
    "acts",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("at", Float, nullable=False),
    Column("by", String(254), nullable=False),
    Column("key_id", String(16)),
    Column("action", String(60), nullable=False),
    Column("target", String(300), nullable=False),
    Index(None, "by", "seq"),
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("queue", String(10), nullable=False),
    Column("device", String(10), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("version", String(40), nullable=False),
    Column("able", JSON(none_as_null=True)),  # what it can do, once it has told
    Column("seen_at", Float, nullable=False),
)
