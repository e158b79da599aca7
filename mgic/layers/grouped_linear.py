"""A fully connected layer in groups: what a grouped 1x1 convolution is, for channels that stand last."""

import math

import torch
from torch import Tensor, nn


class GroupedLinear(nn.Module):
    """Each group of outputs is made of one group of inputs. With one group it is `nn.Linear`, weight for weight.

    Args:
        in_features: Channels of the input.
        out_features: Channels of the output.
        groups: Divides both.
        bias: Whether there is one.

    Shape:
        (..., in_features) -> (..., out_features).

    Cost:
        in_features * out_features / groups parameters, and as many multiply-accumulates a position.

    Raises:
        ValueError: `groups` does not divide the features.
    """

    weight: Tensor

    def __init__(self, in_features: int, out_features: int, groups: int = 1, bias: bool = True) -> None:
        super().__init__()
        if in_features % groups or out_features % groups:
            raise ValueError(f"{in_features} inputs and {out_features} outputs are not made of {groups} groups")
        self.in_features, self.out_features, self.groups = in_features, out_features, groups
        self.weight = nn.Parameter(torch.empty(out_features, in_features // groups))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As `nn.Linear` and `nn.Conv1d` start."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        if self.groups == 1:
            return nn.functional.linear(x, self.weight, self.bias)
        weight = self.weight.view(self.groups, -1, self.weight.shape[1])  # (groups, outputs, inputs) of a group
        grouped = x.reshape(*x.shape[:-1], self.groups, -1)
        y = torch.einsum("...gi,goi->...go", grouped, weight).flatten(-2)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, groups={self.groups}, bias={self.bias is not None}"
