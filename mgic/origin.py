"""What the lab knows of itself, and what a CI job says of itself. Without torch."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mgic import __version__
from mgic.repository import repository_of, tracked, without_user

PACKAGE, THIS = Path(__file__).parent, Path(__file__).name
GITLAB_REQUEST = "{CI_MERGE_REQUEST_PROJECT_URL}/-/merge_requests/{CI_MERGE_REQUEST_IID}"
# By the system that runs a job: the variables that have the address of the run, of the pull request, and the branch.
CI = (
    ("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}", "", "{GITHUB_HEAD_REF}"),
    ("", "", "{GITHUB_REF_NAME}"),
    ("{CI_PIPELINE_URL}", GITLAB_REQUEST, "{CI_COMMIT_REF_NAME}"),
    ("{BUILD_URL}", "{CHANGE_URL}", "{BRANCH_NAME}"),
    ("{CIRCLE_BUILD_URL}", "{CIRCLE_PULL_REQUEST}", "{CIRCLE_BRANCH}"),
    ("{TRAVIS_BUILD_WEB_URL}", "", "{TRAVIS_BRANCH}"),
    ("{BUILDKITE_BUILD_URL}", "", "{BUILDKITE_BRANCH}"),
)  # fmt: skip


def ci_links(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Addresses of the CI run and of the pull request, and the branch, as the usual systems tell them."""
    given = {name: value for name, value in environment.items() if value}
    _, kind, number, *_ = [*given.get("GITHUB_REF", "").split("/"), "", "", ""]
    pull = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/pull/" + number if kind == "pull" else ""
    runs, requests, branches = zip(("", pull, ""), *CI, strict=True)
    return {
        "ci_run": _address(_first(runs, given)),
        "pull_request": _address(_first(requests, given)),
        "branch": _first(branches, given),
    }


def _first(patterns: Iterable[str], given: Mapping[str, str]) -> str | None:
    for pattern in filter(None, patterns):
        try:
            return pattern.format_map(given)
        except KeyError:
            continue
    return None


def _address(text: str | None) -> str | None:
    return without_user(text) if text and text.startswith(("http://", "https://")) else None


@cache
def source() -> dict[str, Any]:
    """The lab's version; its commit, and whether it was changed since, only where its own files are tracked."""
    found = repository_of(PACKAGE, within=PACKAGE)
    if found is None or PACKAGE.resolve() / THIS not in tracked(found.root.resolve()):
        return {"version": __version__, "commit": "unknown", "dirty": None}
    return {"version": __version__, "commit": found.commit, "dirty": found.changed}
