"""Multigrid-in-channels networks: blocks, models, measurements and experiments.

`import mgic` is light; the first use of a name below loads the module that has it
(PEP 562), and with it torch where that module needs torch.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgic.conversion import convert
    from mgic.inference import export_onnx, optimize_for_inference
    from mgic.layers import MGICBlock
    from mgic.measure.cost import count_cost
    from mgic.models import create, list_models

__version__ = "0.1.0"

_HOME = {
    "MGICBlock": "mgic.layers",
    "convert": "mgic.conversion",
    "count_cost": "mgic.measure.cost",
    "create": "mgic.models",
    "export_onnx": "mgic.inference",
    "list_models": "mgic.models",
    "optimize_for_inference": "mgic.inference",
}

__all__ = [  # found by __getattr__
    "MGICBlock",
    "__version__",
    "convert",
    "count_cost",
    "create",
    "export_onnx",
    "list_models",
    "optimize_for_inference",
]


if not TYPE_CHECKING:  # to a type checker, which does not import, a name is there or is a mistake

    def __getattr__(name):
        if name not in _HOME:
            raise AttributeError(f"module 'mgic' has no attribute {name!r}")
        return getattr(_import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
