"""How many parameters and multiply-accumulates does a network have, and where do they sit?

Not a FLOP count: one multiply-accumulate counts 1. Every convolution and every product of matrices
counts, whoever calls it, and biases, norms, activations, poolings and sums do not; the whole rule
stands in `mgic.measure.operators`.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.layers import MGICBlock, transfer_modules
from mgic.measure.counting import Counts, counting
from mgic.measure.shapes import Undrawn
from mgic.measure.signature import OWN
from mgic.models import canonical_name, create, find, model_info, native_size, resolve_options
from mgic.models.converted import convert_model
from mgic.records import ConversionReport, Cost, Level, ModelCost, Uncounted

MISFIT = "input_misfit"  # the code of an input that the network does not read
MAX_VALUES = 300_000_000  # numbers of a network that is counted with values, since shapes do not do: 1.2 GB

_FOREIGN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)  # what a network may raise


class NeedsValues(BadConfig):
    """Shapes alone do not carry the model through a pass, and its tensors are on the meta device."""


def count_cost(model: nn.Module, input_size: tuple[int, ...]) -> Cost:
    """Count one forward pass in evaluation mode, batch 1, without computing it.

    The pass runs on the meta device with shapes in place of all tensors, so size is no matter. A
    network that asks for values on its way, or has an operator that knows no shapes, is run on the
    CPU instead, on copies of its tensors and an input drawn at random, and counts the same. The model and torch's
    generators are afterwards what they were; no other thread may use the model meanwhile. A module
    that is called twice counts twice in the multiply-accumulates, and once in the parameters.
    Only trainable parameters count. What a network computes in threads of its own is not seen.

    Args:
        model: On any device, of any dtype, in either mode; compiled and scripted ones too.
        input_size: Of one sample, without the batch: (3, 32, 32).

    Returns:
        The totals; `transfer_*` is the share of R and P; `levels` has a row for each level of
        each MGIC block. The norm after P is in the total only, not in any column of a row.
        `uncounted` names each operator that may do products and is not known here.

    Raises:
        BadConfig: An input of that size does not fit the model.
        NeedsValues: It has to be run on the CPU, and its tensors have no values.

    Examples:
        Two convolutions, of 3x3 from 3 to 8 channels and of 1x1 from 8 to 16:

        >>> from torch import nn
        >>> import mgic
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Conv2d(8, 16, 1, bias=False))
        >>> cost = mgic.count_cost(network, (3, 32, 32))
        >>> cost.params, cost.macs
        (344, 352256)
    """
    return _summed(model, _counts(model, _checked(input_size)))


def _counts(model: nn.Module, size: tuple[int, ...]) -> Counts:
    try:
        return _pass(model, size, "meta")
    except _FOREIGN as error:
        if not _asks_for_values(error):
            raise _does_not_fit(size, error) from error
        return _pass_with_values(model, size, error)


def _summed(model: nn.Module, counts: Counts) -> Cost:
    transfers = transfer_modules(model)
    return Cost(
        params=_params([model]),
        macs=sum(counts.macs.values()),
        transfer_params=_params(transfers),
        transfer_macs=sum(counts.macs.get(module, 0) for module in transfers),
        levels=tuple(_levels(model, counts)),
        uncounted=tuple(
            Uncounted(operator=operator, module=name)
            for name, module in model.named_modules()
            for operator in sorted(counts.uncounted.get(module, ()))
        ),
    )


def _pass(model: nn.Module, size: tuple[int, ...], device: Literal["meta", "cpu"]) -> Counts:
    with _evaluating(model), _standing_in(model, device) as dtype, torch.no_grad():
        if device == "cpu":
            x = torch.randn(1, *size, generator=torch.Generator().manual_seed(0)).to(dtype)
            with torch.random.fork_rng(devices=[]), _uncompiled(), counting(model) as counts:
                model(x)
            return counts
        with torch.device("meta"):
            x = torch.empty(1, *size, dtype=dtype)
            with counting(model) as counts:
                model(x)
        return counts


def _pass_with_values(model: nn.Module, size: tuple[int, ...], reason: Exception) -> Counts:
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        detail = f"the model cannot be counted from shapes alone ({_first_line(reason)}), and it has nothing else"
        raise NeedsValues(detail, (Problem("model", "needs_values", detail),)) from reason
    try:
        return _pass(model, size, "cpu")
    except _FOREIGN as error:
        raise _does_not_fit(size, error) from error


def _asks_for_values(error: Exception) -> bool:
    """Whether it is of a pass on shapes that needed more; torch has no class for that, but words (`register_meta`)."""
    return re.search(r"(?<![a-z])meta(?![a-z])|fake impl", str(error), re.IGNORECASE) is not None


def model_cost(name: str, options: Mapping[str, Any], input_size: tuple[int, ...]) -> ModelCost:
    """The cost of a model by name, built on the meta device; each model, options and size is counted once.

    Args:
        name: Of any model.
        options: Those that differ from the defaults; `in_channels` and `num_classes` are among them.
        input_size: Of one sample, without the batch: (3, 32, 32).

    Raises:
        UnknownName: No model of that name.
        BadConfig: Options it does not take or cannot be built from, or an input that does not fit.
    """
    return _model_cost(*_key(name, options), _checked(input_size))


def model_totals(name: str, options: Mapping[str, Any], input_size: tuple[int, ...]) -> ModelCost:
    """The same without levels and conversion, which are most of it: what thousands of cells are remembered by."""
    return _model_totals(*_key(name, options), _checked(input_size))


def _key(name: str, options: Mapping[str, Any]) -> tuple[str, str]:
    """The same for the same network, whatever it is called."""
    return canonical_name(name), json.dumps(resolve_options(name, options), sort_keys=True)


@lru_cache(maxsize=8192)  # four sweeps of the largest size
def _model_totals(name: str, options: str, input_size: tuple[int, ...]) -> ModelCost:
    return _model_cost(name, options, input_size).model_copy(update={"levels": (), "conversion": None})


@lru_cache(maxsize=256)  # every model at its defaults, and some more
def _model_cost(name: str, options: str, input_size: tuple[int, ...]) -> ModelCost:
    resolved = json.loads(options)
    try:
        cost, conversion = _cost_of(name, resolved, input_size)
    except BadConfig as error:
        if any(problem.code == MISFIT for problem in error.problems):
            raise _says_what_fits(error, name, resolved, input_size) from error
        raise
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
        uncounted=cost.uncounted,
        conversion=conversion,
    )


def _cost_of(
    name: str, options: Mapping[str, Any], input_size: tuple[int, ...]
) -> tuple[Cost, ConversionReport | None]:
    with torch.device("meta"), Undrawn():
        built = _built(name, options)
    try:
        return _counted(*built, input_size)
    except NeedsValues:
        if sum(tensor.numel() for tensor in (*built[0].parameters(), *built[0].buffers())) > MAX_VALUES:
            raise
    with torch.random.fork_rng(devices=[]):
        built = _built(name, options)
    return _counted(*built, input_size)


def _built(name: str, options: Mapping[str, Any]) -> tuple[nn.Module, nn.Module | None, ConversionReport | None]:
    """The network; one that was converted with what it was made from, and what became of that."""
    original = find(name).original
    if original is None:
        return create(name, **options), None, None
    before, after, report = convert_model(original, options)
    return after, before, report


def _counted(
    model: nn.Module, original: nn.Module | None, report: ConversionReport | None, size: tuple[int, ...]
) -> tuple[Cost, ConversionReport | None]:
    """The report's parts are counted anew: it was made at the size that the model is built for."""
    counts = _counts(model, size)
    if original is None or report is None:
        return _summed(model, counts), None
    before = _counts(original, size)

    def macs(name: str) -> int:
        return _macs([model.get_submodule(name)], counts)

    converted = tuple(
        block.model_copy(
            update={"macs_before": _macs([original.get_submodule(block.name)], before), "macs": macs(block.name)}
        )
        for block in report.converted
    )
    left = tuple(part.model_copy(update={"macs": macs(part.name)}) for part in report.left)
    return _summed(model, counts), report.model_copy(update={"converted": converted, "left": left})


