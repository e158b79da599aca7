"""Print what an image installs, read from pyproject.toml: `python docker/requirements.py service|dashboard`.

The distribution `mgic` depends on torch, the dashboard's process does not: its image installs
`mgic` without dependencies, and of the core's only those below.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
# Workers run every experiment.
EXTRAS = {"service": ("service", "train", "onnx", "prune", "pictures"), "dashboard": ("dashboard", "oidc")}
DASHBOARD_NEEDS = frozenset({"httpx2", "numpy", "pillow", "pydantic", "scipy"})  # its part of the core imports these


def name(requirement: str) -> str:
    """`celery[redis]>=5.7` is celery."""
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


def requirements(role: str, pyproject: Path = PYPROJECT) -> list[str]:
    """With the bounds that pyproject.toml gives them.

    Raises:
        ValueError: There is no such role, or a dependency the dashboard needs is gone.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    core = project["dependencies"]
    if role not in EXTRAS:
        raise ValueError(f"service or dashboard, not {role!r}")
    if role == "dashboard":
        if lost := DASHBOARD_NEEDS - set(map(name, core)):
            raise ValueError(f"pyproject.toml no longer has {', '.join(sorted(lost))}")
        core = [line for line in core if name(line) in DASHBOARD_NEEDS]
    return sorted(core + [line for extra in EXTRAS[role] for line in project["optional-dependencies"][extra]])


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(*sys.argv[1:])) + "\n")
