"""The bricks: the MGIC block, its transfer operators, the CNN blocks it can wrap, connectors."""

from mgic.layers.blocks import BasicBlock, PadShortcut
from mgic.layers.connector import Connector, ConnectorKind
from mgic.layers.hierarchy import Coarsening, GridLevel, effective_group_size, halvings, level_widths, plan_levels
from mgic.layers.initialisation import init_weights, transfer_modules
from mgic.layers.mgic_block import MakeBlock, MakeNorm, MakeTransfer, MGICBlock
from mgic.layers.transfer import Transfer, Transfer1d, Transfer2d, draw_rows

__all__ = [
    "BasicBlock",
    "Coarsening",
    "Connector",
    "ConnectorKind",
    "GridLevel",
    "MGICBlock",
    "MakeBlock",
    "MakeNorm",
    "MakeTransfer",
    "PadShortcut",
    "Transfer",
    "Transfer1d",
    "Transfer2d",
    "draw_rows",
    "effective_group_size",
    "halvings",
    "init_weights",
    "level_widths",
    "plan_levels",
    "transfer_modules",
]
