"""Each rule of the verifier with a program that breaks just that rule."""

from collections.abc import Callable

import pytest
from sample_programs import add_program, constant_program, counter_program, f32, rich_program

from edgeir.runtime.errors import ProgramError
from edgeir.runtime.program import (
    ProgramFile,
    find_violations,
    read_program,
    verify_program,
    write_program,
)
from edgeir.runtime.program.schema import (
    AllocationDetails,
    Bool,
    Buffer,
    DelegateCall,
    Double,
    ExecutionPlan,
    ExtraTensorInfo,
    FreeCall,
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
    TensorList,
)
from edgeir.runtime.program.signatures import Signature

Breaking = Callable[[ProgramFile, ExecutionPlan], object]
RULES: list[tuple[str, Callable[[], ProgramFile], Breaking, str]] = []


def rule(message: str, make: Callable[[], ProgramFile] = add_program):
    """A rule: what breaks it in the program that `make` makes, and what the verifier then says."""

    def add(breaking: Breaking) -> Breaking:
        RULES.append((breaking.__name__, make, breaking, message))
        return breaking

    return add


def add_value(plan: ExecutionPlan, value) -> int:
    plan.values.append(value)
    return len(plan.values) - 1


def add_instruction(plan: ExecutionPlan, instruction) -> None:
    plan.chains[0].instructions.append(instruction)


# --- the program ----------------------------------------------------------------------------------


@rule("version: 1 is newer than 0")
def newer_version(file, plan):
    file.program.version = 1


@rule("constant_buffer: used together with constant_segment")
def two_kinds_of_constants(file, plan):
    file.program.constant_buffer = [Buffer(b"")]


@rule("constant_segment: segment 5 does not exist, there are 1", constant_program)
def constant_segment_missing(file, plan):
    file.program.constant_segment.segment_index = 5


@rule("mutable_data_segments[0]: segment 7 does not exist", counter_program)
def initial_data_segment_missing(file, plan):
    file.program.mutable_data_segments[0].segment_index = 7


@rule("named_data[0]: segment 4 does not exist", rich_program)
def named_segment_missing(file, plan):
    file.program.named_data[0].segment_index = 4


# --- the method -----------------------------------------------------------------------------------


@rule("method 'forward', non_const_buffer_sizes[1]: -1 bytes", rich_program)
def negative_arena(file, plan):
    plan.non_const_buffer_sizes[1] = -1


@rule("method 'forward', inputs[1]: value 4 does not exist, there are 4")
def input_missing(file, plan):
    plan.inputs[1] = 4


@rule("outputs[0]: value -1 does not exist")
def output_missing(file, plan):
    plan.outputs[0] = -1


@rule("outputs[0]: value 4 is a list")
def list_output(file, plan):
    plan.outputs[0] = add_value(plan, IntList([3]))


@rule("delegate 0: unknown payload location 2", rich_program)
def delegate_location(file, plan):
    plan.delegates[0].processed.location = 2


@rule("delegate 0: its payload 9 does not exist", rich_program)
def delegate_segment(file, plan):
    plan.delegates[0].processed.index = 9


@rule("delegate 0: its payload 0 does not exist", rich_program)
def delegate_inline(file, plan):
    plan.delegates[0].processed.location = 0
    plan.delegates[0].processed.index = 0


@rule("chains: there is none")
def no_chain(file, plan):
    plan.chains = []


# --- tensors --------------------------------------------------------------------------------------


@rule("value 0: unknown scalar type 30")
def scalar_type(file, plan):
    plan.values[0].scalar_type = 30


@rule("value 0: unknown scalar type -1")
def negative_scalar_type(file, plan):
    plan.values[0].scalar_type = -1


@rule("value 0: storage offset 4")
def storage_offset(file, plan):
    plan.values[0].storage_offset = 4


@rule("value 0: shape dynamism 2")
def unbounded(file, plan):
    plan.values[0].shape_dynamism = ShapeDynamism.DYNAMIC_UNBOUND


@rule("value 0: 17 dimensions")
def rank(file, plan):
    plan.values[0].sizes = [1] * 17
    plan.values[0].dim_order = list(range(17))


@rule("value 0: negative size in [-2]")
def negative_size(file, plan):
    plan.values[0].sizes = [-2]


@rule("value 0: dim order [] is not an order of 1 dimensions")
def dim_order_missing(file, plan):
    plan.values[0].dim_order = []


@rule("value 0: dim order [0, 0] is not an order of 2 dimensions")
def dim_order_repeats(file, plan):
    plan.values[0].sizes, plan.values[0].dim_order = [1, 2], [0, 0]


