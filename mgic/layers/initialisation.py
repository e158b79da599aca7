"""How the weights of a network start, transfer operators excepted."""

from torch import nn

from mgic.layers.mgic_block import MGICBlock
from mgic.layers.transfer import Transfer


def transfer_modules(network: nn.Module) -> set[nn.Module]:
    """Every module that is, or is part of, a restriction or prolongation."""
    found: set[nn.Module] = set()
    for module in network.modules():
        if isinstance(module, Transfer):
            found.update(module.modules())
        elif isinstance(module, MGICBlock):  # whatever its make_transfer made
            for operator in (*module.restrict, *module.prolong):
                found.update(operator.modules())
    return found


def init_weights(network: nn.Module) -> None:
    """Draw every convolution anew (Kaiming normal, for ReLU), but leave R and P as they are.

    The spread follows fan-in, since fan-out as torch counts it does not know of groups:
    a depthwise convolution would start smaller by the square root of its width.
    Norms and linear layers keep torch's own start.
    """
    spared = transfer_modules(network)
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module not in spared:
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