def _says_what_fits(error: BadConfig, name: str, options: Mapping[str, Any], input_size: tuple[int, ...]) -> BadConfig:
    """The same with the sizes the model reads; at `img_size`, where that is the option to change.

    At the size that it is made for the size is not to blame, but the model.
    """
    if input_size == native_size(name, options):
        cause = error.__cause__ or error
        detail = f"{name} fails on an input of {_times(input_size)}, as it is made for: {type(cause).__name__}: {cause}"
        return BadConfig(detail, (Problem("model", "fails", detail),))
    built_for, sides = options.get("img_size"), input_size[1:]
    if built_for is not None and any(side != built_for for side in sides):
        detail = f"{name} with img_size={built_for} reads {built_for}x{built_for} and not {_times(sides)}"
        if len(set(sides)) == 1:
            detail += f"; img_size={sides[0]} may do"
        return BadConfig(detail, (Problem("img_size", MISFIT, detail),))
    return _misfit(f"{error}; {name} is made for {_times(model_info(name).input_size)}")


def effective_group_sizes(levels: Iterable[Level]) -> tuple[int, ...]:
    """The group sizes that occur, descending; coarsest levels, being ungrouped, are left out."""
    return tuple(sorted({level.group_size for level in levels if level.restrict_params}, reverse=True))


