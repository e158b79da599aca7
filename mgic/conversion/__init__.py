"""MGIC for any CNN: the blocks of a network that keep their channels, each spread over a hierarchy of channels.

`anatomy` finds the blocks by what one pass does, `rebuild` makes a block anew at fewer channels and in groups.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn

from mgic.conversion.anatomy import FAULTS, Kind, Unit, find_units, first_line, shadow, watch
from mgic.conversion.rebuild import CannotRebuild, rebuilt, scaled
from mgic.errors import BadConfig, Problem
from mgic.layers import (
    Coarsening,
    GridLevel,
    MakeNorm,
    MakeTransfer,
    MGICBlock,
    Transfer1d,
    Transfer2d,
    TransferLast,
    plan_levels,
)
from mgic.measure.counting import counting
from mgic.records import ConversionReport, ConvertedBlock, LeftAlone, named, repeated

__all__ = ["convert"]

SHOWN = 8  # parts that are left, where nothing is converted
WEIGHTS = "converted blocks start anew, what is left keeps its weights"
_BETWEEN: dict[Kind, tuple[MakeTransfer, MakeNorm]] = {  # R and P, and the norm after P
    "maps": (Transfer2d, nn.BatchNorm2d),
    "channels-last maps": (TransferLast, nn.LayerNorm),
    "signals": (Transfer1d, nn.BatchNorm1d),
    "tokens": (TransferLast, nn.LayerNorm),
    "vectors": (TransferLast, nn.BatchNorm1d),
}


Asked = tuple[int, int, Coarsening]  # group size, coarsest size, and the rule


class _Left(Exception):
    """A block stays as it is; the message says why."""


def convert(
    network: nn.Module,
    example: Tensor,
    *,
    group_size: int,
    coarsest_size: int,
    coarsening: Coarsening = "paper",
    select: Callable[[str, nn.Module], bool] | None = None,
) -> tuple[nn.Module, ConversionReport]:
    """Put an `MGICBlock` in place of every block of a network that keeps its number of channels.

    Its levels are that very block at c_j channels and in groups, made from the block itself; the coarsest level has
    all its channels in one group. A layer that is in groups already keeps its group size where that is smaller, and a
    depthwise convolution stays one. What is rebuilt is run on the meta device at every width before it is used. A block
    that cannot be rebuilt, or would not be cheaper, is left. One of at most `coarsest_size` channels has a single
    level, which is the block as it was.

    Args:
        network: Any module with tensors for input and output. Untouched.
        example: An input of it, (batch, ...).
        group_size: Channels per group, the paper's s_g.
        coarsest_size: Width to coarsen to, the paper's s_c.
        coarsening: When to stop, see `mgic.layers.halvings`.
        select: (dotted name, block) -> whether to convert it; None converts all.

    Returns:
        The converted network, on the device and in the mode of the given one, and what became of its parts. Blocks
        that were converted start with new weights, drawn with torch's global generator.

    Raises:
        BadConfig: The network does not run on `example`, nothing of it can be converted, or a size makes no sense.

    Examples:
        >>> import mgic, torch
        >>> network, example = mgic.create("resnet20"), torch.zeros(1, 3, 32, 32)
        >>> new, report = mgic.convert(network, example, group_size=8, coarsest_size=16)
        >>> report.converted[-1].name
        'stages.8'
    """
    plan_levels(1, group_size, coarsest_size, coarsening)  # the sizes alone, before anything is run
    units = {unit.name: unit for unit in find_units(network, watch(network, example))}
    blocks, converted, left = _blocks(network, units, (group_size, coarsest_size, coarsening), select)
    left |= _missed(network, blocks, example)
    place = {name: number for number, name in enumerate(units)}
    kept = tuple(_left(unit, network.get_submodule(n), left[n], place[n]) for n, unit in units.items() if n in left)
    if left.keys() == units.keys():
        raise _nothing_convertible(kept)
    report = ConversionReport(
        group_size=group_size,
        coarsest_size=coarsest_size,
        coarsening=coarsening,
        converted=tuple(
            record.model_copy(update={"place": place[record.name]}) for record in converted if record.name not in left
        ),
        left=kept,
        weights=WEIGHTS,
    )
    return _with(network, {name: block for name, block in blocks.items() if name not in left}), report


def _blocks(
    network: nn.Module, units: Mapping[str, Unit], asked: Asked, select: Callable[[str, nn.Module], bool] | None
) -> tuple[dict[str, MGICBlock], list[ConvertedBlock], dict[str, str]]:
    """What stands in for a module of a name, what is told of it, and of the others why they are left."""
    blocks: dict[str, MGICBlock] = {}
    converted: list[ConvertedBlock] = []
    left: dict[str, str] = {}
    for name, unit in units.items():
        block = network.get_submodule(name)
        try:
            if unit.reason:
                raise _Left(unit.reason)
            if select is not None and not select(name, block):
                raise _Left("not selected")
            blocks[name], record = _converted(unit, block, asked)
            converted.append(record)
        except _Left as why:
            left[name] = str(why)
    return blocks, converted, left


def _with(network: nn.Module, blocks: Mapping[str, nn.Module]) -> nn.Module:
    """A copy with these in place of the modules of their names, and of all other names that those have."""
    new = copy.deepcopy(network)
    names = list(network.named_modules(remove_duplicate=False))
    for name, block in blocks.items():
        old = network.get_submodule(name)
        for alias in [alias for alias, module in names if module is old]:
            new.set_submodule(alias, block.train(old.training))
    return new


def _missed(network: nn.Module, blocks: Mapping[str, MGICBlock], example: Tensor) -> dict[str, str]:
    """Which of the blocks the network does not run without, such as a layer whose weight it reads, and why."""
    plain, others = shadow(network), {name: shadow(block) for name, block in blocks.items()}
    if not others or not _fault(_with(plain, others), example) or _fault(plain, example):
        return {}
    kept: dict[str, nn.Module] = {}
    missed: dict[str, str] = {}
    for name, other in others.items():  # one after another: two may run singly, and not together
        if fault := _fault(_with(plain, {**kept, name: other}), example):
            missed[name] = f"the network does not run without it: {fault}"
        else:
            kept[name] = other
    return missed


def _fault(network: nn.Module, example: Tensor) -> str:
    """What a pass on the meta device ends with; empty if all is well."""
    try:
        with torch.no_grad():
            network.eval()(example.to("meta"))
    except FAULTS as error:
        return first_line(error)
    return ""


def _left(unit: Unit, block: nn.Module, why: str, place: int) -> LeftAlone:
    try:
        params, macs = _cost(shadow(block), unit.size) if unit.size else (_params(block), 0)
    except FAULTS:  # it asks for values on its way
        params, macs = _params(block), 0
    return LeftAlone(name=unit.name, kind=type(block).__name__, reason=why, params=params, macs=macs, place=place)


def _nothing_convertible(left: Sequence[LeftAlone]) -> BadConfig:
    detail = "nothing of the network can be converted: " + _reasons(left)
    return BadConfig(detail, (Problem("network", "nothing_convertible", detail),))


def _reasons(left: Sequence[LeftAlone]) -> str:
    if not left:
        return "it has no layer that mixes channels"
    first = sorted(
        repeated(left), key=lambda equal: equal[0].reason.startswith(("changes ", "gives ", "turns "))
    )  # these are no blocks
    shown = [f"{named(equal)} ({equal[0].kind}) {equal[0].reason}" for equal in first]
    return "; ".join(shown[:SHOWN]) + (f"; and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")


def _converted(unit: Unit, block: nn.Module, asked: Asked) -> tuple[MGICBlock, ConvertedBlock]:
    """Planned on the first of the unit's widths that works out."""
    why: _Left | None = None
    for width in unit.widths:
        try:
            return _planned(unit, width, block, asked)
        except _Left as left:
            why = why or left
    assert why is not None
    raise why


