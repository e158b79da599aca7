"""All R and P of one MGIC block and nothing between them: down to the coarsest channels and back up."""

from itertools import pairwise

from torch import Tensor, nn

from mgic.layers.hierarchy import Coarsening, plan_levels
from mgic.layers.transfer import Transfer2d


class TransferOperators(nn.Module):
    """Encode feature maps on the coarsest channels and decode them; section 3 of the paper, Table 1.

    Linear, without bias, and the same at every pixel.

    Args:
        channels: Width of the maps.
        group_size: The paper's s_g.
        coarsest_size: The paper's s_c.
        coarsening: See `mgic.layers.halvings`.

    Shape:
        (batch, channels, height, width) -> the same.

    Cost:
        channels * s / 2^(j+1) parameters for each of R_j and P_j with groups of s channels, and as many
        multiply-accumulates a pixel.

    Raises:
        BadConfig: See `mgic.layers.plan_levels`.
    """

    def __init__(self, channels: int, group_size: int, coarsest_size: int, coarsening: Coarsening = "paper") -> None:
        super().__init__()
        self.levels = plan_levels(channels, group_size, coarsest_size, coarsening)
        steps = list(pairwise(self.levels))
        self.restrict = nn.Sequential(*(Transfer2d(a.channels, b.channels, a.groups) for a, b in steps))
        self.prolong = nn.Sequential(*(Transfer2d(b.channels, a.channels, a.groups) for a, b in reversed(steps)))

    @property
    def transfers(self) -> list[Transfer2d]:
        """In the order in which they are applied: R_0 to the coarsest, then back to P_0."""
        return [one for one in (*self.restrict, *self.prolong) if isinstance(one, Transfer2d)]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.prolong(self.restrict(x))
        return y
