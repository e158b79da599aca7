"""Where a result comes from: the lab's own version, and the code under test, never mixed."""

import pytest

from mgic import origin, provenance, runner
from mgic.records import PluginCode, made_by
from mgic.repository import repository_of, tracked, without_user
from tests.outside import commit, git
from tests.silent import SilentContext


@pytest.fixture
def repository(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text("one")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "remote", "add", "origin", "https://me:secret@example.org/team/project.git")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_tells_the_repository_it_is_started_in_and_the_lab_apart(repository, monkeypatch):
    made = commit(repository)
    (repository / "results.json").touch()  # what nobody has added changes nothing
    first = runner.run("channel_scaling", {}, SilentContext(repository / "out")).environment
    assert first["subject"] == {
        "commit": made,
        "branch": "main",
        "dirty": False,
        "remote": "https://example.org/team/project.git",
        "fingerprint": "",
        "plugins": [],
        "ci_run": None,
        "pull_request": None,
    }
    assert first["source"]["commit"] != made
    (repository / "model.py").write_text("two")
    assert runner.run("channel_scaling", {}, SilentContext(repository)).environment["subject"]["dirty"] is True


def test_the_lab_has_a_commit_only_where_its_own_files_are_tracked(repository, monkeypatch):
    monkeypatch.setattr(origin, "PACKAGE", repository)
    (repository / origin.THIS).touch()
    (repository / ".gitignore").write_text(origin.THIS)
    commit(repository)
    unknown = {"version": "0.1.0", "commit": "unknown", "dirty": None}
    assert origin.source.__wrapped__() == unknown, "it is installed in a folder of somebody's repository"
    git(repository, "add", "--force", origin.THIS)
    made = commit(repository)
    assert origin.source.__wrapped__() == {"version": "0.1.0", "commit": made, "dirty": False}
    (repository / "new_model.py").touch()
    assert origin.source.__wrapped__()["dirty"] is True


def test_what_is_asked_ahead_hides_no_repository_that_is_made_later(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    provenance.ask_ahead()
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("1")
    commit(tmp_path)
    provenance.ask_ahead()
    (tmp_path / "file").write_text("2")
    assert provenance.subject("cost", {}, {})["dirty"]


def test_a_folder_without_a_commit_has_none(tmp_path):
    assert repository_of(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert repository_of(tmp_path) is None
    assert tracked(tmp_path) == frozenset()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://example.org/a/b.git?token=secret#part", "https://example.org/a/b.git"),
        ("ssh://git@example.org:2222/a/b", "ssh://example.org:2222/a/b"),
        ("git@example.org:a/b.git", "example.org:a/b.git"),
        ("/srv/git/me@home/b.git", "/srv/git/me@home/b.git"),
    ],
)
def test_an_address_is_shown_without_who_may_use_it(address, shown):
    assert without_user(address) == shown


def test_the_usual_systems_tell_their_run_and_the_pull_request():
    github = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}
    pull = {"GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "topic", "GITHUB_REF_NAME": "12/merge"}
    run = "https://github.com/a/b/actions/runs/7"
    of_pull = {"ci_run": run, "pull_request": "https://github.com/a/b/pull/12", "branch": "topic"}
    assert origin.ci_links(github | pull) == of_pull
    push = github | {"GITHUB_REF": "refs/heads/main", "GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}
    assert origin.ci_links(push) == {"ci_run": run, "pull_request": None, "branch": "main"}
    gitlab = {"CI_PIPELINE_URL": "https://u:p@lab.example.org/a/-/pipelines/1", "CI_MERGE_REQUEST_IID": "3"}
    gitlab |= {"CI_MERGE_REQUEST_PROJECT_URL": "https://lab.example.org/a", "CI_COMMIT_REF_NAME": "topic"}
    found = origin.ci_links(gitlab)
    assert found["ci_run"] == "https://lab.example.org/a/-/pipelines/1"
    assert found["pull_request"] == "https://lab.example.org/a/-/merge_requests/3"
    jenkins = {"BUILD_URL": "https://ci.example.org/job/1/", "CHANGE_URL": "javascript:alert(1)", "BRANCH_NAME": "x"}
    assert origin.ci_links(jenkins) == {"ci_run": jenkins["BUILD_URL"], "pull_request": None, "branch": "x"}
    assert set(origin.ci_links({}).values()) == {None}


def test_a_result_is_of_the_same_code_only_if_the_commit_is_the_same_and_clean():
    code = PluginCode(module="nets", by="--import", commit="abc", dirty=False, fingerprint="1")

    def same(wanted: dict, ran: dict) -> bool:
        stored = {"subject": {"plugins": [code.model_copy(update=ran).model_dump()]}}
        return made_by(stored, (code.model_copy(update=wanted),))

    assert same({}, {"fingerprint": "2"}), "what a run loads late is in its fingerprint too"
    assert not same({}, {"commit": "def"})
    assert not same({"dirty": True}, {})
    assert not same({}, {"dirty": True})
    nowhere = {"commit": None, "dirty": None}
    assert same(nowhere, nowhere)
    assert not same(nowhere, nowhere | {"fingerprint": "2"})
    assert not same(nowhere, nowhere | {"by": "nets 2.0"})
    assert not same(nowhere, {})
    assert not made_by({}, (code,))
    assert made_by(None, ())
