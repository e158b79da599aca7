"""A trained network made ready to be used: folded for PyTorch, or as an ONNX file.

Neither is handed out unless it computes what the network computes, see `Agreement`.
"""

from mgic.inference.check import Agreement
from mgic.inference.export import OPSET, agreement, export_onnx, run_onnx
from mgic.inference.folding import optimize_for_inference

__all__ = ["OPSET", "Agreement", "agreement", "export_onnx", "optimize_for_inference", "run_onnx"]
