"""Your network with its blocks in MGIC: what is converted, what that costs, and how long a pass takes."""

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer

import mgic


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


def milliseconds(network: nn.Module, image: Tensor) -> float:
    """The median of a pass, on one thread."""
    fast = mgic.optimize_for_inference(network, image)
    timer = Timer("with torch.inference_mode(): fast(image)", "import torch", globals={"fast": fast, "image": image})
    return 1000 * timer.blocked_autorange(min_run_time=0.3).median


head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
network = nn.Sequential(nn.Conv2d(3, 128, 3, padding=1), Residual(128), Residual(128), *head)
image = torch.randn(1, 3, 32, 32)
converted, report = mgic.convert(network, image, group_size=8, coarsest_size=32)
print(report)
for name, each in {"as it was": network, "converted": converted}.items():
    macs = mgic.count_cost(each, (3, 32, 32)).macs
    print(f"{name}: {macs / 1e6:.1f} million MACs, {milliseconds(each, image):.2f} ms")
