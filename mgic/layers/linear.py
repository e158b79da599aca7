"""The hierarchy around fully connected layers, as the paper's conclusion says it may be had."""

from collections.abc import Callable

from torch import Tensor, nn

from mgic.layers.hierarchy import Coarsening
from mgic.layers.mgic_block import MGICBlock
from mgic.layers.transfer import Transfer1d


class MGICLinear(nn.Module):
    """A fully connected layer of equal width, its features spread over a hierarchy of channels.

    Each level runs a linear layer with bias and an activation, in groups but on the coarsest
    level. What it saves is the square: width * group_size parameters a level, not width^2.

    Args:
        features: Width of input and output.
        group_size: Features per group, the paper's s_g.
        coarsest_size: Width to coarsen to, the paper's s_c.
        coarsening: See `mgic.layers.hierarchy.halvings`.
        activation: Made once for every level, after its linear layer.

    Shape:
        (batch, features) -> the same.

    Cost:
        features * s_0 + ... + coarsest^2 parameters in the linear layers, as many in R and P together
        on the levels above the coarsest; a bias and a norm beside them.

    Raises:
        BadConfig: As `MGICBlock`.
    """

    def __init__(
        self,
        features: int,
        group_size: int,
        coarsest_size: int,
        coarsening: Coarsening = "paper",
        *,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()

        def level(channels: int, groups: int) -> nn.Module:
            return nn.Sequential(nn.Conv1d(channels, channels, 1, groups=groups), activation())

        self.block = MGICBlock(
            features,
            level,
            group_size,
            coarsest_size,
            coarsening,
            make_transfer=Transfer1d,
            make_norm=nn.BatchNorm1d,
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x.unsqueeze(-1))  # (batch, features, 1): a vector is a signal of one point
        return y.squeeze(-1)
