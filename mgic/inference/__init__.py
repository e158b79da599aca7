"""A trained network made ready to be used: folded for PyTorch, or as an ONNX file.

Neither is handed out unless it computes what the network computes, see `Agreement`.
"""

from mgic.inference.check import Agreement
from mgic.inference.export import OPSET, agreement, export_onnx
from mgic.inference.folding import optimize_for_inference
from mgic.inference.runtimes import layout_changes, run_onnx
from mgic.inference.targets import Form, Target, form_of

__all__ = [
    "OPSET",
    "Agreement",
    "Form",
    "Target",
    "agreement",
    "export_onnx",
    "form_of",
    "layout_changes",
    "optimize_for_inference",
    "run_onnx",
]
