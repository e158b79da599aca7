"""Deleting what has had its time, by the policy of whoever asks or by that of the settings.

Through the deletion of sweeps and runs, one after another: what has come to need one meanwhile keeps it.
"""

import logging

from backend.store import Leaving, Policy, Store
from mgic.errors import BadConfig, Conflict, NotFound, Problem
from mgic.records import Pruned
from mgic.registry import no_such

log = logging.getLogger(__name__)
DAY_S = 86_400
MOST = 500  # runs at a time


def check_policy(policy: Policy, store: Store) -> None:
    """Raises `BadConfig` where its order is by a field that no run has had."""
    field = policy.keep_best.removeprefix("-")
    if field and field not in (known := store.field_names()):
        words = str(no_such("field", field, sorted(known)))
        raise BadConfig(words, (Problem("keep_best", "unknown_field", words),))


def prune(store: Store, policy: Policy, dry_run: bool, most: int = MOST) -> Pruned:
    """Delete, or with `dry_run` only find, what the policy does not keep.

    Args:
        store: Of the sweeps.
        policy: What stays.
        dry_run: Whether nothing is deleted.
        most: About how many runs go now; the rest when it is asked again.

    Returns:
        How much it was, or would be.
    """
    sweeps = runs = size = needed = best = 0
    for leaving in store.leaving(policy):
        gone = len(leaving.runs) if dry_run else _delete(store, leaving)
        all_gone = gone == len(leaving.runs)
        sweeps += leaving.whole and all_gone
        runs += gone
        size += leaving.size if all_gone else 0
        needed += leaving.needed + len(leaving.runs) - gone
        best += leaving.best
        if not dry_run and runs >= most:
            break
    return Pruned(
        sweeps=sweeps,
        runs=runs,
        size_bytes=size,
        kept_needed=needed,
        kept_best=best,
        more=not dry_run and runs >= most,
    )


def _delete(store: Store, leaving: Leaving) -> int:
    """How many of its runs are gone."""
    try:
        if leaving.whole:
            store.delete_sweep(leaving.sweep_id)
            return len(leaving.runs)
    except (Conflict, NotFound) as error:
        log.info("the sweep %s stays: %s", leaving.sweep_id, error)
        return 0
    gone = 0
    for run_id in leaving.runs:
        try:
            store.delete_run(run_id)
        except (Conflict, NotFound) as error:
            log.info("the run %s stays: %s", run_id, error)
        else:
            gone += 1
    return gone
