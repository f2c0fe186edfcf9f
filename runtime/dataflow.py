"""What the instructions of a method read and change, found from its tables alone."""

from collections.abc import Iterator, Sequence

from .program.schema import (
    Bool,
    DelegateCall,
    Double,
    ExecutionPlan,
    FreeCall,
    Instruction,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    ShapeDynamism,
    String,
    Tensor,
    TensorList,
)

VIEW = "executorch_prim::et_view.default"
COPY_INDEX = "executorch_prim::et_copy_index.tensor"
BUILT_IN = (VIEW, COPY_INDEX)
"""Operators that work on slots rather than on arrays: here, not among the kernels."""


def required_kernels(plan: ExecutionPlan) -> Iterator[str]:
    """The operator of each kernel call that needs a registered kernel."""
    for instruction in instructions_of(plan):
        if isinstance(instruction, KernelCall):
            name = instruction_name(plan, instruction)
            if name not in BUILT_IN:
                yield name


def run_time_scalars(plan: ExecutionPlan) -> set[int]:
    """The scalar inputs that instructions read, by value index.

    A Python number that the export took for a constant has an input slot too, but nothing reads
    it: each use has the number itself.
    """
    read: set[int] = set()
    for instruction in instructions_of(plan):
        read.update(_operands(instruction))
    for value in [plan.values[index] for index in read]:
        if isinstance(value, IntList):
            read.update(value.items)
    return {index for index in plan.inputs if index in read and _is_scalar(plan, index)}


def changing_slots(plan: ExecutionPlan) -> set[int]:
    """Slots whose value, shape or place in memory may change while the method runs."""
    changing: set[int] = set()
    views: set[int] = set()
    for instruction in instructions_of(plan):
        match instruction:
            case KernelCall(args=args) if instruction_name(plan, instruction) == VIEW:
                views.update(args[2:3])
            case KernelCall(args=args):
                changing.update(index for index in args[-1:] if _is_scalar(plan, index))
            case DelegateCall(args=args):
                changing.update(index for index in args if _is_scalar(plan, index))
            case MoveCall(move_to=target):
                changing.add(target)
            case JumpFalseCall() | FreeCall():
                pass
    if views & changing:
        # A view made in a slot that was moved to moves the tensor of the slot it came from.
        changing.update(i.move_from for i in instructions_of(plan) if isinstance(i, MoveCall))
    changing |= views
    for index, value in enumerate(plan.values):
        if isinstance(value, Tensor) and value.shape_dynamism != ShapeDynamism.STATIC:
            changing.add(index)
    return changing


def instructions_of(plan: ExecutionPlan) -> Iterator[Instruction]:
    """The instructions of all chains of a method."""
    for chain in plan.chains:
        yield from chain.instructions


def _operands(instruction: Instruction) -> Sequence[int]:
    """The slots that an instruction reads; those of its results may be among them."""
    match instruction:
        case KernelCall(args=args):
            return args[:-1] if len(args) > 1 else args
        case DelegateCall(args=args):
            return args
        case MoveCall(move_from=source):
            return [source]
        case JumpFalseCall(cond_value_index=condition):
            return [condition]
        case FreeCall():
            return []


def _is_scalar(plan: ExecutionPlan, index: int) -> bool:
    return isinstance(plan.values[index], Null | Int | Double | Bool | String)


def result_slots(plan: ExecutionPlan, name: str, args: Sequence[int]) -> Sequence[int]:
    """The slots of what the kernel returns: the outs before the return slot, or that slot itself.

    A call's arguments end with its outs and a return slot that repeats them (several as a list).
    """
    returned = plan.values[args[-1]]
    in_place = name.partition(".")[0].endswith("_")
    if isinstance(returned, TensorList):
        outs = plan.values[args[-2]]
        return outs.items if isinstance(outs, TensorList) else returned.items
    return args[-2:-1] if isinstance(returned, Tensor) and not in_place else args[-1:]


def instruction_name(plan: ExecutionPlan, instruction: Instruction) -> str:
    """What an instruction is called in messages: its operator, its backend, or its kind."""
    match instruction:
        case KernelCall(op_index=operator):
            return plan.operators[operator].full_name
        case DelegateCall(delegate_index=delegate):
            return f"delegate {plan.delegates[delegate].id}"
        case MoveCall():
            return "move"
        case JumpFalseCall():
            return "jump"
        case FreeCall():
            return "free"
