"""The hierarchy around fully connected layers, as the paper's conclusion says it may be had."""

from collections.abc import Callable

from torch import nn

from mgic.layers.grouped_linear import GroupedLinear
from mgic.layers.hierarchy import Coarsening
from mgic.layers.mgic_block import MGICBlock
from mgic.layers.transfer import TransferLast


class MGICLinear(MGICBlock):
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
        def level(channels: int, groups: int) -> nn.Module:
            return nn.Sequential(GroupedLinear(channels, channels, groups), activation())

        super().__init__(
            features,
            level,
            group_size,
            coarsest_size,
            coarsening,
            make_transfer=TransferLast,
            make_norm=nn.BatchNorm1d,
        )
