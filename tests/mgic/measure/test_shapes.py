"""The shapes that are told here are those that torch gives, and what is not plain is left to it."""

import pytest
import torch
from torch import Tensor

from mgic.measure.shapes import output_of_shapes

aten = torch.ops.aten


def shape(*sizes: int) -> Tensor:
    return torch.empty(*sizes, device="meta")


X, THREE = shape(2, 3, 5, 4), [shape(3)] * 4
PLAIN = {
    "two dimensions": (aten.convolution.default, X, shape(6, 1, 3, 2), None, [2, 1], [1, 0], [1, 2], False, [0, 0], 3),
    "one": (aten.convolution.default, shape(2, 6, 9), shape(4, 6, 3), shape(4), [2], [1], [1], False, [0], 1),
    "a norm": (aten.native_batch_norm.default, X, *THREE, False, 0.1, 1e-5),
    "a mean": (aten.mean.dim, X, [-1, 2], True),
    "a linear layer": (aten.addmm.default, shape(7), shape(2, 5), shape(7, 5).t()),
    "a difference": (aten.sub.Tensor, X, X),
}
LEFT = {
    "channels that do not fit": (*PLAIN["one"][:2], shape(4, 5, 3), *PLAIN["one"][3:]),
    "a kernel larger than the map": (*PLAIN["one"][:2], shape(4, 6, 13), *PLAIN["one"][3:]),
    "transposed": (*PLAIN["one"][:7], True, *PLAIN["one"][8:]),
    "channels last": (aten.sub.Tensor, X, X.to(memory_format=torch.channels_last)),
    "a norm that trains": (*PLAIN["a norm"][:6], True, 0.1, 1e-5),
    "a norm of other channels": (*PLAIN["a norm"][:5], shape(4), False, 0.1, 1e-5),
    "a mean that drops": (aten.mean.dim, X, [-1, -2], False),
    "a layer of other inputs": (aten.addmm.default, shape(7), shape(2, 6), shape(5, 7)),
    "broadcast": (aten.add.Tensor, X, shape(3, 1, 1)),
    "a number": (aten.mul.Tensor, X, 2),
    "another operator": (aten.relu.default, X),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_shape_is_that_of_torch(name):
    func, *args = PLAIN[name]
    found, expected = output_of_shapes(func, tuple(args)), func(*args)
    found, expected = ((one[0] if isinstance(one, tuple) else one) for one in (found, expected))
    assert found.is_meta
    assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_plain_or_does_not_fit_is_left_to_torch(name):
    func, *args = LEFT[name]
    assert output_of_shapes(func, tuple(args)) is None
