"""How much work is a training, known before it starts?"""

from mgic.experiment import Estimate
from mgic.records import Cost, ModelCost
from mgic.training.hyperparameters import Hyperparameters
from mgic.training.schedule import steps_per_epoch, total_steps

BACKWARD = 2  # a backward pass costs about two forward passes


def estimate_training(
    cost: ModelCost, train: int, scored: int, hyper: Hyperparameters, positions: int, share: float = 1.0
) -> Estimate:
    """The network's cost, and the work of all steps and of a test after each epoch.

    Args:
        cost: Of one sample.
        train: Training samples.
        scored: Samples that are scored after each epoch: test samples, and those that are held out.
        hyper: How it is trained.
        positions: Height x width of the largest map of one sample.
        share: Of a sample that is trained on at a time; it is tested whole.
    """
    steps = total_steps(train, hyper.batch_size, hyper.epochs, hyper.max_steps)
    trained = min(steps * hyper.batch_size, hyper.epochs * train)
    evaluations = -(-steps // steps_per_epoch(train, hyper.batch_size))
    return Estimate(
        cost=Cost(**cost.model_dump(include=set(Cost.model_fields))),
        group_sizes=cost.group_sizes,
        work_macs=float(cost.macs) * ((1 + BACKWARD) * trained * share + evaluations * scored),
        batch_pixels=positions * hyper.batch_size,
    )
