"""Multigrid-in-channels networks: blocks, models, measurements and experiments.

`import mgic` is light; the first use of a name below loads the module that has it
(PEP 562), and with it torch where that module needs torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "MGICBlock": "mgic.layers",
    "convert": "mgic.conversion",
    "create": "mgic.models",
    "list_models": "mgic.models",
    "count_cost": "mgic.measure.cost",
    "describe": "mgic.describe",
    "export_onnx": "mgic.inference",
    "optimize_for_inference": "mgic.inference",
}

__all__ = [  # found by __getattr__
    "MGICBlock",
    "__version__",
    "convert",
    "count_cost",
    "create",
    "describe",
    "export_onnx",
    "list_models",
    "optimize_for_inference",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mgic' has no attribute {name!r}")
    module = import_module(_HOME[name])
    return module if _HOME[name].endswith(f".{name}") else getattr(module, name)
