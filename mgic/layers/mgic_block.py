"""The multigrid-in-channels block: any CNN block, spread over a hierarchy of channels.

Paper: Eliasof, Ephrath, Ruthotto, Treister, "MGIC: Multigrid-in-Channels Neural
Network Architectures", SIAM J. Sci. Comput. 2023, https://doi.org/10.1137/21M1430194
"""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.layers.hierarchy import Coarsening, plan_levels
from mgic.layers.transfer import Transfer2d

MakeBlock = Callable[[int, int], nn.Module]
MakeTransfer = Callable[[int, int, int], nn.Module]
MakeNorm = Callable[[int], nn.Module]


class MGICBlock(nn.Module):
    """Couple all channels at a cost linear, not quadratic, in their number.

    Down, x_(j+1) = R_j x_j halves the channels; x_j and R_j x_j are kept. The coarsest
    level runs the plain block. Up, each level adds what changed below it and runs its
    grouped block: x_j + norm(P_j(y - R_j x_j)), with y what level j+1 made (section 2.1,
    equations 3 to 6). Only the change is prolonged, so a coarse level that does nothing
    disturbs nothing: with identity blocks and fresh norms (beta = 0) this is the identity.

    Every level has weights of its own. With a single level it is the plain block.

    Args:
        channels: Width of level 0; for a bottleneck, of its inner planes.
        make_block: (channels, groups) -> the CNN block of a level. It keeps the shape.
        group_size: Channels per group, s_g; lowered at a level it does not divide, see `levels`.
        coarsest_size: Width to coarsen to, s_c.
        coarsening: When to stop, see `mgic.layers.hierarchy.halvings`.
        expansion: Channels of the tensor per plane: R, P and the norms work on
            expansion * planes channels, in as many groups as the block has.
        make_transfer: (channels_in, channels_out, groups) -> R or P.
        make_norm: channels -> the norm after P.

    Shape:
        (batch, expansion * channels, height, width) -> the same.

    Cost:
        R_j and P_j: expansion^2 * c_j * s_j parameters together, s_j the effective group
        size, and as many multiply-accumulates a pixel.

    Raises:
        BadConfig: `channels` cannot be halved as often as asked, or no group size fits.

    Examples:
        A convolution over 64, 32 and 16 channels, in groups of 8 but for the coarsest level:

        >>> import torch
        >>> from torch import nn
        >>> from mgic import MGICBlock
        >>> def convolution(channels: int, groups: int) -> nn.Module:
        ...     return nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        >>> block = MGICBlock(64, convolution, group_size=8, coarsest_size=16)
        >>> [level.channels for level in block.levels]
        [64, 32, 16]
        >>> block(torch.zeros(1, 64, 8, 8)).shape
        torch.Size([1, 64, 8, 8])
    """

    def __init__(
        self,
        channels: int,
        make_block: MakeBlock,
        group_size: int,
        coarsest_size: int,
        coarsening: Coarsening = "paper",
        *,
        expansion: int = 1,
        make_transfer: MakeTransfer = Transfer2d,
        make_norm: MakeNorm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        if expansion < 1:
            detail = f"expansion={expansion} should be at least 1"
            raise BadConfig(detail, (Problem("expansion", "greater_than_equal", detail),))
        self.group_size = group_size
        self.coarsest_size = coarsest_size
        self.coarsening = coarsening
        self.levels = plan_levels(channels, group_size, coarsest_size, coarsening)
        self.restrict = nn.ModuleList()
        self.prolong = nn.ModuleList()
        self.norms = nn.ModuleList()
        for fine, coarse in pairwise(self.levels):
            wide, narrow = expansion * fine.channels, expansion * coarse.channels
            self.restrict.append(make_transfer(wide, narrow, fine.groups))
            self.prolong.append(make_transfer(narrow, wide, fine.groups))
            self.norms.append(make_norm(wide))
        self.blocks = nn.ModuleList(make_block(level.channels, level.groups) for level in self.levels)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for restrict in self.restrict:
            coarse = restrict(x)  # (batch, c_j / 2, ...)
            kept.append((x, coarse))
            x = coarse
        x = self.blocks[-1](x)  # (batch, c_L, ...)
        for block, prolong, norm in zip(
            reversed(self.blocks[:-1]), reversed(self.prolong), reversed(self.norms), strict=True
        ):
            fine, coarse = kept.pop()
            x = x - coarse  # names are reused and deleted, so that a block runs beside its input and nothing else
            del coarse
            x = fine + norm(prolong(x))
            del fine
            x = block(x)  # (batch, c_j, ...)
        return x

    def extra_repr(self) -> str:
        sizes = ", ".join(f"{level.channels}/{level.group_size}" for level in self.levels)
        return f"channels/group: {sizes}; asked: group_size={self.group_size}, coarsest_size={self.coarsest_size}"
