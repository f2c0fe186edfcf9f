"""The semantics of the format on hand-built programs; the kernels are this file's own."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.module import Module, load
from edgeir.runtime.program.program_file import ProgramFile
from edgeir.runtime.program.schema import (
    AllocationDetails,
    Bool,
    BoolList,
    Chain,
    Double,
    DoubleList,
    ExecutionPlan,
    Frame,
    FrameList,
    FreeCall,
    Int,
    IntList,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    Operator,
    OptionalTensorList,
    Program,
    ShapeDynamism,
    SubsegmentOffsets,
    Tensor,
    TensorList,
)
from edgeir.runtime.program.writer import write_program
from edgeir.runtime.registry import kernel

F32, I64, BOOL = 6, 4, 11
CALLS: list[Any] = []
SPECIALISED: list[Any] = []


@kernel("interpreter_test::increment.Scalar")
def increment(number: int) -> int:
    return number + 1


@kernel("interpreter_test::less.Scalar")
def less(a: int, b: int) -> bool:
    return a < b


@kernel("interpreter_test::item")
def item(self: Any) -> Any:
    return self[()]


@kernel("interpreter_test::add.out")
def add(self: Any, other: Any, out: Any) -> Any:
    CALLS.append("add")
    result = np.add(self, other)
    if out.shape != result.shape:
        return result
    out[...] = result
    return out


@add.specialize
def _(self: Any, other: Any, out: Any) -> Any:
    SPECIALISED.append((self, other, out))
    return partial(np.add, self, other, out)


@kernel("interpreter_test::double_.out")
def double_out(self: Any, out: Any) -> None:
    np.multiply(self, 2, out=out)


@kernel("interpreter_test::increment_")
def increment_in_place(self: Any, amount: int) -> None:
    self += amount


@kernel("interpreter_test::ones.out")
def ones(size: list[int], out: Any) -> Any:
    return np.ones(size, out.dtype)


@kernel("interpreter_test::divmod.values")
def div_mod(self: Any, other: Any, quotient: Any, rest: Any) -> Any:
    return np.divmod(self, other)


@kernel("interpreter_test::split.out")
def split(self: Any, out: list[Any]) -> None:
    for part, source in zip(out, np.split(self, len(out)), strict=True):
        part[...] = source


@kernel("interpreter_test::describe.out")
def describe(tensors: Any, floats: Any, bools: Any, none: Any, out: Any) -> None:
    assert none is None
    out[...] = sum(t.sum() for t in tensors if t is not None) + sum(floats) + sum(bools)


@kernel("interpreter_test::fail.out")
def fail(self: Any, out: Any) -> None:
    raise KeyError("nothing here")


def planned(
    shape: Sequence[int],
    offset: int,
    scalar_type: int = F32,
    *,
    dynamic: bool = False,
    order: Sequence[int] | None = None,
    arena: int = 1,
    initial: int = 0,
) -> Tensor:
    return Tensor(
        scalar_type=scalar_type,
        sizes=list(shape),
        dim_order=list(order if order is not None else range(len(shape))),
        shape_dynamism=ShapeDynamism.DYNAMIC_BOUND if dynamic else ShapeDynamism.STATIC,
        allocation_info=AllocationDetails.at(arena, offset),
        data_buffer_idx=initial,
    )


def method(
    values: list[Any],
    instructions: list[Any] | list[Chain],
    *,
    inputs: list[int] | None = None,
    outputs: list[int],
    name: str = "forward",
    sizes: list[int] | None = None,
) -> ExecutionPlan:
    """A plan; kernel calls are written ("operator.overload", args)."""
    operators: list[Operator] = []

    def written(instruction: Any) -> Any:
        if not isinstance(instruction, tuple):
            return instruction
        operator = Operator(*(instruction[0].partition(".")[::2]))
        if operator not in operators:
            operators.append(operator)
        return KernelCall(operators.index(operator), instruction[1])

    chains = instructions
    if not any(isinstance(chain, Chain) for chain in chains):
        chains = [Chain(instructions=instructions)]
    for chain in chains:
        chain.instructions = [written(i) for i in chain.instructions]
    return ExecutionPlan(
        name=name,
        values=values,
        inputs=inputs or [],
        outputs=outputs,
        chains=chains,
        operators=operators,
        non_const_buffer_sizes=sizes or [0, 1024],
    )


def program(*plans: ExecutionPlan, **tables: Any) -> ProgramFile:
    segments = tables.pop("segments", [b""])
    constants = tables.pop("constants", SubsegmentOffsets(0, [0]))
    return ProgramFile(
        Program(execution_plan=list(plans), constant_segment=constants, **tables), segments
    )


def single(values: list[Any], instructions: list[Any], **options: Any) -> Module:
    limit = options.pop("max_instructions", 1000)
    return load(program(method(values, instructions, **options)), max_instructions=limit)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


TEST = "interpreter_test::"
ADD = TEST + "add.out"


# --- straight-line methods ------------------------------------------------------------------------


def test_static_calls_are_specialised_once_and_run_on_arena_views() -> None:
    CALLS.clear()
    SPECIALISED.clear()
    module = single(
        [planned([2], 0), planned([2], 16), planned([2], 32)],
        [(ADD, [0, 1, 2, 2]), (ADD, [2, 1, 2, 2])],
        inputs=[0, 1],
        outputs=[2],
    )
    for scale in (1, 10):
        result = module(f32(1, 2) * scale, f32(3, 4) * scale)
        np.testing.assert_array_equal(result, f32(7, 10) * scale)
    assert not CALLS
    assert len(SPECIALISED) == 2
    assert SPECIALISED[0][2].base is SPECIALISED[1][0].base


def test_outputs_belong_to_the_caller() -> None:
    module = single(
        [planned([2], 0), planned([2], 16)], [(ADD, [0, 0, 1, 1])], inputs=[0], outputs=[1, 0]
    )
    first, given = module(f32(1, 2))
    module(f32(5, 6))
    np.testing.assert_array_equal(first, f32(2, 4))
    np.testing.assert_array_equal(given, f32(1, 2))
    assert first.flags.writeable and first.flags.owndata


def test_values_at_one_place_in_the_arena_share_memory() -> None:
    module = single(
        [planned([2, 2], 0), planned([4], 0), planned([4], 32)],
        [(ADD, [1, 1, 2, 2])],
        inputs=[0],
        outputs=[2],
    )
    result = module(np.arange(4, dtype=np.float32).reshape(2, 2))
    np.testing.assert_array_equal(result, f32(0, 2, 4, 6))


def test_dim_order_is_the_order_in_memory() -> None:
    module = single(
        [planned([1, 2, 2, 2], 0, order=[0, 2, 3, 1]), planned([8], 0)],
        [],
        inputs=[0],
        outputs=[1, 0],
    )
    given = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    memory, result = module(given)
    np.testing.assert_array_equal(memory, given.transpose(0, 2, 3, 1).ravel())
    np.testing.assert_array_equal(result, given)
    assert result.flags.c_contiguous


def test_constants_are_views_into_the_file_and_read_only() -> None:
    SPECIALISED.clear()
    constant = Tensor(scalar_type=F32, sizes=[2], dim_order=[0], data_buffer_idx=1)
    plan = method(
        [constant, planned([2], 0), planned([2], 16)],
        [(ADD, [0, 1, 2, 2])],
        inputs=[1],
        outputs=[2],
    )
    data = write_program(
        program(plan, constants=SubsegmentOffsets(0, [0, 0]), segments=[f32(5, 6).tobytes()])
    )
    module = load(data)
    np.testing.assert_array_equal(module(f32(1, 1)), f32(6, 7))
    weight = SPECIALISED[0][0]
    assert not weight.flags.writeable
    assert np.shares_memory(weight, np.frombuffer(data, np.uint8))


def test_several_outs_and_lists_of_outs() -> None:
    module = single(
        [
            *(planned([4], 32 * i) for i in range(4)),
            TensorList([2, 3]),
            *(planned([2], 128 + 32 * i) for i in range(2)),
            TensorList([5, 6]),
            TensorList([5, 6]),
        ],
        [(TEST + "divmod.values", [0, 1, 2, 3, 4]), (TEST + "split.out", [2, 7, 8])],
        inputs=[0, 1],
        outputs=[3, 5, 6],
    )
    rest, first, second = module(f32(7, 8, 9, 10), f32(2, 3, 4, 5))
    np.testing.assert_array_equal(rest, f32(1, 2, 1, 0))
    np.testing.assert_array_equal(first, f32(3, 2))
    np.testing.assert_array_equal(second, f32(2, 2))


def test_list_arguments() -> None:
    module = single(
        [
            planned([2], 0),
            Null(),
            OptionalTensorList([0, -1, 1]),
            DoubleList([0.5, 1.0]),
            BoolList([True, False]),
            planned([], 16),
        ],
        [(TEST + "describe.out", [2, 3, 4, 1, 5, 5])],
        inputs=[0],
        outputs=[5],
    )
    assert module(f32(1, 2)) == 5.5


def test_in_place_operators_write_their_first_argument() -> None:
    module = single(
        [planned([2], 0), Int(3)],
        [(TEST + "increment_", [0, 1, 0]), FreeCall(0)],
        inputs=[0],
        outputs=[0],
    )
    given = f32(1, 2)
    np.testing.assert_array_equal(module(given), f32(4, 5))


def test_several_chains_run_in_turn() -> None:
    values = [planned([2], 0), planned([2], 16)]
    add = (ADD, [0, 0, 1, 1])
    again = (ADD, [1, 1, 1, 1])
    chains = [Chain(instructions=[add]), Chain(), Chain(instructions=[again])]
    module = load(program(method(values, chains, inputs=[0], outputs=[1])))
    np.testing.assert_array_equal(module(f32(1, 2)), f32(4, 8))


def test_kernel_of_another_shape_is_an_error_in_a_static_slot() -> None:
    module = single(
        [Int(3), IntList([0]), planned([2], 0)],
        [(TEST + "ones.out", [1, 2, 2])],
        outputs=[2],
    )
    with pytest.raises(ProgramError, match=r"instruction 0 .*ones.out.*fixed shape \[2\].*\[3\]"):
        module()


def test_failing_kernel_names_instruction_and_source() -> None:
    plan = method(
        [planned([2], 0), planned([2], 16)],
        [(ADD, [0, 0, 1, 1]), (TEST + "fail.out", [0, 1, 1])],
        inputs=[0],
        outputs=[1],
    )
    frames = [Frame("outer.py", 1), Frame("model.py", 12)]
    plan.chains[0].stacktrace = [FrameList(), FrameList(frames)]
    with pytest.raises(
        ProgramError,
        match=r"method 'forward', instruction 1 \(interpreter_test::fail.out\) at model.py:12: "
        "KeyError: 'nothing here'",
    ):
        load(program(plan))(f32(1, 2))


# --- scalars, jumps, moves ------------------------------------------------------------------------


def test_scalar_slots_are_overwritten_and_persist() -> None:
    module = single([Int(5)], [(TEST + "increment.Scalar", [0, 0])], outputs=[0])
    assert [module(), module()] == [6, 7]


def test_numbers_have_64_bits() -> None:
    module = single([Int(2**63 - 2)], [(TEST + "increment.Scalar", [0, 0])], outputs=[0])
    assert module() == 2**63 - 1
    with pytest.raises(ProgramError, match=r"9223372036854775808 does not fit"):
        module()


def test_item_of_a_static_tensor_reaches_later_calls() -> None:
    module = single(
        [planned([], 0, I64), Int(0), IntList([1]), planned([8], 64, dynamic=True)],
        [(TEST + "item", [0, 1]), (TEST + "ones.out", [2, 3, 3])],
        inputs=[0],
        outputs=[1, 3],
    )
    for size in (3, 8, 1):
        number, result = module(np.array(size))
        assert type(number) is int and number == size
        np.testing.assert_array_equal(result, np.ones(size, np.float32))


def loop(limit: int) -> tuple[list[Any], list[Any]]:
    """acc += x, `limit` times; the counter starts at 0 in slot 2."""
    values = [planned([2], 0), planned([2], 16), Int(0), Int(limit), Bool(), Bool(False), Int(0)]
    instructions = [
        MoveCall(6, 2),
        (TEST + "less.Scalar", [2, 3, 4]),
        JumpFalseCall(4, 6),
        (ADD, [1, 0, 1, 1]),
        (TEST + "increment.Scalar", [2, 2]),
        JumpFalseCall(5, 1),
    ]
    return values, instructions


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_loop_with_backward_jump(limit: int) -> None:
    values, instructions = loop(limit)
    module = single(values, instructions, inputs=[0, 1], outputs=[1, 2])
    for _ in range(2):
        total, count = module(f32(1, 2), f32(0, 10))
        np.testing.assert_array_equal(total, f32(limit, 10 + 2 * limit))
        assert count == limit


def test_endless_loop_is_stopped_and_the_module_lives() -> None:
    values, instructions = loop(1000)
    module = single(values, instructions, inputs=[0, 1], outputs=[2], max_instructions=100)
    for _ in range(2):
        with pytest.raises(ProgramError, match="stopped after 100 instructions"):
            module(f32(1, 2), f32(0, 10))


def test_straight_chain_counts_too() -> None:
    module = single(
        [planned([2], 0)], [(ADD, [0, 0, 0, 0])] * 3, inputs=[0], outputs=[0], max_instructions=2
    )
    with pytest.raises(ProgramError, match="stopped after 2 instructions"):
        module(f32(1, 2))


@pytest.mark.parametrize(("condition", "jumps"), [([True, True], False), ([True, False], True)])
def test_jump_on_any_false_element(condition: list[bool], jumps: bool) -> None:
    module = single(
        [planned([2], 0, BOOL), planned([2], 16)],
        [JumpFalseCall(0, 2), (ADD, [1, 1, 1, 1])],
        inputs=[0, 1],
        outputs=[1],
    )
    result = module(np.array(condition), f32(1, 2))
    np.testing.assert_array_equal(result, f32(1, 2) if jumps else f32(2, 4))


def test_other_conditions_are_errors() -> None:
    values = [planned([2], 0), Double(1.0)]
    plan = method(values, [JumpFalseCall(0, 1)], inputs=[0], outputs=[0])
    with pytest.raises(ProgramError, match=r"condition|jump|bool"):
        load(program(plan))(f32(1, 2))


def test_move_shares_the_tensor() -> None:
    """Slot 2 becomes slot 0's tensor: a later write to slot 0 shows in slot 2 (pte_format 7.3)."""
    module = single(
        [planned([2], 0), planned([2], 16), planned([2], 32)],
        [MoveCall(0, 2), (ADD, [2, 1, 1, 1]), (ADD, [0, 0, 0, 0])],
        inputs=[0, 1],
        outputs=[1, 2],
    )
    for _ in range(2):
        total, moved = module(f32(1, 2), f32(10, 20))
        np.testing.assert_array_equal(total, f32(11, 22))
        np.testing.assert_array_equal(moved, f32(2, 4))