@rule("bytes are more than any memory has")
def overflow(file, plan):
    plan.values[0].sizes = [2**31 - 1] * 3
    plan.values[0].dim_order = [0, 1, 2]


@rule("value 2: 8 bytes at offset 41 do not fit arena 1 of 48 bytes")
def beyond_the_arena(file, plan):
    plan.values[2].allocation_info.memory_offset_low = 41


@rule("value 2: 8 bytes at offset 4294967296 do not fit arena 1")
def far_beyond_the_arena(file, plan):
    plan.values[2].allocation_info = AllocationDetails(1, 0, 1)


@rule("value 2: arena 0 does not exist, there are 1")
def arena_zero(file, plan):
    plan.values[2].allocation_info.memory_id = 0


@rule("value 2: arena 2 does not exist, there are 1")
def arena_missing(file, plan):
    plan.values[2].allocation_info.memory_id = 2


@rule("value 1: constant 2 does not exist, there are 1", constant_program)
def constant_missing(file, plan):
    plan.values[1].data_buffer_idx = 2


@rule("value 1: constant 1: bytes 1 to 9 are beyond the 8 bytes", constant_program)
def constant_beyond_its_segment(file, plan):
    file.program.constant_segment.offsets[1] = 1


@rule("value 1: constant 1 does not exist, there are 0")
def constant_without_constants(file, plan):
    file.program.constant_segment = SubsegmentOffsets(0, [])
    plan.values[1] = f32([2], index=1)


@rule("value 1: initial data 1: bytes 4 to 12 are beyond the 8 bytes", counter_program)
def initial_data_beyond_its_segment(file, plan):
    file.program.mutable_data_segments[0].offsets[1] = 4


@rule("value 1: initial data 1: the program has none", counter_program)
def initial_data_without_any(file, plan):
    file.program.mutable_data_segments = None


@rule("value 0: its data is external, but it has no name")
def external_without_name(file, plan):
    plan.values[0].extra_tensor_info = ExtraTensorInfo(location=1)


@rule("value 0: unknown data location 3")
def data_location(file, plan):
    plan.values[0].extra_tensor_info = ExtraTensorInfo(location=3)


# --- lists ----------------------------------------------------------------------------------------


@rule("value 4: item 1: value 9 does not exist")
def int_list_range(file, plan):
    add_value(plan, IntList([3, 9]))


@rule("value 4: item 0: value 0 is a Tensor, not an Int slot")
def int_list_kind(file, plan):
    add_value(plan, IntList([0]))


@rule("value 4: item 0: value 5 is a Double, not an Int slot")
def int_list_of_literal_double(file, plan):
    add_value(plan, IntList([5]))
    add_value(plan, Double(1.0))


@rule("value 4: item 1: value 3 is a Int, not an earlier Tensor")
def tensor_list_kind(file, plan):
    add_value(plan, TensorList([0, 3]))


@rule("value 4: item 0: value 5 is a Tensor, not an earlier Tensor")
def tensor_list_forward_reference(file, plan):
    add_value(plan, TensorList([5]))
    add_value(plan, f32([2], 0))


@rule("value 4: item 0: value -1 does not exist")
def tensor_list_with_none(file, plan):
    add_value(plan, TensorList([-1]))


@rule("value 4: item 1: value 5 is a Null, not an earlier Tensor or Null")
def optional_tensor_list_forward_reference(file, plan):
    add_value(plan, OptionalTensorList([-1, 5]))
    add_value(plan, Null())


# --- instructions ---------------------------------------------------------------------------------


@rule("instruction 0: operator 1 does not exist, there are 1")
def operator_missing(file, plan):
    plan.chains[0].instructions[0].op_index = 1


@rule("instruction 0: operator -1 does not exist")
def operator_negative(file, plan):
    plan.chains[0].instructions[0].op_index = -1


@rule("instruction 0: argument 1: value 77 does not exist")
def argument_missing(file, plan):
    plan.chains[0].instructions[0].args[1] = 77


@rule("instruction 0: aten::add.out takes 5 arguments, not 4")
def arity(file, plan):
    plan.chains[0].instructions[0].args.pop()


@rule("instruction 0: 'my::op' is called without arguments")
def no_arguments(file, plan):
    plan.operators[0] = Operator("my::op")
    plan.chains[0].instructions[0].args = []


@rule("instruction 0: aten::add.out: argument 0 is Tensor, value 3 is a Int")
def tensor_tag(file, plan):
    plan.chains[0].instructions[0].args[0] = 3


