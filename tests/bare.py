"""As on a machine that has nothing but what the project installs, for this process and all that it starts."""

import os
from pathlib import Path


def bare(folder: Path) -> None:
    """Settings, data sets and caches of whoever runs the tests are out of sight: tests see only what they make."""
    for name in [name for name in os.environ if name.startswith("MGIC_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    for variable, name in (("HOME", "home"), ("MGIC_DATA_DIR", "data")):
        (folder / name).mkdir()
        os.environ[variable] = str(folder / name)