def test_moved_scalar_is_read_anew() -> None:
    module = single(
        [Int(2), Int(5), IntList([0]), planned([8], 0, dynamic=True), planned([], 64, BOOL)],
        [
            JumpFalseCall(4, 2),
            MoveCall(1, 0),
            (TEST + "ones.out", [2, 3, 3]),
        ],
        inputs=[4],
        outputs=[3],
    )
    assert module(np.array(False)).shape == (2,)
    assert module(np.array(True)).shape == (5,)


# --- dynamic shapes -------------------------------------------------------------------------------


def test_dynamic_slots_shrink_and_grow() -> None:
    module = single(
        [planned([4, 2], 0, dynamic=True), planned([4, 2], 64, dynamic=True)],
        [(ADD, [0, 0, 1, 1])],
        inputs=[0],
        outputs=[1],
    )
    for rows in (2, 4, 1, 0, 3):
        given = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
        np.testing.assert_array_equal(module(given), given * 2)


def test_dynamic_slot_keeps_its_dim_order() -> None:
    module = single(
        [planned([4, 3], 0, dynamic=True, order=[1, 0]), planned([12], 0)],
        [],
        inputs=[0],
        outputs=[1, 0],
    )
    given = np.arange(6, dtype=np.float32).reshape(2, 3)
    memory, result = module(given)
    np.testing.assert_array_equal(memory[:6], given.T.ravel())
    np.testing.assert_array_equal(result, given)


