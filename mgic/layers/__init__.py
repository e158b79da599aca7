"""The bricks: the MGIC block, its transfer operators, the CNN blocks it can wrap, connectors."""

from mgic.layers.blocks import BasicBlock, Bottleneck, PadShortcut
from mgic.layers.connector import Connector, ConnectorKind
from mgic.layers.grouped_linear import GroupedLinear
from mgic.layers.hierarchy import Coarsening, GridLevel, effective_group_size, halvings, level_widths, plan_levels
from mgic.layers.initialisation import init_weights, transfer_modules
from mgic.layers.inverted_residual import InvertedResidual, common_divisor, mgic_inverted_residual, multiple
from mgic.layers.linear import MGICLinear
from mgic.layers.mgic_block import MakeBlock, MakeNorm, MakeTransfer, MGICBlock
from mgic.layers.transfer import Transfer, Transfer1d, Transfer2d, TransferLast, draw_rows

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "Coarsening",
    "Connector",
    "ConnectorKind",
    "GridLevel",
    "GroupedLinear",
    "InvertedResidual",
    "MGICBlock",
    "MGICLinear",
    "MakeBlock",
    "MakeNorm",
    "MakeTransfer",
    "PadShortcut",
    "Transfer",
    "Transfer1d",
    "Transfer2d",
    "TransferLast",
    "common_divisor",
    "draw_rows",
    "effective_group_size",
    "halvings",
    "init_weights",
    "level_widths",
    "mgic_inverted_residual",
    "multiple",
    "plan_levels",
    "transfer_modules",
]
