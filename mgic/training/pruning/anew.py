"""A network of the widths that `metapruning` finds, with fresh weights; nothing of a trained one is in it."""

from collections.abc import Callable, Sequence

from torch import nn

from mgic.training.channel_groups import Group, remove
from mgic.training.fit import Network
from mgic.training.pruning import metapruning
from mgic.training.pruning.judging import accuracy, measure_norms
from mgic.training.pruning.metapruning import PruningNet, gone
from mgic.training.pruning.ranking import prunable_groups
from mgic.training.pruning.reading import batches_of
from mgic.training.pruning.removal import Pruning
from mgic.training.pruning.width_cost import WidthCost
from mgic.training.seed import derive, generator, seeded
from mgic.training.split import Split


def anew(
    network: Network,
    learn: Callable[[nn.Module], object],
    split: Split,
    judged: Split,
    wanted: Pruning,
    going_on: Callable[[], None],
) -> tuple[nn.Module, nn.Module]:
    """One with fresh weights, to be trained, and the same with those that were made for it.

    Args:
        network: The whole one.
        learn: Trains the network that makes weights.
        split: Training samples, by which norms are measured.
        judged: By which a network is judged.
        wanted: What.
        going_on: Called now and then; may raise.
    """
    fresh = network.build(derive(wanted.seed, "anew"))
    groups = prunable_groups(fresh, network.input_size, wanted.method)
    start = network.build(derive(wanted.seed, "making-weights"))
    with seeded(wanted.seed, "makers"):
        made = PruningNet(start, groups)
    learn(made)
    best, found = _best(made, groups, split, judged, network.input_size, wanted, going_on)
    remove(fresh, groups, gone(groups, best))
    return fresh, found


def _best(
    made: PruningNet,
    groups: list[Group],
    split: Split,
    judged: Split,
    size: tuple[int, ...],
    wanted: Pruning,
    going_on: Callable[[], None],
) -> tuple[list[int], nn.Module]:
    """How many channels each group keeps in the best network, and that network with weights as made."""
    cost = WidthCost(made.network, size, groups)
    seen = batches_of(split, wanted.images, wanted.batch_size, generator(wanted.seed, "calibration"))
    asked = batches_of(judged, wanted.images, wanted.batch_size, generator(wanted.seed, "judging"))

    def network(kept: Sequence[int]) -> nn.Module:
        found = made.network_of(kept)
        remove(found, groups, gone(groups, kept))
        measure_norms(found, split, seen)
        return found

    def worth(kept: Sequence[int]) -> float:
        going_on()
        return accuracy(network(kept), judged, asked)

    tried = metapruning.evolve(
        cost, wanted.macs_ratio * cost.whole, worth, wanted.trials, generator(wanted.seed, "search")
    )
    _, best = max(tried, key=lambda one: one[0])
    return best, network(best)
