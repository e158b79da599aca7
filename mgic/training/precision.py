"""Which number format a network computes in."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU that has it: same exponents as float32, so the loss needs no scaling. float32 elsewhere."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
