"""`mgic prune`: delete sweeps that have had their time."""

import re
from typing import Annotated

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import put, put_json
from mgic.errors import BadConfig
from mgic.records import Pruned, PruneRequest

AGE = re.compile(r"(\d+(?:\.\d+)?)([hdw])")
DAYS = {"h": 1 / 24, "d": 1, "w": 7}


def prune(
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Since the last run of a sweep ended: 12h, 90d, 8w.")],
    keep_best: Annotated[
        str, typer.Option(metavar="ORDER", help="Of each sweep the first run in this order: -result.top1, result.mse.")
    ] = "",
    keep_tag: Annotated[list[str] | None, typer.Option(help="Sweeps with this tag, repeatable; `keep` always.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would go.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Delete sweeps that ended long ago, with their files; never what another run or a baseline needs.

    Example: mgic prune --older-than 90d --keep-best -result.top1 --dry-run
    """
    request = PruneRequest(
        older_than_days=days(older_than),
        keep_best=keep_best,
        keep_tags=("keep", *(keep_tag or ())),
        dry_run=dry_run,
    )
    with connect(api_url, api_key) as client:
        done = _sum(list(client.prune(request)))
    if as_json:
        put_json(done)
        return
    would = "would be deleted" if dry_run else "deleted"
    put(f"{done.sweeps:,} sweeps, {done.runs:,} runs and {done.size_bytes / 1e6:,.1f} MB of files {would}")
    put(f"{done.kept_best:,} old runs stay as the best of their sweeps, {done.kept_needed:,} since others need them")


def days(age: str) -> float:
    """Raises `BadConfig`."""
    found = AGE.fullmatch(age.strip())
    if found is None:
        raise BadConfig(f"--older-than: a number with h, d or w behind it is wanted, as 90d, not {age[:40]!r}")
    return float(found[1]) * DAYS[found[2]]


def _sum(parts: list[Pruned]) -> Pruned:
    """Of what the answers tell; what stays is the same in each."""
    added = {name: sum(getattr(part, name) for part in parts) for name in ("sweeps", "runs", "size_bytes")}
    return parts[-1].model_copy(update=added)
