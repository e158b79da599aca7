"""Operators by hand: how many products each sums, on shapes alone and on a CPU, where torch takes other ways."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import DeformConv2d

from mgic.measure import operators
from mgic.measure.cost import _pass, count_cost


class Calls(nn.Module):
    """A function of the input and of parameters of the given shapes."""

    def __init__(self, function, *shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.held = nn.ParameterList(nn.Parameter(torch.zeros(shape)) for shape in shapes)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.held)


class Attending(nn.Module):
    """Attention of the tokens among themselves; weighted or not, torch takes one way or another."""

    def __init__(self, weighted: bool, width: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.weighted = weighted

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=self.weighted)[0]


class Crossing(nn.Module):
    """The first 3 tokens ask all others, whose keys and values have widths of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, kdim=16, vdim=16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x[:, :3, :8], x[:, 3:], x[:, 3:])[0]


class First(nn.Module):
    """The output of a recurrent layer, without its state."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Offset(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = DeformConv2d(4, 6, 3, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x, torch.zeros(1, 18, 6, 6, device=x.device))


class Inferring(nn.Module):
    """In inference mode torch leaves operators whole that are else taken apart before they can be seen."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def scaled(x: Tensor, queries: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(queries, x, x, is_causal=True)


def weighted_rows(x: Tensor, table: Tensor) -> Tensor:
    return F.embedding_bag(torch.zeros_like(x[0], dtype=int), table, mode="sum", per_sample_weights=x[0])


TOKENS = 7 * (4 * 16 * 16 + 2 * 7 * 16)  # 7 tokens of 16: queries, keys, values and output, and 7 partners each

