"""Which commit a pull request is held against, and what is left of its checkout."""

import subprocess

import pytest

from mgic.errors import BadConfig, NotFound
from mgic.sides.checkout import base_of, changed_since, checked_out, file_at
from tests.outside import commit, git

OF_PULL_REQUEST = {"GITHUB_REF": "refs/pull/7/merge"}


def said(root, *words: str) -> str:
    return subprocess.run(["git", "-C", root, *words], capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def parted(foreign):
    """Both branches have gone on."""
    foreign.write("feature = 1")
    feature = foreign.commit()
    git(foreign.root, "checkout", "--quiet", "main")
    (foreign.root / "other").touch()
    main = foreign.commit()
    git(foreign.root, "checkout", "--quiet", "feature")
    return foreign, feature, main


def test_the_base_is_where_the_head_left_the_branch(parted):
    foreign, _, main = parted
    assert base_of("main", foreign.package, {}).commit == foreign.main != main
    assert base_of(main[:8], foreign.root, {}).commit == foreign.main


def test_of_the_merge_that_github_makes_the_base_is_its_first_parent(parted):
    foreign, feature, main = parted
    git(foreign.root, "checkout", "--quiet", "--detach", "main")
    git(foreign.root, "-c", "user.name=a", "-c", "user.email=a@b", "merge", "--quiet", "--no-ff", feature)
    found = base_of("origin/main", foreign.root, OF_PULL_REQUEST)
    assert (found.commit, found.ref) == (main, "origin/main")
    assert "merge" in found.why
    with pytest.raises(BadConfig, match="git fetch origin"):
        base_of("origin/main", foreign.root, {})


def test_a_shallow_clone_is_told_apart_with_what_deepens_it(parted, tmp_path):
    foreign, _, _ = parted
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "feature", f"file://{foreign.root}", str(clone))
    with pytest.raises(NotFound, match=r"shallow.*git fetch --unshallow.*fetch-depth: 0"):
        base_of("origin/main", clone, {})
    git(clone, "fetch", "--quiet", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    with pytest.raises(NotFound, match="does not reach back to where HEAD left origin/main"):
        base_of("origin/main", clone, {})
    git(clone, "fetch", "--quiet", "--unshallow")
    assert base_of("origin/main", clone, {}).commit == foreign.main


@pytest.mark.parametrize("ref", ["nowhere", "--all", " ", "origin/mian"])
def test_a_ref_that_git_does_not_know_is_refused(foreign, ref):
    with pytest.raises(BadConfig, match="--base"):
        base_of(ref, foreign.root, {})


def test_an_ancestor_that_there_is_not_needs_no_fetch(foreign):
    with pytest.raises(BadConfig, match="git knows 'main' here, and no commit so far before it as 'main~400'"):
        base_of("main~400", foreign.root, {})


def test_no_repository_and_no_common_commit_are_refused(foreign, tmp_path):
    with pytest.raises(BadConfig, match="no git repository"):
        base_of("main", tmp_path, {})
    git(foreign.root, "checkout", "--quiet", "--orphan", "alone")
    foreign.write("another beginning")
    commit(foreign.root)
    with pytest.raises(BadConfig, match="no commit in common"):
        base_of("main", foreign.root, {})


def test_the_checkout_has_the_base_and_is_gone_whatever_happens(parted):
    foreign, _, _ = parted
    base = base_of("main", foreign.root, {})
    seen = []

    def look() -> None:
        with checked_out(base) as place:
            seen.extend([place, (place / "src/theirs/nets.py").read_text(), (foreign.package / "nets.py").read_text()])
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        look()
    place, of_base, of_head = seen
    assert "small" in of_base
    assert of_head == "feature = 1"
    assert not place.exists()
    assert said(foreign.root, "worktree", "list").count("\n") == 0
    assert said(foreign.root, "status", "--porcelain") == ""


def test_a_file_is_changed_where_the_base_has_another_one_or_none(foreign):
    base = base_of("main", foreign.root, {})
    nets, new = foreign.package / "nets.py", foreign.root / "new.json"
    assert not changed_since(base, nets)
    foreign.write("other")
    assert changed_since(base, nets)
    new.touch()
    assert changed_since(base, new)


def test_a_file_of_a_commit_is_read_from_git(foreign):
    foreign.write("other")
    foreign.commit()
    assert b"small" in file_at(foreign.root, "main", "src/theirs/nets.py")
    with pytest.raises(BadConfig, match=r"main has no file baseline\.json"):
        file_at(foreign.root, "main", "baseline.json")
