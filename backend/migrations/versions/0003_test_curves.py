"""Scores on the test set are called so: curves `val/...` of runs that held no samples out become `test/...`.

Until then the scores after each epoch were drawn as `val/...`, though they were those of the test set. A run that held
samples out has both, and keeps them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

runs = sa.table("runs", sa.column("id", sa.Uuid()), sa.column("config", sa.JSON()))
curves = sa.table("curves", sa.column("run_id", sa.Uuid()), sa.column("name", sa.String()))


def upgrade() -> None:
    connection = op.get_bind()
    validation, test = (curves.c.name.startswith(f"{part}/", autoescape=True) for part in ("val", "test"))
    drawn = sa.select(runs.c.id, runs.c.config).where(runs.c.id.in_(sa.select(curves.c.run_id).where(validation)))
    held_out = [run_id for run_id, config in connection.execute(drawn) if config.get("validation_share")]
    has_both = sa.select(curves.c.run_id).where(test)
    renamed = "test/" + sa.func.substr(curves.c.name, len("val/") + 1)
    of_test = curves.c.run_id.not_in(held_out) & curves.c.run_id.not_in(has_both)
    connection.execute(curves.update().where(validation, of_test).values(name=renamed))
