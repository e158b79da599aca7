"""Which share of a batch this process takes, where several train one network together."""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Process `rank` of `count`; with more than one, a process group of torch.distributed must be there.

    Every process holds the same samples in the same order and knows how each is altered. With shares of
    equal size the result depends on their number only by the batches that norms see and by what layers draw;
    where one has a sample more, the gradients are still averaged process by process.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that reports and keeps checkpoints."""
        return self.rank == 0

    @property
    def path(self) -> tuple[int, ...]:
        """What its own random draws derive from, beside the seed; nothing for the first."""
        return (self.rank,) if self.rank else ()

    def of(self, batch: int) -> slice:
        """Its rows of a batch of that size: consecutive, as evenly as may be."""
        return slice(batch * self.rank // self.count, batch * (self.rank + 1) // self.count)

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The model with gradients averaged over all processes; itself where there is only one."""
        if self.count == 1:
            return model
        return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)

    def told(self, value: T) -> T:
        """The first one's value, in all processes."""
        if self.count == 1:
            return value
        shared = [value]
        dist.broadcast_object_list(shared, src=0)
        return shared[0]

    def mean(self, value: float) -> float:
        """Of the values of all processes."""
        if self.count == 1:
            return value
        values = torch.tensor([value], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            values = values.cuda()
        dist.all_reduce(values)
        return values.item() / self.count


ALONE = Shard()
