"""Runs one method of a program: its memory, its values and its instructions, as the format says.

Arenas are real byte buffers, a planned tensor is a view into one, and values persist between runs.
Every instruction is bound once, at load. One whose operands can never change (static tensors,
literals) becomes a call without arguments, specialised by its kernel where that can; the others
read the table of values at each call. A chain without jumps then runs as a flat list of calls.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from operator import length_hint
from time import perf_counter
from typing import Any, cast

import numpy as np

from .arrays import Array
from .blas_threads import set_blas_threads
from .dataflow import (
    COPY_INDEX,
    VIEW,
    changing_slots,
    instruction_name,
    result_slots,
    run_time_scalars,
)
from .delegates import (
    BindableDelegate,
    Delegate,
    DelegateData,
    DelegateLoader,
    DelegateOptions,
    load_delegate,
)
from .errors import ProgramError
from .program.program_file import ProgramFile
from .program.schema import (
    BackendDelegate,
    Chain,
    DelegateCall,
    ExecutionPlan,
    FreeCall,
    Instruction,
    JumpFalseCall,
    KernelCall,
    MoveCall,
)
from .registry import find_kernel
from .slots import ListSlot, TensorSlot, make_slot, share_views


@dataclass(frozen=True, slots=True)
class Step:
    """One bound instruction: `name` is its operator or kind, `source` its place in the model.

    With a `target` it is a jump: `call()` says whether to go on; if it does not, the instruction
    with that index is next.
    """

    name: str
    call: Callable[[], object]
    target: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class BoundChain:
    """A chain of bound instructions; without jumps, running it is making its `calls` in turn."""

    steps: tuple[Step, ...]
    calls: tuple[Callable[[], object], ...]
    jumps: bool

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "BoundChain":
        """The chain of these steps."""
        steps = tuple(steps)
        jumps = any(step.target is not None for step in steps)
        return cls(steps, tuple(step.call for step in steps), jumps)


class Method:
    """A loaded method: `slots` holds its values, by index.

    A value is a Python number, str, bool or None, a list of numbers, a `ListSlot` or a
    `TensorSlot`. Not reentrant: one run at a time.
    """

    def __init__(
        self,
        file: ProgramFile,
        plan: ExecutionPlan,
        arenas: Sequence[Array],
        loaders: Mapping[str, DelegateLoader],
        data: DelegateData,
        threads: int,
        max_instructions: int,
    ):
        self.plan = plan
        self.threads = threads
        self.max_instructions = max_instructions
        self.run_time_scalars = run_time_scalars(plan)
        self.slots: list[Any] = []
        for index, value in enumerate(plan.values):
            try:
                self.slots.append(make_slot(file, value, arenas))
            except ProgramError as error:
                raise ProgramError(f"method {plan.name!r}, value {index}: {error}") from error
        share_views(self.slots, plan.values)
        self._changing = changing_slots(plan) | self.run_time_scalars
        self.delegates = [self._load(delegate, loaders, data) for delegate in plan.delegates]
        with np.errstate(all="ignore"):
            self._chains = [BoundChain.of(self._bind_chain(chain)) for chain in plan.chains]

    def _load(
        self,
        delegate: BackendDelegate,
        loaders: Mapping[str, DelegateLoader],
        data: DelegateData,
    ) -> Delegate:
        specs = {spec.key: bytes(spec.value) for spec in delegate.compile_specs}
        options = DelegateOptions(specs, self.threads, data.named)
        return load_delegate(delegate.id, loaders[delegate.id], data.payload(delegate), options)

    # --- execution --------------------------------------------------------------------------------

    def execute(self) -> None:
        """Run all chains on the values as they are; ProgramError names the instruction."""
        self._execute(self._chains)

    def profile(self) -> list[tuple[str, float]]:
        """Run, and return (operator, seconds) of each instruction, in order of execution."""
        log: list[tuple[str, float]] = []

        def timed(step: Step) -> object:
            start = perf_counter()
            result = step.call()
            log.append((step.name, perf_counter() - start))
            return result

        self._execute(
            [
                BoundChain.of(replace(step, call=partial(timed, step)) for step in chain.steps)
                for chain in self._chains
            ]
        )
        return log

    def _execute(self, chains: Sequence[BoundChain]) -> None:
        budget = self.max_instructions
        threads_before = set_blas_threads(self.threads)
        try:
            with np.errstate(all="ignore"):
                for chain in chains:
                    run = self._run_jumping if chain.jumps else self._run_straight
                    budget = run(chain, budget)
        finally:
            set_blas_threads(threads_before)

    def _run_straight(self, chain: BoundChain, budget: int) -> int:
        if len(chain.calls) > budget:
            raise self._over_budget()
        calls = iter(chain.calls)
        try:
            for call in calls:
                call()
        except Exception as error:
            # The iterator knows how far it came, so the loop need not count.
            index = len(chain.calls) - 1 - length_hint(calls)
            raise self._failure(index, chain.steps[index], error) from error
        return budget - len(chain.calls)

    def _run_jumping(self, chain: BoundChain, budget: int) -> int:
        index = 0
        while 0 <= index < len(chain.steps):
            if budget == 0:
                raise self._over_budget()
            budget -= 1
            step = chain.steps[index]
            try:
                result = step.call()
            except Exception as error:
                raise self._failure(index, step, error) from error
            index = index + 1 if step.target is None or result else step.target
        return budget

    def _over_budget(self) -> ProgramError:
        return ProgramError(
            f"method {self.plan.name!r}: stopped after {self.max_instructions} instructions; it "
            "may loop for ever, otherwise load the program with a larger max_instructions"
        )

    def _failure(self, index: int, step: Step, error: Exception) -> ProgramError:
        where = f" at {step.source}" if step.source else ""
        what = str(error) if isinstance(error, ProgramError) else f"{type(error).__name__}: {error}"
        return ProgramError(
            f"method {self.plan.name!r}, instruction {index} ({step.name}){where}: {what}"
        )

    # --- values -----------------------------------------------------------------------------------

    def read(self, index: int) -> Any:
        """The value of a slot as a kernel takes it."""
        value = self.slots[index]
        if type(value) is TensorSlot:
            return value.array
        if type(value) is ListSlot:
            return [None if item < 0 else self._item(item) for item in value.items]
        return value

    def _item(self, index: int) -> Any:
        value = self.slots[index]
        if type(value) is ListSlot:
            raise ProgramError("a list inside a list")
        return value.array if type(value) is TensorSlot else value

    def write(self, index: int, value: Any) -> None:
        """Put what a kernel returned into a slot: into a tensor's memory, or as a number."""
        slot = self.slots[index]
        if type(slot) is TensorSlot:
            slot.store(value)
            return
        number = value.item() if hasattr(value, "item") else value
        if type(number) is int and not -(2**63) <= number < 2**63:
            raise ProgramError(f"value {index}: {number} does not fit 64 bits")
        self.slots[index] = number

    def tensor(self, index: int) -> TensorSlot:
        """The tensor in a slot; ProgramError if it holds something else."""
        slot = self.slots[index]
        if type(slot) is not TensorSlot:
            raise ProgramError(f"value {index} is not a tensor")
        return slot

    # --- binding ----------------------------------------------------------------------------------

    def _bind_chain(self, chain: Chain) -> Iterator[Step]:
        for index, instruction in enumerate(chain.instructions):
            step = Step(
                instruction_name(self.plan, instruction), _do_nothing, source=_source(chain, index)
            )
            try:
                call, target = self._bind(instruction)
            except Exception as error:
                raise self._failure(index, step, error) from error
            yield replace(step, call=call, target=target)

    def _bind(self, instruction: Instruction) -> tuple[Callable[[], object], int | None]:
        match instruction:
            case KernelCall(op_index=operator, args=args):
                return self._bind_kernel(self.plan.operators[operator].full_name, args), None
            case DelegateCall(delegate_index=delegate, args=args):
                return self._bind_delegate(self.delegates[delegate], args), None
            case MoveCall(move_from=source, move_to=target):
                return partial(self._move, source, target), None
            case JumpFalseCall(cond_value_index=condition, destination_instruction=target):
                return partial(self._is_true, condition), target
            case FreeCall():
                # All memory is planned or the slot's own: there is nothing to give back.
                return _do_nothing, None

    def _bind_kernel(self, name: str, args: Sequence[int]) -> Callable[[], object]:
        if name == VIEW:
            return partial(self._view, *args[:3])
        if name == COPY_INDEX:
            return partial(self._copy_index, *args[:3])
        kernel = find_kernel(name)
        assert kernel is not None, "the loader has looked for every kernel"
        inputs = args[:-1]
        outs = result_slots(self.plan, name, args)
        if self._changes(args):
            return partial(self._call, kernel.function, inputs, outs)
        values = [self.read(index) for index in inputs]
        thunk = kernel.specializer(*values) if kernel.specializer is not None else None
        if thunk is not None:
            return thunk
        return partial(self._call_bound, partial(kernel.function, *values), values[-1], outs)

    def _bind_delegate(self, delegate: Delegate, args: Sequence[int]) -> Callable[[], object]:
        if isinstance(delegate, BindableDelegate) and not self._changes(args):
            thunk = delegate.bind([self.read(index) for index in args])
            if thunk is not None:
                return thunk
        return partial(self._call_delegate, delegate, args)

    def _changes(self, args: Sequence[int]) -> bool:
        lists = [slot.items for slot in map(self.slots.__getitem__, args) if type(slot) is ListSlot]
        return any(not self._changing.isdisjoint(indices) for indices in (args, *lists))

    # --- instructions -----------------------------------------------------------------------------

    def _call(
        self, function: Callable[..., Any], inputs: Sequence[int], outs: Sequence[int]
    ) -> None:
        read = self.read
        result = function(*[read(index) for index in inputs])
        if result is not None:
            self._store(outs, result)

    def _call_bound(self, function: Callable[[], Any], out: object, outs: Sequence[int]) -> None:
        result = function()
        if result is not None and result is not out:
            self._store(outs, result)

    def _store(self, outs: Sequence[int], result: Any) -> None:
        results = cast("Sequence[Any]", result if isinstance(result, list | tuple) else [result])
        if len(results) != len(outs):
            raise ProgramError(f"{len(results)} results for {len(outs)} outputs")
        for index, value in zip(outs, results, strict=True):
            self.write(index, value)

    def _call_delegate(self, delegate: Delegate, args: Sequence[int]) -> None:
        result = delegate(*[self.read(index) for index in args])
        if isinstance(result, tuple):
            results = cast("tuple[Any, ...]", result)
            self._store(args[len(args) - len(results) :], results)

    def _move(self, source: int, target: int) -> None:
        self.slots[target] = self.slots[source]

    def _is_true(self, condition: int) -> bool:
        value = self.read(condition)
        if isinstance(value, bool):
            return value
        if hasattr(value, "dtype") and value.dtype == np.bool_:
            return bool(value.all())
        raise ProgramError(f"value {condition}, the condition, is neither a bool nor a bool tensor")

    def _view(self, source: int, size: int, out: int) -> None:
        """`executorch_prim::et_view`: `out` becomes a view of `source`; one size may be -1."""
        tensor, sizes = self.tensor(source), list(self.read(size))
        if -1 in sizes:
            position = sizes.index(-1)
            known = prod(sizes[:position] + sizes[position + 1 :])
            sizes[position] = tensor.array.size // known if known else 0
        self.tensor(out).alias(tensor, tuple(sizes))

    def _copy_index(self, out: int, source: int, index: int) -> None:
        """`executorch_prim::et_copy_index`: append row `index` to the `index` rows of `out`."""
        row, rows, position = self.tensor(source).array, self.tensor(out), self.read(index)
        if not isinstance(position, int) or position < 0:
            raise ProgramError(f"row {position} cannot be written")
        rows.resize((position + 1, *row.shape))
        rows.array[position] = row


def _source(chain: Chain, index: int) -> str:
    """`file:line` of an instruction, innermost frame, where the program has stack traces."""
    if chain.stacktrace is None or index >= len(chain.stacktrace):
        return ""
    frames = chain.stacktrace[index].items
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _do_nothing() -> None:
    pass
