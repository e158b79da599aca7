"""Grid transfer between the channel levels: restriction R and prolongation P."""

import torch
from torch import nn

from mgic.layers.grouped_linear import GroupedLinear


class Transfer(nn.Module):
    """Marks a restriction or a prolongation, and gives it its start.

    The rows of the weight, one an output channel, start positive with sum 1, so that
    maps neither vanish nor grow on the way down (appendix A). Each is drawn from
    Dirichlet(1): rows that start equal get equal gradients and never part, and a group
    would keep the rank of a single average.

    `mgic.layers.init_weights` leaves modules of this kind alone, and the cost counter
    reports them apart.
    """

    weight: torch.Tensor

    def reset_parameters(self) -> None:
        draw_rows(self.weight)


class Transfer1d(Transfer, nn.Conv1d):
    """Grouped 1x1 convolution without bias, for points or tokens.

    Shape:
        (batch, channels_in, points) -> (batch, channels_out, points).

    Cost:
        channels_in * channels_out / groups parameters, and as many multiply-accumulates a point.
    """

    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size=1, groups=groups, bias=False)


class Transfer2d(Transfer, nn.Conv2d):
    """Grouped 1x1 convolution without bias, for images.

    R_j goes from c_j to c_j / 2 channels and P_j back, both in c_j / s groups.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels_out, height, width).

    Cost:
        channels_in * channels_out / groups parameters, and as many multiply-accumulates a pixel.
    """

    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size=1, groups=groups, bias=False)


class TransferLast(Transfer, GroupedLinear):
    """Grouped linear layer without bias, for vectors and for tensors whose channels stand last.

    Shape:
        (..., channels_in) -> (..., channels_out).

    Cost:
        channels_in * channels_out / groups parameters, and as many multiply-accumulates a position.
    """

    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__(channels_in, channels_out, groups, bias=False)


@torch.no_grad()
def draw_rows(weight: torch.Tensor) -> None:
    """Fill each row weight[i] with a draw from Dirichlet(1): positive, sum 1.

    Draws with torch's global generator of the weight's device; on the meta device
    nothing is drawn.
    """
    if weight.is_meta:
        return
    # Exponentials divided by their sum are Dirichlet(1). Half precision would round many of them to 0.
    draws = torch.empty_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32)).exponential_()
    rows = draws.clamp_min_(torch.finfo(torch.float32).tiny).flatten(1)
    weight.copy_((rows / rows.sum(dim=1, keepdim=True)).view_as(weight))