def test_no_growing_beyond_the_bound() -> None:
    module = single(
        [planned([], 32, I64), Int(0), IntList([1]), planned([4], 0, dynamic=True)],
        [(TEST + "item", [0, 1]), (TEST + "ones.out", [2, 3, 3])],
        inputs=[0],
        outputs=[3],
    )
    with pytest.raises(ProgramError, match=r"room for \[4\] becomes \[5\]"):
        module(np.array(5))
    assert module(np.array(4)).shape == (4,)


VIEW = "executorch_prim::et_view.default"


def test_view_aliases_its_source() -> None:
    module = single(
        [
            planned([4, 2], 0, dynamic=True),
            Int(-1),
            IntList([1]),
            planned([8], 64, dynamic=True),
            planned([8], 128, dynamic=True),
        ],
        [(VIEW, [0, 2, 3]), (ADD, [3, 3, 4, 4]), (ADD, [0, 0, 0, 0]), (ADD, [3, 4, 4, 4])],
        inputs=[0],
        outputs=[4],
    )
    for rows in (1, 4, 2):
        given = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
        np.testing.assert_array_equal(module(given), given.ravel() * 4)


def test_view_of_another_size_is_an_error() -> None:
    module = single(
        [planned([2, 2], 0), Int(3), IntList([1]), planned([4], 64, dynamic=True)],
        [(VIEW, [0, 2, 3])],
        inputs=[0],
        outputs=[3],
    )
    with pytest.raises(ProgramError, match=r"view of \[2, 2\] becomes \[3\]"):
        module(np.zeros((2, 2), np.float32))