BY_HAND = {
    "linear": (nn.Linear(7, 5), (4, 7), 4 * 7 * 5),
    "linear as a function": (Calls(F.linear, (5, 7)), (4, 7), 4 * 7 * 5),
    "linear in inference mode": (Inferring(nn.Linear(7, 5)), (4, 7), 4 * 7 * 5),
    "convolution in groups": (nn.Conv2d(6, 8, 3, stride=2, groups=2), (6, 9, 7), 4 * 3 * 8 * 3 * 9),
    "depthwise convolution": (nn.Conv2d(6, 6, 3, padding=1, groups=6), (6, 5, 5), 25 * 6 * 9),
    "convolution as a function": (Calls(F.conv2d, (8, 6, 3, 3)), (6, 9, 7), 7 * 5 * 8 * 6 * 9),
    "convolution in inference mode": (Inferring(nn.Conv1d(3, 4, 3)), (3, 9), 7 * 4 * 3 * 3),
    "transposed": (nn.ConvTranspose1d(3, 5, 4, stride=2), (3, 7), 7 * 3 * 5 * 4),
    "transposed in groups": (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (4, 5, 6), 30 * 4 * 3 * 9),
    "transposed in space": (nn.ConvTranspose3d(2, 3, 2), (2, 3, 3, 3), 27 * 2 * 3 * 8),
    "convolution of time first": (
        Calls(lambda x, w, b: torch.conv_tbc(x.transpose(0, 1), w, b), (3, 4, 5), (5,)),
        (9, 4),
        7 * 5 * 3 * 4,
    ),
    "deformed convolution": (Offset(), (4, 8, 8), 36 * 6 * 2 * 9),
    "matrices": (Calls(torch.matmul, (7, 5)), (3, 4, 7), 12 * 7 * 5),
    "batches of matrices": (Calls(torch.bmm, (1, 7, 5)), (3, 7), 3 * 7 * 5),
    "batches added up": (Calls(lambda x, y, z: torch.addbmm(z, x, y), (1, 7, 5), (3, 5)), (3, 7), 3 * 7 * 5),
    "matrix by vector": (Calls(lambda x, v: torch.mv(x[0], v), (7,)), (4, 7), 28),
    "matrix by vector, added": (Calls(lambda x, v, b: torch.addmv(b, x[0], v), (7,), (4,)), (4, 7), 28),
    "vector by vector": (Calls(lambda x, v: torch.dot(x[0], v), (7,)), (7,), 7),
    "einsum": (Calls(lambda x, w: torch.einsum("bchw,cdh->bdw", x, w), (3, 5, 4)), (3, 4, 6), 6 * 5 * 3 * 4),
    "einsum of an inner product": (Calls(lambda x, v: torch.einsum("bi,i->b", x, v), (7,)), (7,), 7),
    "tensordot": (Calls(lambda x, w: torch.tensordot(x, w, 2), (3, 4, 5)), (3, 4), 3 * 4 * 5),
    "chain": (Calls(lambda x, a, b: torch.linalg.multi_dot([x, a, b]), (7, 2), (2, 5)), (7,), 7 * 2 + 2 * 5),
    # x_i w_oij first, for each of 5 outputs and 4 numbers of the second input; then what is left by the second input.
    "bilinear": (Calls(nn.Bilinear(3, 4, 5), (1, 4)), (3,), 5 * 4 * 3 + 5 * 4),
    "bilinear as einsum": (
        Calls(lambda x, w, y: torch.einsum("bi,oij,bj->bo", x, w, y), (5, 3, 4), (1, 4)),
        (3,),
        5 * 4 * 3 + 5 * 4,
    ),
    "few distances": (Calls(torch.cdist, (5, 3)), (4, 3), 4 * 5 * 3),
    "many distances": (Calls(torch.cdist, (50, 3)), (40, 3), 40 * 50 * 3),
    "distances by sums": (Calls(lambda x, y: torch.cdist(x, y, p=1.0), (5, 3)), (4, 3), 0),
    "distances within": (Calls(lambda x: torch.pdist(x[0])), (4, 3), 6 * 3),
    "distance": (Calls(lambda x, v: torch.dist(x, v), (1, 3)), (4, 3), 4 * 3),
    "distance by sums": (Calls(lambda x, v: torch.dist(x, v, p=1.0), (1, 3)), (4, 3), 0),
    "distances of pairs": (Calls(F.pairwise_distance, (1, 4, 3)), (4, 3), 0),  # torch's own, the norm of a difference
    "vectors by vectors": (Calls(torch.linalg.vecdot, (4, 7)), (4, 7), 0),  # torch's own (w * x).sum()
    "weighted bags of rows": (Calls(weighted_rows, (10, 8)), (2, 5), 2 * 5 * 8),
    "bags of rows": (Calls(lambda x, w: F.embedding_bag(torch.zeros_like(x[0], dtype=int), w), (10, 8)), (2, 5), 0),
    "complex convolution": (nn.Conv2d(3, 4, 3, dtype=torch.complex64), (3, 8, 8), 3 * 36 * 4 * 27),
    "complex matrices": (nn.Linear(7, 5, dtype=torch.complex64), (4, 7), 4 * 7 * 5),
    "affine grid": (Calls(lambda x: F.affine_grid(x, [1, 3, 4, 5], align_corners=False)), (2, 3), 20 * 2 * 3),
    "scaled dot products": (Calls(scaled, (1, 4, 5, 8)), (4, 9, 8), 4 * 5 * 9 * (8 + 8)),
    "attention": (Attending(weighted=False), (7, 16), TOKENS),
    "attention that gives its weights": (Attending(weighted=True), (7, 16), TOKENS),
    "attention of two": (Crossing(), (8, 16), 3 * 8 * 8 + 2 * 5 * 16 * 8 + 2 * 3 * 5 * 8 + 3 * 8 * 8),
    "encoder layer": (nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), (7, 16), TOKENS + 7 * 2 * 16 * 32),
    "encoder layer, norm first": (
        nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True, activation="gelu"),
        (7, 16),
        TOKENS + 7 * 2 * 16 * 32,
    ),
    "encoder": (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 3, enable_nested_tensor=False),
        (7, 16),
        3 * (TOKENS + 7 * 2 * 16 * 32),
    ),
    "LSTM": (First(nn.LSTM(3, 5, batch_first=True)), (6, 3), 6 * 4 * 5 * (3 + 5)),
    "LSTM, 2 layers, both ways": (
        First(nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True)),
        (6, 3),
        6 * 2 * 4 * 5 * ((3 + 5) + (10 + 5)),
    ),
    "LSTM in inference mode": (Inferring(First(nn.LSTM(3, 5, batch_first=True))), (6, 3), 6 * 4 * 5 * 8),
    "GRU": (First(nn.GRU(3, 5, batch_first=True)), (6, 3), 6 * 3 * 5 * (3 + 5)),
    "RNN": (First(nn.RNN(3, 5, batch_first=True)), (6, 3), 6 * 5 * (3 + 5)),
    "cell of an LSTM": (First(nn.LSTMCell(3, 5)), (3,), 4 * 5 * (3 + 5)),
    "cell of a GRU": (nn.GRUCell(3, 5), (3,), 3 * 5 * (3 + 5)),
    "elementwise": (Calls(lambda x, w: (x * w).sum(), (4, 7)), (4, 7), 0),
    "outer": (Calls(lambda x, v: torch.outer(x[0], v), (5,)), (7,), 0),
    "no products": (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(True), nn.AvgPool2d(2), nn.Softmax(1)), (3, 4, 4), 0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand_on_shapes_alone(name):
    network, size, macs = BY_HAND[name]
    counts = _pass(network, size, "meta")
    assert (sum(counts.macs.values()), dict(counts.uncounted)) == (macs, {})


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand_computed_on_a_cpu(name):
    network, size, macs = BY_HAND[name]
    counts = _pass(network, size, "cpu")
    assert (sum(counts.macs.values()), dict(counts.uncounted)) == (macs, {})


