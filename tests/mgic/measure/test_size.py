"""The size that is told of a network is that of the file safetensors writes."""

import pytest
import safetensors.torch
import torch
from torch import nn

from mgic.measure.size import model_state_bytes, state_bytes
from mgic.models import create


def written(model: nn.Module) -> int:
    state = model.state_dict().items()
    plain = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state}
    return len(safetensors.torch.save({name: tensor.contiguous() for name, tensor in plain.items()}))


class Mixed(nn.Module):
    """Tensors of several types, an empty one and a scalar, under names in another order than their types."""

    def __init__(self) -> None:
        super().__init__()
        self.z = nn.Parameter(torch.zeros(3, 5))
        self.register_buffer("a", torch.zeros(7, dtype=torch.uint8))
        self.register_buffer("b", torch.tensor(True))
        self.register_buffer("naïve", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("empty", torch.zeros(0, 4))
        self.register_buffer("d", torch.zeros(1000, dtype=torch.int16))


@pytest.mark.parametrize("name", ["resnet20", "mgic_resnet20", "dgcnn"])
def test_the_size_is_that_of_the_file(name):
    size = written(create(name))
    assert state_bytes(create(name)) == size
    assert state_bytes(create(name).double()) == size
    assert model_state_bytes(name, {}) == size


def test_every_type_of_tensor_takes_the_place_it_takes_in_the_file():
    assert state_bytes(Mixed()) == written(Mixed())


def test_a_network_of_one_layer_by_hand():
    """12 weights and 3 biases of 4 bytes; 8 bytes, then a header filled up from 115 to 120."""
    header = '{"bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},'
    header += '"weight":{"dtype":"F32","shape":[3,4],"data_offsets":[12,60]}}'
    assert state_bytes(nn.Linear(4, 3)) == 8 + -(-len(header) // 8) * 8 + 60
