"""The hierarchy around fully connected layers."""

import torch
from torch import nn

from mgic.layers import Bottleneck, MGICLinear, init_weights
from mgic.measure.cost import count_cost


def test_its_cost_is_the_closed_form():
    layer = MGICLinear(64, group_size=8, coarsest_size=16)
    linear = 64 * 8 + 32 * 8 + 16 * 16
    transfers = 64 * 8 + 32 * 8  # R_j and P_j: c_j * s / 2 each
    cost = count_cost(layer, (64,))
    assert (cost.macs, cost.transfer_macs) == (linear + transfers, transfers)
    assert cost.params == linear + transfers + (64 + 32 + 16) + 2 * (64 + 32)  # biases; norms after P
    assert cost.macs < 64 * 64 // 1.5


def test_every_output_depends_on_every_input():
    torch.manual_seed(0)
    layer = MGICLinear(32, group_size=4, coarsest_size=4, activation=nn.Identity).eval().double()
    x = torch.randn(1, 32, dtype=torch.float64, requires_grad=True)
    jacobian = torch.autograd.functional.jacobian(layer, x)[0, :, 0]
    assert jacobian.ne(0).all()


def test_a_small_network_of_them_learns_what_no_group_knows_alone():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(16, 64), nn.ReLU(), MGICLinear(64, 8, 16), MGICLinear(64, 8, 16), nn.Linear(64, 1)
    )
    init_weights(network)
    x = torch.randn(1024, 16)
    y = (x[:, :8].sum(1) * x[:, 8:].sum(1) > 0).float()  # the sign of a product: linear in neither half
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(network(x).squeeze(1), y).backward()
        optimizer.step()
    right = ((network(x).squeeze(1) > 0).float() == y).float().mean()
    assert right > 0.95


def test_a_bottleneck_costs_its_three_convolutions():
    assert count_cost(Bottleneck(16, groups=4), (64, 5, 5)).macs == 25 * (64 * 16 + 9 * 16 * 16 + 16 * 64) // 4
    block = Bottleneck(8).eval()
    nn.init.zeros_(block.conv3.weight)
    x = torch.rand(2, 32, 4, 4)
    assert torch.equal(block(x), x)  # for x >= 0: ReLU stands after the sum