COPY_INDEX = "executorch_prim::et_copy_index.tensor"


@pytest.mark.parametrize("dynamic", [True, False])
def test_rows_are_appended(dynamic: bool) -> None:
    module = single(
        [planned([3, 2], 0, dynamic=dynamic), planned([2], 64), Int(0), Int(0), Int(1)],
        [
            (COPY_INDEX, [0, 1, 2]),
            (ADD, [1, 1, 1, 1]),
            (COPY_INDEX, [0, 1, 4]),
        ],
        inputs=[1],
        outputs=[0],
    )
    if dynamic:
        np.testing.assert_array_equal(module(f32(1, 2)), [[1, 2], [2, 4]])
    else:
        with pytest.raises(ProgramError, match=r"fixed shape \[3, 2\] becomes \[1, 2\]"):
            module(f32(1, 2))


# --- state and several methods --------------------------------------------------------------------


def counter(name: str, arena: int, step: int, *, initial: int = 0) -> ExecutionPlan:
    return method(
        [planned([1], 16, arena=arena, initial=initial), Int(step)],
        [(TEST + "increment_", [0, 1, 0])],
        outputs=[0],
        name=name,
        sizes=[0, 64, 64],
    )


def test_initial_state_is_copied_and_persists() -> None:
    file = program(
        counter("forward", 1, 1, initial=1),
        segments=[b"", f32(5).tobytes()],
        mutable_data_segments=[SubsegmentOffsets(1, [0, 0])],
    )
    data = write_program(file)
    module = load(data)
    assert [float(module()[0]) for _ in range(3)] == [6, 7, 8]
    assert float(load(data)()[0]) == 6


@pytest.mark.parametrize(("arena", "results"), [(1, [1, 10, 2]), (2, [1, 11, 12])])
def test_arenas_from_the_second_on_are_shared(arena: int, results: list[float]) -> None:
    module = load(program(counter("one", arena, 1), counter("ten", arena, 10)))
    assert list(module.methods) == ["one", "ten"]
    assert [float(module.run(name)[0]) for name in ("one", "ten", "one")] == results


def test_arenas_are_aligned() -> None:
    SPECIALISED.clear()
    single(
        [planned([2], 0), planned([2], 64), planned([2], 128)],
        [(ADD, [0, 1, 2, 2])],
        inputs=[0, 1],
        outputs=[2],
    )
    assert [array.ctypes.data % 64 for array in SPECIALISED[0]] == [0, 0, 0]


def test_huge_arena_is_one_error() -> None:
    plan = method([planned([4], 2**61)], [], outputs=[0], sizes=[0, 2**62])
    with pytest.raises(ProgramError, match=r"no memory|arena"):
        load(program(plan))
