"""Which number format a network is trained in: float32 unless something else is asked for, on every device alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from mgic.errors import BadConfig, Problem

Precision = Literal["float32", "bfloat16", "float16"]


def check_precision(precision: Precision, device: torch.device) -> None:
    """A CPU takes all three; so does a GPU, but for bfloat16 on those that only imitate it.

    Raises:
        BadConfig: The device does not compute in it.
    """
    lacks = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" and lacks:
        detail = "precision=bfloat16, but this GPU has no such numbers; take precision=float16 or precision=float32"
        raise BadConfig(detail, (Problem("precision", "not_supported", detail),))


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Convolutions and matrix products in that precision; weights, norms and losses stay in float32.

    The precision is that of training steps. Whatever is scored is computed in float32.
    """
    dtype = torch.float16 if precision == "float16" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=precision != "float32")


def grad_scaler(device: torch.device, precision: Precision) -> torch.amp.GradScaler:
    """Keeps the gradients of float16 off its smallest numbers; for other precisions it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")


@contextmanager
def exact_float32() -> Iterator[None]:
    """While open, float32 is float32 on a GPU too: no TensorFloat-32, which PyTorch takes for convolutions by itself.

    TensorFloat-32 has 10 bits of fraction, as float16. Afterwards it is as it was.
    """
    places: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)  # type: ignore[attr-defined]
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "ieee"
    try:
        yield
    finally:
        for place, kept in zip(places, before, strict=True):
            place.fp32_precision = kept
