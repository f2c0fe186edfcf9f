"""In-place entries of the aten table (`overwrites=`), on ExecuTorch's runtime and on ours.

Each entry runs twice: result and operand in memory of their own, and at the same address.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeir import dialects
from edgeir.dialects.schema import Argument, OpEntry, parse_entry, read_table
from edgeir.runtime.dtypes import BY_DTYPE
from edgeir.runtime.module import load
from edgeir.runtime.program import SegmentsBuilder, write_program
from edgeir.runtime.program.schema import (
    AllocationDetails,
    Bool,
    Chain,
    Double,
    ExecutionPlan,
    Int,
    IntList,
    KernelCall,
    Null,
    Operator,
    OptionalTensorList,
    String,
    Tensor,
    TensorList,
)
from edgeir.runtime.program.signatures import stock_signatures
from edgeir.runtime.registry import find_kernel

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

TABLE = read_table(Path(dialects.__file__).parent / "aten" / "schemas.txt")

# More than 32,768 elements, the share of a thread in ExecuTorch's kernels, and an odd last size.
SHAPE = (5, 67, 101)

SHIFTS = {"bitwise_left_shift", "bitwise_right_shift", "__lshift__", "__rshift__"}
# Where the functions are defined, and take several values.
RANGES = {name: (-3, 3) for name in ("sign", "ceil", "floor", "round", "trunc", "relu")}
RANGES["acosh"] = (1, 3)

ROWS = ("weight", "bias")
# Where the scattering operators write, and what has the shape of that.
SCATTERED = {"dim": 1, "start": 2, "index": 3}
SCATTERED_SHAPES = {
    "slice_scatter": (SHAPE[0], SHAPE[1] - 2, SHAPE[2]),
    "select_scatter": (SHAPE[0], SHAPE[2]),
    "index_put": (2, SHAPE[2]),
}
BOOLS = {"logical_and", "logical_or", "logical_xor", "logical_not"}


def dtype_of(entry: OpEntry) -> np.dtype:
    """The dtype in which operand and result agree."""
    name = entry.schema.name
    if entry.promotion == "compare" or name in BOOLS:
        return np.dtype(bool)
    integers = name.startswith("bitwise") or name in SHIFTS
    return np.dtype(np.int32 if integers else np.float32)


def tensor_data(entry: OpEntry, argument: Argument, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(len(argument.name))
    if argument.name in ("condition", "mask"):
        return rng.random(shape) < 0.5
    if entry.schema.name in SHIFTS:
        return rng.integers(0, 5, shape, np.int32)
    dtype = dtype_of(entry)
    if dtype == np.bool_:
        return rng.random(shape) < 0.5
    if dtype == np.int32:
        return rng.integers(-99, 99, shape, np.int32)
    low, high = RANGES.get(entry.schema.name, (0.1, 0.9))
    return rng.uniform(low, high, shape).astype(np.float32)


def number(entry: OpEntry, argument: Argument) -> Any:
    """A value of the format for an argument that is no tensor."""
    if entry.schema.name in SCATTERED_SHAPES and argument.name in SCATTERED:
        return Int(SCATTERED[argument.name])
    if argument.name == "rounding_mode":
        return String("floor")
    if argument.name in ("min", "max"):
        return Double(0.3 if argument.name == "min" else 0.6)
    default = argument.default
    if isinstance(default, bool):
        return Bool(default)
    if isinstance(default, int):
        return Int(default)
    if isinstance(default, float):
        return Double(default)
    if isinstance(default, str):
        return String(default)
    if argument.has_default:
        return Null()
    if argument.base == "Scalar":
        flag = entry.schema.name in ("ge", "lt")
        return {"b": Bool(flag), "i": Int(1), "f": Double(0.4)}[dtype_of(entry).kind]
    return {"int": Int(-1), "bool": Bool(False), "float": Double(1e-5)}[argument.base]


def program(
    entry: OpEntry, operand: str, *, over: bool, other: str
) -> tuple[bytes, list[np.ndarray]]:
    """A program of one call, and its inputs; the first result lies over `operand` if `over`.

    The other operands are `full`, of the result's shape, `row`, broadcast from its last dimension,
    or `same`, the very operand.
    """
    values: list[Any] = []
    inputs: dict[str, int] = {}
    data: list[np.ndarray] = []
    arena = 0

    def add(value: Any) -> int:
        values.append(value)
        return len(values) - 1

    def add_tensor(array: np.ndarray, at: int | None = None) -> int:
        nonlocal arena
        if at is None:
            at, arena = arena, arena + -(-array.nbytes // 16) * 16
        code, dims = BY_DTYPE[array.dtype].code, list(range(array.ndim))
        place = AllocationDetails.at(1, at)
        return add(Tensor(code, 0, list(array.shape), dims, allocation_info=place))

    def add_operand(argument: Argument) -> int:
        full = argument.name == operand or other == "full"
        shape = SHAPE if full and argument.name not in ROWS else SHAPE[-1:]
        if entry.schema.op_name == "masked_fill.Tensor" and argument.name == "value":
            shape = ()
        if argument.name != operand:
            shape = SCATTERED_SHAPES.get(entry.schema.name, shape)
        data.append(tensor_data(entry, argument, shape))
        inputs[argument.name] = add_tensor(data[-1])
        return inputs[argument.name]

    # The operand first, so that others may stand for it.
    names = {argument.name: argument for argument in entry.schema.out_arguments}
    add_operand(names[operand])
    arguments: list[int] = []
    for argument in names.values():
        if argument.name == operand or (other == "same" and argument.name in entry.overwrites):
            arguments.append(inputs[operand])
        elif argument.is_tensor and argument.is_list:
            data.append(np.array([3, -1]))
            inputs[argument.name] = add_tensor(data[-1])
            none = add(Null())
            arguments.append(add(OptionalTensorList([none, inputs[argument.name]])))
        elif argument.is_tensor:
            arguments.append(add_operand(argument))
        elif argument.is_list:
            item = SHAPE[-1] if argument.name == "normalized_shape" else 0
            arguments.append(add(IntList([add(Int(item))])))
        else:
            arguments.append(add(number(entry, argument)))
    outs = [add_tensor(np.empty(SHAPE, dtype_of(entry)), 0 if over else None)]
    outs += [add_tensor(np.empty((*SHAPE[:-1], 1), np.float32)) for _ in entry.schema.results[1:]]
    returned = outs[0] if len(outs) == 1 else add(TensorList(outs))
    name, _, overload = (entry.out or "").partition(".")
    plan = ExecutionPlan(
        "forward",
        values=values,
        inputs=list(inputs.values()),
        outputs=outs,
        chains=[Chain(instructions=[KernelCall(0, [*arguments, *outs, returned])])],
        operators=[Operator(name, overload)],
        non_const_buffer_sizes=[0, arena],
    )
    return write_program(SegmentsBuilder().build([plan])), data


def executorch(data: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    from executorch.runtime import Runtime, Verification

    loaded = Runtime.get().load_program(data, verification=Verification.InternalConsistency)
    results = loaded.load_method("forward").execute([torch.from_numpy(a) for a in inputs])
    return [result.numpy().copy() for result in results]


def edgeir(data: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    results = load(data)(*inputs)
    return list(results) if isinstance(results, list | tuple) else [results]


def cases(runs_there: Callable[[str], object]) -> list[Any]:
    """Each operand of each entry whose kernel is there, with each kind of other operands."""
    found: list[Any] = []
    for entry in TABLE.values():
        if not entry.overwrites or entry.out is None or not runs_there(entry.out):
            continue
        several = sum(a.is_tensor for a in entry.schema.arguments) > 1
        broadcasts = several and entry.promotion is not None
        others = ["full", "row"] if broadcasts else ["full"]
        others += ["same"] if len(entry.overwrites) > 1 else []
        found += [
            pytest.param(entry, operand, other, id=f"{entry.schema.op_name}-{operand}-{other}")
            for operand in entry.overwrites
            for other in others
        ]
    return found


def compare(run: Callable[..., list[np.ndarray]], entry: OpEntry, operand: str, other: str):
    expected = run(*program(entry, operand, over=False, other=other))
    found = run(*program(entry, operand, over=True, other=other))
    assert len(expected) == len(entry.schema.results)
    assert other == "same" or np.unique(expected[0]).size > 1
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("entry", "operand", "other"), cases(stock_signatures().__contains__))
def test_executorch_kernels_overwrite(entry: OpEntry, operand: str, other: str):
    compare(executorch, entry, operand, other)


@pytest.mark.parametrize(("entry", "operand", "other"), cases(find_kernel))
def test_our_kernels_overwrite(entry: OpEntry, operand: str, other: str):
    compare(edgeir, entry, operand, other)


def test_flip_would_be_found():
    """The harness sees a kernel that must not overwrite: `flip` reads what it has written."""
    entry = parse_entry("aten::flip(Tensor self, int[] dims) -> Tensor | out=flip.out")
    entry = replace(entry, overwrites=("self",))
    with pytest.raises(AssertionError):
        compare(executorch, entry, "self", "full")