def test_a_fused_operator_stands_for_a_whole_layer_on_a_cpu_and_for_none_on_shapes():
    """Else the two tests above would try one way twice."""
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    assert set(_pass(nn.Sequential(layer), (7, 16), "cpu").macs) == {layer}
    assert set(_pass(nn.Sequential(layer), (7, 16), "meta").macs) == {layer.self_attn, layer.linear1, layer.linear2}


def test_a_sparse_matrix_costs_what_it_stores():
    class Sparse(nn.Module):
        def __init__(self, matrix: Tensor) -> None:
            super().__init__()
            self.register_buffer("matrix", matrix)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sparse.mm(self.matrix, x[0])

    for matrix in (torch.eye(4).to_sparse(), torch.eye(4).to_sparse(), torch.eye(4)):
        stored = 4 if matrix.is_sparse else 16
        cost = count_cost(Sparse(matrix), (4, 5))
        assert (cost.macs, cost.uncounted) == (stored * 5, ())


def test_a_transform_is_named_and_not_taken_for_nothing():
    cost = count_cost(nn.Sequential(nn.Linear(8, 8), Calls(torch.fft.rfft)), (8,))
    assert cost.macs == 64
    assert [(found.operator, found.module) for found in cost.uncounted] == [("aten::_fft_r2c", "1")]


def test_a_check_for_errors_is_nothing_beside_what_it_checks():
    cost = count_cost(Calls(lambda x: torch.linalg.inv(x + torch.eye(4, device=x.device))), (4, 4))
    assert [found.operator for found in cost.uncounted] == ["aten::linalg_inv_ex"]


def test_no_operator_is_in_two_lists():
    """Nor in the table of formulas and in a list: only one of the two would be read."""
    lists = [
        operators._ELEMENTWISE,
        operators._NORMS,
        operators._POOLINGS_AND_SUMS,
        operators._LOSSES,
        operators._COPIES_AND_VIEWS,
        operators._NEW_AND_RANDOM,
        operators._INDEXING,
        operators._RESIZING,
    ]
    names = " ".join(lists).split()
    assert len(names) == len(set(names)) == len(operators._NOTHING)
    assert not operators._NOTHING & operators._PRODUCTS.keys()