@rule("instruction 1: aten::_cdist_forward.out: argument 2 is float, value 3 is a Int")
def int_where_float_is_wanted(file, plan):
    plan.operators.append(Operator("aten::_cdist_forward", "out"))
    null = add_value(plan, Null())
    add_instruction(plan, KernelCall(1, [0, 1, 3, null, 2, 2]))


@rule("instruction 1: aten::copy_: argument 2 is bool, value 3 is a Int")
def int_where_bool_is_wanted(file, plan):
    plan.operators.append(Operator("aten::copy_"))
    add_instruction(plan, KernelCall(1, [0, 1, 3, 0]))


@rule("instruction 0: aten::add.out: argument 2 is Scalar, value 4 is a Null")
def null_where_a_value_is_wanted(file, plan):
    plan.chains[0].instructions[0].args[2] = add_value(plan, Null())


@rule("instruction 0: aten::add.out: argument 3 is written, value 1 is constant", constant_program)
def writes_a_constant(file, plan):
    plan.chains[0].instructions[0].args[3:] = [1, 1]


@rule("instruction 0: argument 3: tensor 4 has no memory")
def unplanned_intermediate(file, plan):
    plan.chains[0].instructions[0].args[3:] = [add_value(plan, f32([2]))] * 2


@rule("argument 1: tensor 4 has no memory")
def unplanned_intermediate_in_a_list(file, plan):
    plan.operators.append(Operator("my::cat"))
    add_value(plan, f32([2]))
    add_instruction(plan, KernelCall(1, [0, add_value(plan, TensorList([0, 4])), 2]))


@rule("argument 1: tensor 4 has no memory", add_program)
def unplanned_delegate_result(file, plan):
    add_instruction(plan, DelegateCall(0, [0, add_value(plan, f32([2]))]))


@rule("instruction 1: delegate 0 does not exist, there are 0")
def delegate_missing(file, plan):
    add_instruction(plan, DelegateCall(0, [0]))


@rule("instruction 3: argument 1: value -4 does not exist", rich_program)
def delegate_argument_missing(file, plan):
    plan.chains[0].instructions[3].args[1] = -4


@rule("instruction 1: value 50 does not exist")
def move_from_missing(file, plan):
    add_instruction(plan, MoveCall(50, 2))


@rule("instruction 1: value -2 does not exist")
def move_to_missing(file, plan):
    add_instruction(plan, MoveCall(0, -2))


@rule("instruction 1: condition: value 40 does not exist")
def condition_missing(file, plan):
    add_instruction(plan, JumpFalseCall(40, 0))


@rule("instruction 1: condition: value 0 is neither a Bool nor a bool tensor")
def condition_is_a_float_tensor(file, plan):
    add_instruction(plan, JumpFalseCall(0, 0))


@rule("instruction 1: condition: tensor 4 has no memory")
def condition_without_memory(file, plan):
    value = f32([])
    value.scalar_type = 11
    add_instruction(plan, JumpFalseCall(add_value(plan, value), 0))


@rule("instruction 1: jumps to instruction 3, the chain has 2")
def jump_beyond_the_end(file, plan):
    add_instruction(plan, JumpFalseCall(add_value(plan, Bool()), 3))


@rule("instruction 1: jumps to instruction -1")
def jump_before_the_start(file, plan):
    add_instruction(plan, JumpFalseCall(add_value(plan, Bool()), -1))


@rule("instruction 1: frees value 3, which is not a Tensor")
def free_of_an_int(file, plan):
    add_instruction(plan, FreeCall(3))


@rule("instruction 1: value 4 does not exist")
def free_missing(file, plan):
    add_instruction(plan, FreeCall(4))


@rule("chain 1, instruction 0: value 4 does not exist")
def second_chain(file, plan):
    plan.chains.append(type(plan.chains[0])(instructions=[FreeCall(4)]))


@rule("inputs[0]: value 0 is a constant, which cannot be set", constant_program)
def constant_input(file, plan):
    constant = next(i for i, v in enumerate(plan.values) if getattr(v, "data_buffer_idx", 0))
    plan.values[0], plan.inputs[0] = plan.values[constant], 0


@rule("instruction 1: loops to instruction 0 for ever: nothing there writes value 4")
def endless_loop(file, plan):
    add_instruction(plan, JumpFalseCall(add_value(plan, Bool(False)), 0))


