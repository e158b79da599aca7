"""What has had its time goes, with what only it needed, and nothing else."""

import pytest
from sqlalchemy import update

from backend.artifacts import Artifacts
from backend.janitor import Janitor
from backend.pruning import DAY_S, check_policy, prune
from backend.settings import Settings
from backend.store import Policy, Store
from backend.store.schema import runs, sweeps
from mgic.cli.prune import days
from mgic.errors import BadConfig, NotFound
from mgic.records import Artifact, Pruned
from tests.backend.store_points import add, succeeded, taken

FILE = Artifact(name="a.png", media_type="image/png", size=1000, sha256="0" * 64)
# What is asked of the store is asked of both in two tests; the rest lies beyond it.
of_one_store = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
OLD = Policy(30 * DAY_S)


def finished(store: Store, *args, **values):
    """Runs that have succeeded with 1, 2, ... as `top1`."""
    ids = add(store, *args, **values)
    for number, _ in enumerate(ids, 1):
        claim = taken(store)
        assert store.finish(claim.run_id, claim.fence, succeeded(top1=float(number)), [FILE])
    return ids


def age(store: Store, ids, by_days: float = 60) -> None:
    """As if they, and their sweeps, had been stored and had ended so much earlier."""
    with store._write() as connection:
        mine = runs.c.id.in_(ids)
        earlier = {
            "created_at": runs.c.created_at - by_days * DAY_S,
            "finished_at": runs.c.finished_at - by_days * DAY_S,
        }
        connection.execute(update(runs).where(mine).values(**earlier))
        (sweep_id,) = set(connection.scalars(runs.select().with_only_columns(runs.c.sweep_id).where(mine)))
        then = sweeps.c.created_at - by_days * DAY_S
        connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(created_at=then))


def pruned(**values) -> Pruned:
    return Pruned(**{"sweeps": 0, "runs": 0, "size_bytes": 0, "kept_needed": 0, "kept_best": 0, "more": False} | values)


def there(store: Store, ids) -> list[bool]:
    return [run_id in store.known_runs(ids) for run_id in ids]


def test_old_sweeps_go_whole_and_a_dry_run_says_how_much_that_is(store):
    old, young = finished(store, 3), finished(store, 2)
    in_part = finished(store, 2, tags=("other",))
    waiting = add(store)
    age(store, old)
    age(store, waiting)
    age(store, in_part[:1])
    expected = pruned(sweeps=1, runs=3, size_bytes=3000)
    assert prune(store, OLD, dry_run=True) == expected
    assert prune(store, OLD, dry_run=False) == expected
    assert there(store, [*old, *young, *waiting, *in_part]) == [False] * 3 + [True] * 5
    assert {*store.leftovers(9)} == {*old}
    assert prune(store, OLD, dry_run=False) == pruned()


def test_a_tag_of_the_sweep_or_of_one_of_its_runs_keeps_all_of_it(store):
    tagged, with_one, plain = finished(store, 2, tags=("keep",)), finished(store, 2), finished(store, 2)
    store.describe_run(with_one[0], {"tags": ["paper"]})
    for ids in (tagged, with_one, plain):
        age(store, ids)
    policy = Policy(OLD.older_than_s, ("keep", "paper"))
    assert prune(store, policy, dry_run=False).runs == 2
    assert there(store, [*tagged, *with_one, *plain]) == [True] * 4 + [False] * 2


def test_the_best_run_of_each_sweep_stays_and_what_it_was_made_from(store):
    source = finished(store, 2)
    made = finished(store, 3, needs=[source[0]])
    for ids in (source, made):
        age(store, ids)
    policy = Policy(OLD.older_than_s, (), "-result.top1")
    expected = pruned(runs=2, size_bytes=2000, kept_needed=1, kept_best=2)
    assert prune(store, policy, dry_run=True) == expected
    assert prune(store, policy, dry_run=False) == expected
    assert there(store, [*source, *made]) == [True, True, False, False, True]
    assert prune(store, OLD, dry_run=False) == pruned(sweeps=2, runs=3, size_bytes=3000)


@of_one_store
def test_what_younger_runs_need_stays(store):
    source = finished(store, 2)
    young = finished(store, 1, needs=[source[1]])
    age(store, source)
    assert (
        prune(store, OLD, dry_run=True)
        == prune(store, OLD, dry_run=False)
        == pruned(runs=1, size_bytes=1000, kept_needed=1)
    )
    assert there(store, [*source, *young]) == [False, True, True]


@of_one_store
def test_it_goes_on_where_it_was_told_to_stop(store):
    for _ in range(3):
        age(store, finished(store, 2))
    first = prune(store, OLD, dry_run=False, most=3)
    assert (first.sweeps, first.runs, first.more) == (2, 4, True)
    assert prune(store, OLD, dry_run=False, most=3) == pruned(sweeps=1, runs=2, size_bytes=2000)


@of_one_store
def test_the_janitor_does_it_by_the_settings(store, tmp_path):
    old = finished(store, 1)
    age(store, old)
    settings = Settings(prune_older_than_days=30, prune_keep_tags="keep, Paper")
    assert settings.retention == Policy(30 * DAY_S, ("keep", "paper"), "")
    assert Settings().retention is None
    Janitor(store, Artifacts(str(tmp_path)), 60).prune()
    assert there(store, old) == [True]
    Janitor(store, Artifacts(str(tmp_path)), 60, settings.retention).prune()
    with pytest.raises(NotFound):
        store.run(old[0])


@of_one_store
def test_an_order_by_a_field_that_there_is_not_is_refused_with_the_nearest(store):
    finished(store)
    check_policy(Policy(1, (), "result.top1"), store)
    with pytest.raises(BadConfig, match=r"no field called 'result.top2'; did you mean 'result.top1'"):
        check_policy(Policy(1, (), "-result.top2"), store)


def test_ages_are_written_with_a_unit():
    assert [days(text) for text in ("90d", "12h", "1.5w")] == [90, 0.5, 10.5]
    for text in ("90", "d", "-1d", "3 months"):
        with pytest.raises(BadConfig, match="--older-than: a number with h, d or w"):
            days(text)


def test_the_service_is_asked_for_it(api):
    client = api.client
    (demo, *_) = client.load_demo()
    before = client.count_runs(tag="demo")
    told = api.http.post("/prune", json={"older_than_days": 0, "keep_tags": ["demo"], "dry_run": True}).json()
    assert told["runs"] == 0
    told = api.http.post("/prune", json={"older_than_days": 0, "keep_tags": [], "dry_run": True}).json()
    assert (told["runs"], told["sweeps"]) == (before, 3)
    assert client.sweep(demo.id).total > 0
    for body, pointer in (
        ({"older_than_days": -1}, "#/older_than_days"),
        ({"older_than_days": 1, "keep_best": "drop table"}, "#/keep_best"),
    ):
        problem = api.http.post("/prune", json=body).json()
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)