def _planned(unit: Unit, width: int, block: nn.Module, asked: Asked) -> tuple[MGICBlock, ConvertedBlock]:
    try:
        levels = plan_levels(width, *asked)
    except BadConfig as error:
        raise _Left(str(error)) from error
    stand_in = shadow(block)
    numbers = _way(unit, stand_in, levels)
    plain = _cost(stand_in, unit.size)
    normed = len(levels) > 1  # by the norm after P
    spread = _cost(_mgic(unit, stand_in, asked, width, numbers, normed), unit.size)
    if normed and not all(after < before for before, after in zip(plain, spread, strict=True)):
        raise _Left(
            f"would not be cheaper: {plain[0]:,} -> {spread[0]:,} parameters, {plain[1]:,} -> {spread[1]:,} MACs"
        )
    return _mgic(unit, block, asked, width, numbers, normed), ConvertedBlock(
        name=unit.name,
        kind=type(block).__name__,
        channels=unit.channels,
        widths=tuple(level.channels for level in levels),
        group_sizes=tuple(level.group_size for level in levels),
        params_before=plain[0],
        params=spread[0],
        macs_before=plain[1],
        macs=spread[1],
    )


def _way(unit: Unit, block: nn.Module, levels: tuple[GridLevel, ...]) -> bool:
    """Whether the numbers that modules keep have to be scaled too, found by running every level on the meta device."""
    why = ""
    for numbers in (False, True):
        for level in levels:
            scale = Fraction(level.channels, levels[0].channels)
            try:
                _try(unit, rebuilt(block, scale, level.groups, numbers=numbers, normed=False), scale)
            except CannotRebuild as error:
                raise _Left(f"cannot be rebuilt: it {error}") from error
            except FAULTS as error:
                why = f"does not run at {level.channels} channels in {level.groups} groups: {first_line(error)}"
                break
        else:
            return numbers
    raise _Left(why)


def _try(unit: Unit, block: nn.Module, scale: Fraction) -> None:
    """Raises one of `FAULTS`."""
    size = [scaled(n, scale) if at == unit.axis - 1 else n for at, n in enumerate(unit.size)]
    x = torch.empty(2, *size, device="meta", dtype=_dtype(block))
    version = x._version
    with torch.no_grad():
        y = block.eval()(x)
    if y.shape != x.shape:
        raise ValueError(f"{tuple(x.shape)} became {tuple(y.shape)}")
    if x._version != version:
        raise ValueError("it writes into its own input")


def _mgic(unit: Unit, block: nn.Module, asked: Asked, width: int, numbers: bool, normed: bool) -> MGICBlock:
    make_transfer, make_norm = _BETWEEN[unit.kind]

    def level(channels: int, groups: int) -> nn.Module:
        return rebuilt(block, Fraction(channels, width), groups, numbers=numbers, normed=normed)

    first = next(block.parameters())
    with torch.device(first.device):
        new = MGICBlock(
            width,
            level,
            *asked,
            expansion=unit.channels // width,
            make_transfer=make_transfer,
            make_norm=make_norm,
        )
    return new.to(dtype=first.dtype)


def _cost(module: nn.Module, size: tuple[int, ...]) -> tuple[int, int]:
    """Trainable parameters and multiply-accumulates of a module on the meta device."""
    x = torch.empty(1, *size, device="meta", dtype=_dtype(module))
    with torch.no_grad(), torch.device("meta"), counting(module.eval()) as counts:
        module(x)
    return _params(module), sum(counts.macs.values())


def _params(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def _dtype(module: nn.Module) -> torch.dtype:
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())
