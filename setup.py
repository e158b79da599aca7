"""A wheel holds the library, its command and the client; what a checkout installs in place has the service too.

The packages of the service have names that other distributions may want: `backend`, `worker`, `dashboard`.
"""

import sys

from setuptools import find_packages, setup

SERVICE = ("backend", "worker", "dashboard") if "editable_wheel" in sys.argv else ()

setup(packages=find_packages(include=[pattern for name in ("mgic", *SERVICE) for pattern in (name, f"{name}.*")]))
