"""How many parameters and multiply-accumulates does a network have, and where do they sit?

Not a FLOP count: one multiply-accumulate counts 1, convolutions and linear layers count,
and biases, norms, activations, poolings and sums do not.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.layers import MGICBlock, transfer_modules
from mgic.measure.counting import Macs, counting
from mgic.models import create, resolve_options
from mgic.records import Cost, Level, ModelCost


def count_cost(model: nn.Module, input_size: tuple[int, ...]) -> Cost:
    """Count one forward pass in evaluation mode, batch 1, without computing it.

    The pass runs on the meta device with shapes in place of all tensors, so size is no matter,
    and the model is afterwards what it was; no other thread may use it meanwhile. A module
    that is called twice counts twice in the multiply-accumulates, and once in the parameters.
    Only trainable parameters count.

    Args:
        model: On any device, of any dtype, in either mode.
        input_size: Of one sample, without the batch: (3, 32, 32).

    Returns:
        The totals; `transfer_*` is the share of R and P; `levels` has a row for each level of
        each MGIC block. The norm after P is in the total only, not in any column of a row.

    Raises:
        BadConfig: An input of that size does not fit the model.
    """
    size = _checked(input_size)
    with _evaluating(model), counting(model) as macs, _as_shapes(model) as dtype, torch.no_grad():
        try:
            with torch.device("meta"):
                model(torch.empty(1, *size, dtype=dtype))
        except (RuntimeError, ValueError, IndexError, AssertionError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise _misfit(f"an input of {_times(size)} does not fit the model: {reason}") from error
    transfers = transfer_modules(model)
    return Cost(
        params=_params([model]),
        macs=sum(macs.values()),
        transfer_params=_params(transfers),
        transfer_macs=sum(macs.get(module, 0) for module in transfers),
        levels=tuple(_levels(model, macs)),
    )


def model_cost(name: str, options: Mapping[str, Any], input_size: tuple[int, ...]) -> ModelCost:
    """The cost of a model by name, built on the meta device; each model, options and size is counted once.

    Args:
        name: A registered model.
        options: Those that differ from the defaults; `in_channels` and `num_classes` are among them.
        input_size: Of one sample, without the batch: (3, 32, 32).

    Raises:
        UnknownName: No model of that name.
        BadConfig: Options it does not take or cannot be built from, or an input that does not fit.
    """
    return _model_cost(name, json.dumps(resolve_options(name, options), sort_keys=True), _checked(input_size))


def model_totals(name: str, options: Mapping[str, Any], input_size: tuple[int, ...]) -> ModelCost:
    """The same without `levels`, which are most of its size: what thousands of cells are remembered by."""
    return _model_totals(name, json.dumps(resolve_options(name, options), sort_keys=True), _checked(input_size))


@lru_cache(maxsize=8192)  # four sweeps of the largest size
def _model_totals(name: str, options: str, input_size: tuple[int, ...]) -> ModelCost:
    return _model_cost(name, options, input_size).model_copy(update={"levels": ()})


@lru_cache(maxsize=256)  # every model at its defaults, and some more
def _model_cost(name: str, options: str, input_size: tuple[int, ...]) -> ModelCost:
    resolved = json.loads(options)
    with torch.device("meta"):
        model = create(name, **resolved)
    cost = count_cost(model, input_size)
    return ModelCost(
        model=name,
        options=resolved,
        input_size=input_size,
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        transfer_params=cost.transfer_params,
        group_sizes=effective_group_sizes(cost.levels),
        levels=cost.levels,
    )


def effective_group_sizes(levels: Iterable[Level]) -> tuple[int, ...]:
    """The group sizes that occur, descending; coarsest levels, being ungrouped, are left out."""
    return tuple(sorted({level.group_size for level in levels if level.restrict_params}, reverse=True))


@contextmanager
def _as_shapes(model: nn.Module) -> Iterator[torch.dtype]:
    """Every tensor of the model on the meta device inside, and itself again after; gives the first one's dtype.

    Not `torch.func.functional_call`: where a module stands in two places of a model, it does not put the
    parameters back.
    """
    shapes: dict[Tensor, Tensor] = {}  # one stand-in for a tensor, so that what is tied stays tied
    kept: list[tuple[dict[str, Any], str, Tensor]] = []
    try:
        for module in model.modules():
            tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers, vars(module))
            for table in tables:
                for name, tensor in table.items():
                    if isinstance(tensor, Tensor):
                        kept.append((table, name, tensor))
                        table[name] = shapes.setdefault(tensor, tensor.detach().to("meta"))
        yield next((tensor.dtype for tensor in shapes if tensor.is_floating_point()), torch.get_default_dtype())
    finally:
        for table, name, tensor in kept:
            table[name] = tensor


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, and each module's own mode again after."""
    modes = {module: module.training for module in model.modules()}
    try:
        for module in modes:
            module.training = False
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _levels(model: nn.Module, macs: Macs) -> Iterator[Level]:
    for name, block in model.named_modules():
        if not isinstance(block, MGICBlock):
            continue
        for grid in block.levels:
            last = grid.level == len(block.levels) - 1
            restrict = [] if last else [block.restrict[grid.level]]
            prolong = [] if last else [block.prolong[grid.level]]
            inner = [block.blocks[grid.level]]
            yield Level(
                block=name,
                level=grid.level,
                channels=grid.channels,
                group_size=grid.group_size,
                groups=grid.groups,
                restrict_params=_params(restrict),
                restrict_macs=_macs(restrict, macs),
                prolong_params=_params(prolong),
                prolong_macs=_macs(prolong, macs),
                block_params=_params(inner),
                block_macs=_macs(inner, macs),
            )


def _params(modules: Iterable[nn.Module]) -> int:
    """Trainable scalars, shared ones once."""
    trainable = {p: p.numel() for module in modules for p in module.parameters() if p.requires_grad}
    return sum(trainable.values())


def _macs(modules: Iterable[nn.Module], macs: Macs) -> int:
    return sum(macs.get(inner, 0) for module in modules for inner in module.modules())


def _checked(input_size: tuple[int, ...]) -> tuple[int, ...]:
    size = tuple(input_size)
    if not size or any(side < 1 for side in size):
        raise _misfit(f"input_size={size} should be one or more positive numbers, such as (3, 32, 32)")
    return size


def _times(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


def _misfit(detail: str) -> BadConfig:
    return BadConfig(detail, (Problem("input_size", "input_misfit", detail),))