@contextmanager
def _standing_in(model: nn.Module, device: Literal["meta", "cpu"]) -> Iterator[torch.dtype]:
    """Other tensors in place of all of the model's inside, its own again after; gives the first float or complex dtype.

    Those that stand in lists and dictionaries of a module are among them, as a recurrent layer has its weights.

    Not `torch.func.functional_call`: where a module stands in two places of a model, it does not put the
    parameters back.
    """
    others: dict[Tensor, Tensor] = {}  # one for a tensor, so that what is tied stays tied
    kept: list[tuple[dict[str, Any], str, Any]] = []

    def other(value: Any) -> Any:
        if isinstance(value, Tensor):
            if value not in others:
                others[value] = value.detach() if value.is_meta else value.detach().to(device, copy=True)
            return others[value]
        if type(value) in (list, tuple):
            return type(value)(map(other, value))
        if type(value) is dict:
            return {key: other(item) for key, item in value.items()}
        return value

    try:
        for module in model.modules():
            tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers, _plain(module))
            for table in tables:
                for name, value in list(table.items()):
                    if isinstance(value, Tensor) or _has_tensors(value):
                        own = vars(module) if table is tables[2] else table
                        kept.append((own, name, value))
                        own[name] = other(value)
        numbers = (x.dtype for x in others if x.is_floating_point() or x.is_complex())
        yield next(numbers, torch.get_default_dtype())
    finally:
        for table, name, value in kept:
            table[name] = value


def _plain(module: nn.Module) -> dict[str, Any]:
    """What a module holds besides what every module has."""
    return {name: value for name, value in vars(module).items() if name not in OWN}


def _has_tensors(value: Any) -> bool:
    if type(value) in (list, tuple):
        return any(isinstance(item, Tensor) or _has_tensors(item) for item in value)
    return type(value) is dict and any(isinstance(item, Tensor) or _has_tensors(item) for item in value.values())


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Torch's flexible attention, called plainly, compiles itself, which it cannot where operators are watched."""
    module, switch = sys.modules.get("torch.nn.attention.flex_attention"), "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
    before = getattr(module, switch, None)
    if module is None or before is None:
        yield
        return
    setattr(module, switch, True)
    try:
        yield
    finally:
        setattr(module, switch, before)


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


def _levels(model: nn.Module, counts: Counts) -> Iterator[Level]:
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
                restrict_macs=_macs(restrict, counts),
                prolong_params=_params(prolong),
                prolong_macs=_macs(prolong, counts),
                block_params=_params(inner),
                block_macs=_macs(inner, counts),
            )


def _params(modules: Iterable[nn.Module]) -> int:
    """Trainable scalars, shared ones once."""
    trainable = {p: p.numel() for module in modules for p in module.parameters() if p.requires_grad}
    return sum(trainable.values())


def _macs(modules: Iterable[nn.Module], counts: Counts) -> int:
    return sum(counts.macs.get(inner, 0) for module in modules for inner in module.modules())


def _checked(input_size: tuple[int, ...]) -> tuple[int, ...]:
    size = tuple(input_size)
    if not size or any(side < 1 for side in size):
        raise _misfit(f"input_size={size} should be one or more positive numbers, such as (3, 32, 32)")
    return size


def _times(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


def _does_not_fit(size: tuple[int, ...], error: Exception) -> BadConfig:
    return _misfit(f"an input of {_times(size)} does not fit the model: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _misfit(detail: str) -> BadConfig:
    return BadConfig(detail, (Problem("input_size", MISFIT, detail),))
