"""How many bytes does a network take as a file?"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from mgic.models import canonical_name, create, resolve_options

PREFIX_BYTES = 8  # the length of the header, a 64-bit number
ALIGNMENT = 8  # the header is filled up with spaces to a multiple of it
NAMES = {  # of a type in the header; the largest ones come first in the file
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float32: "F32",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def state_bytes(model: nn.Module) -> int:
    """Size of the model's state dict as a safetensors file without metadata, bytes; nothing is written.

    Every number with a fraction counts 4 bytes, whatever precision the model has now; counters of batches
    and the like keep their type. The header has each tensor's name, type, shape and place, so that a
    module called by another name changes the size by a few bytes. A tensor that stands under two names
    counts twice. Format: https://github.com/huggingface/safetensors#format
    """
    tensors = {name: (_stored(tensor), tensor) for name, tensor in model.state_dict().items()}
    order = list(NAMES)
    header: dict[str, dict[str, Any]] = {}
    end = 0
    for name, (kind, tensor) in sorted(tensors.items(), key=lambda item: (order.index(item[1][0]), item[0])):
        start, end = end, end + tensor.numel() * kind.itemsize
        header[name] = {"dtype": NAMES[kind], "shape": list(tensor.shape), "data_offsets": [start, end]}
    written = len(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    return PREFIX_BYTES + -(-written // ALIGNMENT) * ALIGNMENT + end


def model_state_bytes(name: str, options: Mapping[str, Any]) -> int:
    """The same of a model by name, built on the meta device; each model and options is counted once.

    Raises:
        UnknownName: No model of that name.
        BadConfig: Options it does not take or cannot be built from.
    """
    return _model_state_bytes(canonical_name(name), json.dumps(resolve_options(name, options), sort_keys=True))


@lru_cache(maxsize=1024)
def _model_state_bytes(name: str, options: str) -> int:
    with torch.device("meta"):
        return state_bytes(create(name, **json.loads(options)))


def _stored(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.is_floating_point() else tensor.dtype