@rule("instruction 3: loops to instruction 0 for ever: nothing there writes value")
def loop_with_an_exit_that_nothing_opens(file, plan):
    never = add_value(plan, Bool(False))
    always = add_value(plan, Bool(True))
    add_instruction(plan, JumpFalseCall(always, 4))
    add_instruction(plan, MoveCall(0, 0))
    add_instruction(plan, JumpFalseCall(never, 0))


@pytest.mark.parametrize(
    ("make", "breaking", "message"), [r[1:] for r in RULES], ids=[r[0] for r in RULES]
)
def test_rule(make: Callable[[], ProgramFile], breaking: Breaking, message: str):
    file = make()
    verify_program(file)
    breaking(file, file.program.execution_plan[0])
    assert any(message in str(violation) for violation in find_violations(file))
    with pytest.raises(ProgramError, match=r"^[^\n]+; [^\n]+$"):
        read_program(write_program(file, verify=False))


# --- what is sound --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0, 1, 3])
def test_jumps_may_go_back_and_to_the_end(target: int):
    file = add_program()
    plan = file.program.execution_plan[0]
    condition = add_value(plan, Bool())
    add_instruction(plan, MoveCall(add_value(plan, Bool(True)), condition))
    add_instruction(plan, JumpFalseCall(condition, target))
    verify_program(file)


def test_a_loop_that_can_be_left_may_have_a_constant_jump_back():
    file = add_program()
    plan = file.program.execution_plan[0]
    never, done = add_value(plan, Bool(False)), add_value(plan, Bool(False))
    # `done` is written inside; the jump back has a condition that nothing writes.
    add_instruction(plan, MoveCall(never, done))
    add_instruction(plan, JumpFalseCall(done, 4))
    add_instruction(plan, JumpFalseCall(never, 0))
    assert find_violations(file) == []


def test_what_instructions_write_may_have_another_tag():
    file = add_program()
    plan = file.program.execution_plan[0]
    plan.operators += [
        Operator("executorch_prim::lt", "Scalar"),
        Operator("aten::sym_size", "int"),
        Operator("aten::copy_"),
    ]
    slot = add_value(plan, Null())
    add_value(plan, IntList([slot]))
    add_instruction(plan, KernelCall(2, [0, 3, slot]))
    add_instruction(plan, KernelCall(1, [slot, 3, slot]))
    add_instruction(plan, KernelCall(3, [0, 1, slot, 0]))
    add_instruction(plan, JumpFalseCall(slot, 0))
    verify_program(file)


def test_tensors_whose_memory_comes_from_elsewhere():
    file = add_program()
    plan = file.program.execution_plan[0]
    for slot in (0, 2):
        plan.values[slot].allocation_info = None
    plan.operators += [Operator("executorch_prim::et_view", "default"), Operator("my::op")]
    view, moved, empty = (add_value(plan, f32(sizes)) for sizes in ([2], [2], [0]))
    sizes = add_value(plan, IntList([3]))
    add_instruction(plan, KernelCall(1, [1, sizes, view]))
    add_instruction(plan, MoveCall(1, moved))
    add_instruction(plan, KernelCall(2, [view, moved, empty, 2]))
    verify_program(file)


def test_unplanned_dynamic_input_may_have_any_bound():
    file = add_program()
    tensor = f32([2**31 - 1] * 3)
    tensor.shape_dynamism = ShapeDynamism.DYNAMIC_BOUND
    plan = file.program.execution_plan[0]
    plan.inputs.append(add_value(plan, tensor))
    verify_program(file)


def test_no_constants_need_no_segment():
    file = add_program()
    file.segments = []
    verify_program(file)
    verify_program(ProgramFile(Program()))


# --- reporting ------------------------------------------------------------------------------------


def test_all_violations_are_found_and_limited():
    file = add_program()
    plan = file.program.execution_plan[0]
    plan.inputs = [9] * 500
    assert len(find_violations(file)) == 500
    assert len(find_violations(file, limit=7)) == 7
    with pytest.raises(ProgramError, match=r"inputs\[0\].* \(and at least 99 more\); "):
        verify_program(file)
    first = find_violations(file)[0]
    assert (first.method, first.where) == ("forward", "inputs[0]")


def test_signatures_of_other_operators_can_be_given():
    file = add_program()
    plan = file.program.execution_plan[0]
    plan.operators[0] = Operator("my::add")
    assert find_violations(file) == []
    signature = Signature.parse("Tensor Tensor Tensor? Tensor! =".split())
    found = find_violations(file, signatures={"my::add": signature})
    assert [f.message for f in found] == ["my::add: argument 2 is Tensor?, value 3 is a Int"]
    plan.values[3] = Null()
    assert find_violations(file, signatures={"my::add": signature}) == []
