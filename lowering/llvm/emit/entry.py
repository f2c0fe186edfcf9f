"""The entries of a program: `run`, and what `team.py` needs for `run_team`.

    int run(void *arena, void **args, const int64_t *scalars);
    int run_team(void *arena, void **args, const int64_t *scalars, void *pace);

`args` are the inputs, the outputs, then the weights in the order of `weight_keys`. The arena has
the program's bytes, then scratch memory for each thread. The result is the program's status, zero
if all that its kernels require held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from ....dialects import kernel
from ....dialects.kernel.types import element_type
from ..target import Target
from .emitter import Emitter
from .team import MOST_TASKS
from .value import Value, element_of, literal, memory_element


def weight_keys(program: kernel.ProgramOp) -> list[str]:
    """The keys of the program's weights, each once, in the order in which it takes them."""
    weights = (op for op in program.body.block.ops if isinstance(op, kernel.WeightOp))
    return list(dict.fromkeys(op.key.data for op in weights))


def emit_entry(program: kernel.ProgramOp, target: Target) -> str:
    """The module of the entries, which call the program's kernels by their names."""
    addresses = _addresses(program)
    launches = [op for op in program.body.block.ops if isinstance(op, kernel.LaunchOp)]
    e = Emitter(target)
    functions = [_function("define i32 @run(ptr %arena, ptr %args, ptr %scalars)", e, target)]
    entry = _Entry(e, addresses, program, literal(0, "i64"))
    entry.begin()
    for launch in launches:
        entry.launch(launch)
    functions[0] += _end(e, entry.result())
    if any(launch.tasks.value.data > 1 for launch in launches):
        functions += _team(program, launches, addresses, target, e.declarations)
        e.declarations.add("declare void @share(ptr, ptr, i64, ptr, ptr)")
    triple = f'target triple = "{target.triple}"\n'
    return "\n".join([triple, *functions, *sorted(e.declarations)]) + "\n"


@dataclass(frozen=True)
class _Address:
    """A place: so many bytes from an argument's memory, the arena or a thread's scratch."""

    base: str
    number: int
    bytes: int


def _addresses(program: kernel.ProgramOp) -> dict[SSAValue, _Address]:
    weights = weight_keys(program)
    first = len(program.inputs) + len(program.outputs)
    addresses: dict[SSAValue, _Address] = {}
    for op in program.body.block.ops:
        match op:
            case kernel.ArgumentOp():
                addresses[op.result] = _Address("argument", op.index.value.data, 0)
            case kernel.WeightOp():
                number = first + weights.index(op.key.data)
                addresses[op.result] = _Address("argument", number, 0)
            case kernel.ArenaOp() | kernel.StatusOp():
                addresses[op.result] = _Address("arena", 0, op.offset.value.data)
            case kernel.ScratchOp():
                addresses[op.result] = _Address("scratch", 0, 0)
            case kernel.AdvanceOp():
                assert not op.indices, "the addresses of a program are constants"
                base = addresses[op.base]
                element = Value("", memory_element(element_of(element_type(op.base.type))))
                bytes = base.bytes + op.offset.value.data * element.bits // 8
                addresses[op.result] = replace(base, bytes=bytes)
            case _:
                pass
    return addresses


class _Entry:
    """Writes launches into a function with the parameters `%arena` and `%args`."""

    def __init__(
        self,
        e: Emitter,
        addresses: dict[SSAValue, _Address],
        program: kernel.ProgramOp,
        thread: Value,
    ) -> None:
        self._e = e
        self._addresses = addresses
        self._arena = program.arena.value.data
        self._scratch = program.scratch.value.data
        self._thread = thread
        statuses = (op for op in program.body.block.ops if isinstance(op, kernel.StatusOp))
        self._status = next((addresses[op.result] for op in statuses), None)

    def begin(self) -> None:
        """Clear the program's status, if it has one."""
        if self._status is not None:
            self._e.store(literal(0, "i32"), self._pointer(self._status))

    def result(self) -> str:
        """The instruction that returns the status."""
        if self._status is None:
            return "ret i32 0"
        return f"ret {self._e.load(self._pointer(self._status), 'i32').typed}"

    def launch(self, op: kernel.LaunchOp, task: Value | None = None) -> None:
        """Call the kernel for one task, or for all; for the whole, if it has that."""
        pointers = [self._pointer(self._addresses[value]) for value in op.arguments]
        name = op.kernel.root_reference.data

        def body(index: Value, _: Sequence[Value]) -> list[Value]:
            self._e.call_void(name, *pointers, index)
            return []

        if task is None and op.whole is not None:
            body(literal(op.tasks.value.data, "i64"), [])
        elif task is None:
            self._e.loop(op.tasks.value.data, body)
        else:
            body(task, [])

    def _pointer(self, address: _Address) -> Value:
        arena = Value("%arena", "ptr")
        match address.base:
            case "argument":
                slot = self._e.gep(Value("%args", "ptr"), "ptr", address.number)
                # Aligned to 8 bytes, as every array of pointers.
                base = self._e.op(f"load ptr, ptr {slot.text}, align 8", "ptr")
            case "arena":
                base = arena
            case _:
                mine = self._e.gep(arena, "i8", self._e.multiply(self._thread, self._scratch))
                base = self._e.gep(mine, "i8", self._arena)
        return self._e.gep(base, "i8", address.bytes)


def _team(
    program: kernel.ProgramOp,
    launches: Sequence[kernel.LaunchOp],
    addresses: dict[SSAValue, _Address],
    target: Target,
    declarations: set[str],
) -> list[str]:
    """`launches` for a team, and a function for one task of each launch that has several."""
    functions: list[str] = []
    main = Emitter(target)
    head = _function("define i32 @launches(ptr %arena, ptr %args, ptr %team)", main, target)
    entry = _Entry(main, addresses, program, literal(0, "i64"))
    entry.begin()
    for number, launch in enumerate(launches):
        tasks = launch.tasks.value.data
        if not 1 < tasks <= MOST_TASKS:
            entry.launch(launch)
            continue
        e = Emitter(target)
        signature = f"@launch_{number}(ptr %arena, ptr %args, i64 %thread, i64 %task)"
        text = _function(f"define internal void {signature}", e, target)
        _Entry(e, addresses, program, Value("%thread", "i64")).launch(launch, Value("%task", "i64"))
        functions.append(text + _end(e, "ret void"))
        declarations |= e.declarations
        main.emit(
            f"call void @share(ptr %team, ptr @launch_{number}, i64 {tasks}, ptr %arena, ptr %args)"
        )
    last = entry.result()
    declarations |= main.declarations
    return [*functions, head + _end(main, last)]


def _function(signature: str, e: Emitter, target: Target) -> str:
    e.begin("entry")
    return f"{signature} {target.attributes} {{\n"


def _end(e: Emitter, last: str) -> str:
    e.emit(last)
    return "\n".join(e.lines) + "\n}\n"
