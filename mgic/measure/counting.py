"""How many multiply-accumulates does each module of one forward pass do?

Every operator of the pass is seen as it is called, whoever calls it, and credited to the
innermost module whose `forward` is at work. `mgic.measure.operators` says what it does; one that
is unknown there is named, never taken for nothing.

Equal modules with equal inputs are counted once: the blocks of a stage differ in their
weights only, and what is remembered serves the next network too. Only what can be trusted is
remembered (`mgic.measure.signature`), and only of modules that are after their pass what they
were before. All others are run each time, and so is every module where gradients are kept or
hooks of all modules are at work: what stands in for an output has no gradient, and such hooks
are none of the module's.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._python_dispatch import TorchDispatchMode

from mgic.measure.operators import Formula, find
from mgic.measure.shapes import output_of_shapes
from mgic.measure.signature import Signature, Signatures, sign

REMEMBERED = 8192  # (module, input) pairs; a network has a few dozen that differ

Work = tuple[tuple[int, int, frozenset[str]], ...]  # of a module's modules, by number: MACs, operators not counted
Call = tuple[torch.Size, tuple[int, ...], torch.dtype, Work]  # the first three, with its strides, of the output
_calls: OrderedDict[Hashable, Call] = OrderedDict()
_turn = Lock()  # held by whoever changes `_calls`
_formulas: dict[Any, Formula | None] = {}  # by operator


class Counts:
    """What the modules did: multiply-accumulates, and the operators that nobody can tell them of."""

    def __init__(self) -> None:
        self.macs: defaultdict[nn.Module, int] = defaultdict(int)
        self.uncounted: defaultdict[nn.Module, set[str]] = defaultdict(set)

    def add(self, other: "Counts") -> None:
        for module, macs in other.macs.items():
            self.macs[module] += macs
        for module, operators in other.uncounted.items():
            self.uncounted[module] |= operators

    def add_work(self, work: Work, modules: Sequence[nn.Module]) -> None:
        """What was remembered of equal modules, in the same order."""
        for number, macs, operators in work:
            self.macs[modules[number]] += macs
            if operators:
                self.uncounted[modules[number]] |= operators

    def work_of(self, modules: Sequence[nn.Module]) -> Work | None:
        """The inverse; None if others worked too."""
        found = tuple(
            (number, self.macs.get(module, 0), frozenset(self.uncounted.get(module, ())))
            for number, module in enumerate(modules)
            if module in self.macs or module in self.uncounted
        )
        return found if len(found) == len(self.macs.keys() | self.uncounted.keys()) else None


@contextmanager
def counting(model: nn.Module) -> Iterator[Counts]:
    """Fill the counts it gives while this thread runs a pass inside; the model is afterwards as it was.

    On the meta device a module may return an empty tensor of the right shape in place of
    running: nothing else of such a pass is of use.
    """
    signatures: Signatures = {}
    sign(model, signatures)
    counter = _Counter(model)
    found: list[tuple[dict[str, Any], Any]] = []  # the tables of all modules, and the forward that stood in one
    try:
        for module, signature in signatures.items():
            forward, own = getattr(module, "forward", None), vars(module)
            if forward is not None and module is not model:
                found.append((own, own.get("forward")))
                own["forward"] = _Forward(counter, module, forward, signature)
        with counter:
            yield counter.counts
    finally:
        for own, before in found:
            own.pop("forward", None)
            if before is not None:
                own["forward"] = before


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator of its thread, below all that is made of others."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: to be skipped by torch's compiler would load it, a second and a half for what compiles nothing."""
        return False

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts = Counts()
        self._inside = model  # the innermost module at work

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _formulas:
            _formulas[func] = find(func)
        formula = _formulas[func]
        if formula is None and isinstance(func, torch._ops.OpOverload):
            with self:  # in inference mode some arrive that are made of others
                output = func.decompose(*args, **kwargs)
            if output is not NotImplemented:
                return output
        plain = not kwargs and all(_only_a_shape(one) for one in args if isinstance(one, Tensor))
        output = output_of_shapes(func, args) if plain else None
        if output is None:
            output = func(*args, **kwargs)
        macs = None if formula is None or _nested(args) else formula(args, output)
        if macs is None:
            self.counts.uncounted[self._inside].add(_name(func))
        elif macs:
            self.counts.macs[self._inside] += macs
        return output

    def run(
        self, module: nn.Module, forward: Callable[..., Any], signature: Signature | None, *inputs: Any, **more: Any
    ) -> Any:
        """Run the module, or remember what it did when an equal one was last given such an input."""
        outside, self._inside = self._inside, module
        try:
            if signature is None or more or _hooks_of_all() or not all(map(_only_a_shape, inputs)):
                return forward(*inputs, **more)
            return self._once(module, forward, signature, inputs)
        finally:
            self._inside = outside

    def _once(
        self, module: nn.Module, forward: Callable[..., Any], signature: Signature, inputs: tuple[Tensor, ...]
    ) -> Any:
        modules = [module] if signature.size == 1 else list(module.modules())
        key = (signature, tuple((x.shape, x.stride(), x.dtype) for x in inputs))
        known = _recall(key)
        if known is not None:
            shape, strides, dtype, work = known
            self.counts.add_work(work, modules)
            return torch.empty_strided(shape, strides, dtype=dtype, device="meta")
        before, self.counts = self.counts, Counts()
        try:
            output = forward(*inputs)
        finally:
            own, self.counts = self.counts, before
            before.add(own)
        if _only_a_shape(output) and sign(module, {}, counted=True) == signature:
            done = own.work_of(modules)
            if done is not None:
                _remember(key, (output.shape, output.stride(), output.dtype, done))
        return output


class _Forward:
    """Stands in a module for its forward. A copy, being of no module of the model, is the copied module's own."""

    def __init__(
        self, counter: _Counter, module: nn.Module, forward: Callable[..., Any], signature: Signature | None
    ) -> None:
        self._counter = counter
        self._module = module
        self._forward = forward
        self._signature = signature

    def __call__(self, *inputs: Any, **more: Any) -> Any:
        return self._counter.run(self._module, self._forward, self._signature, *inputs, **more)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _itself, (self._forward,)


def _hooks_of_all() -> bool:
    """Whether some hook is of every module, `torch.nn.modules.module.register_module_forward_hook` for one."""
    return bool(_has_any_global_hook())  # type: ignore[no-untyped-call]


def _itself(forward: Callable[..., Any]) -> Callable[..., Any]:
    return forward


def _only_a_shape(value: Any) -> bool:
    """Whether nothing of a value but its layout could matter: a dense tensor on the meta device, without gradients."""
    return (
        isinstance(value, Tensor)
        and value.is_meta
        and value.layout is torch.strided
        and not (value.requires_grad or torch.is_grad_enabled())
    )


def _recall(key: Hashable) -> Call | None:
    with _turn:
        known = _calls.get(key)
        if known is not None:
            _calls.move_to_end(key)
        return known


def _remember(key: Hashable, call: Call) -> None:
    with _turn:
        _calls[key] = call
        if len(_calls) > REMEMBERED:
            _calls.popitem(last=False)


def _nested(arguments: Sequence[Any]) -> bool:
    """Whether a tensor is a list of tensors of unlike shapes."""
    return any(isinstance(x, Tensor) and x.is_nested for x in arguments)


def _name(operator: Any) -> str:
    """Such as `torchvision::nms`."""
    schema = getattr(operator, "_schema", None)
    return str(operator) if schema is None else str(schema.name)
