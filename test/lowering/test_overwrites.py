"""Every `overwrites=` of the operator table is safe on ExecuTorch's own kernels.

Each operator runs twice on the same inputs: into memory of its own, and over the operand. Where
the operator takes several tensors, the others are tried in broadcasting shapes too, and in place of
the operand itself.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from stock_runtime import operator_names, run
from xdsl.dialects.builtin import ModuleOp, TensorType, f32, i1, i64
from xdsl.ir import Block, Region, SSAValue

from edgeir.dialects import aten, memory
from edgeir.dialects.schema import OpEntry
from edgeir.lowering.emit_program import emit_program
from edgeir.runtime.program.signatures import stock_signatures

SHAPE = (7, 33)
ELEMENTS = {np.dtype(np.float32): f32, np.dtype(np.int64): i64, np.dtype(np.bool_): i1}
SPACE = 4096
"""Bytes between tensors: more than any tensor here has."""

CASES = [
    pytest.param(entry, operand, id=f"{entry.out}-{operand}")
    for entry in aten.TABLE.values()
    if entry.out in operator_names() and entry.out in stock_signatures()
    for operand in entry.overwrites
]


def tensor_shapes(entry: OpEntry, operand: str) -> Iterator[Mapping[str, tuple[int, ...] | None]]:
    """Shapes of the other tensor arguments; None puts the operand itself there."""
    others = [a.name for a in entry.schema.out_arguments if a.is_tensor and a.name != operand]
    if "normalized_shape" in [a.name for a in entry.schema.out_arguments]:
        yield dict.fromkeys(others, SHAPE[1:])
        return
    for shape in (SHAPE, SHAPE[1:], (SHAPE[0], 1), ()):
        yield dict.fromkeys(others, shape)
    if others and set(others) <= set(entry.overwrites):
        yield dict.fromkeys(others, None)


def dtypes(entry: OpEntry) -> list[np.dtype]:
    """Dtypes that the result can have too; some kernels kill the process on others."""
    floats, integers, bools = ELEMENTS
    if entry.promotion == "float":
        return [floats]
    if entry.promotion == "compare":
        return [bools]
    if entry.promotion == "arithmetic" and not entry.schema.name.startswith("bitwise"):
        return [floats, integers]
    return [floats, integers, bools]


def values(shape: tuple[int, ...], dtype: np.dtype, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == np.bool_:
        return np.asarray(rng.integers(0, 2, shape), dtype)
    if dtype == np.int64:
        return np.asarray(rng.integers(1, 9, shape))
    return np.asarray(rng.standard_normal(shape) * 2, dtype)


def scalar(kind: str, name: str, dim: int, dtype: np.dtype) -> memory.SlotOp:
    match kind.rstrip("?"):
        case "bool":
            return memory.ScalarOp(False)
        case "float":
            return memory.ScalarOp(1e-5)
        case "int":
            return memory.NullOp() if kind.endswith("?") else memory.ScalarOp(dim)
        case "str":
            return memory.StringOp("tanh" if name == "approximate" else "floor")
        case "Scalar":
            match dtype.kind:
                case "f":
                    return memory.ScalarOp(0.75)
                case "b":
                    return memory.ScalarOp(True)
                case _:
                    return memory.ScalarOp(2)
        case _:
            raise AssertionError(f"no value for {name} of kind {kind}")


def build(
    entry: OpEntry,
    operand: str,
    shapes: Mapping[str, tuple[int, ...] | None],
    dtype: np.dtype,
    dim: int,
    in_place: bool,
) -> tuple[bytes, list[np.ndarray]]:
    """A program of the one call, and its inputs."""
    ops: list[memory.SlotOp] = []
    inputs: list[SSAValue] = []
    arrays: list[np.ndarray] = []
    slots: dict[str, SSAValue] = {}
    kinds = dict(
        zip(
            [argument.name for argument in entry.schema.out_arguments],
            stock_signatures()[entry.out].kinds,
            strict=False,
        )
    )

    def add(op: memory.SlotOp) -> SSAValue:
        ops.append(op)
        return op.slot

    def tensor(shape: tuple[int, ...], element: np.dtype) -> SSAValue:
        place = (1, SPACE * len(ops))
        return add(memory.PlannedOp(TensorType(ELEMENTS[element], shape), place=place))

    for argument in entry.schema.out_arguments:
        name = argument.name
        shape = SHAPE if name == operand else shapes.get(name)
        if not argument.is_tensor:
            if kinds[name] == "int[]":
                size = add(memory.ScalarOp(SHAPE[1] if name == "normalized_shape" else dim))
                slots[name] = add(memory.IntListOp([size]))
            else:
                slots[name] = add(scalar(kinds[name], name, dim, dtype))
        elif shape is not None:
            is_mask = name in ("condition", "mask")
            array = values(shape, np.dtype(np.bool_) if is_mask else dtype, len(arrays))
            slots[name] = tensor(shape, array.dtype)
            inputs.append(slots[name])
            arrays.append(array)
    for name, shape in shapes.items():
        if shape is None:
            slots[name] = slots[operand]
    arguments = [slots[argument.name] for argument in entry.schema.out_arguments]

    out_type = TensorType(ELEMENTS[dtype], SHAPE)
    place = slots[operand].owner.place if in_place else (1, SPACE * len(ops))
    outs = [add(memory.PlannedOp(out_type, place=place))]
    for _ in entry.schema.results[1:]:
        outs.append(tensor((SHAPE[0], 1), dtype))
    returns = add(memory.TensorListOp(outs)) if len(outs) > 1 else None
    block = Block(
        [
            *ops,
            memory.BeginOp(inputs, outs[:1]),
            memory.CallOp(entry.out, arguments, outs, returns),
            memory.EndOp(),
        ]
    )
    method = memory.MethodOp("forward", Region(block), arenas=[0, SPACE * len(ops)])
    return emit_program(ModuleOp([method]), {}), arrays


@pytest.mark.parametrize(("entry", "operand"), CASES)
def test_the_operand_may_be_overwritten(entry: OpEntry, operand: str):
    compared = 0
    dims = (0, 1) if any(a.name == "dim" for a in entry.schema.arguments) else (0,)
    for dtype in dtypes(entry):
        for shapes in tensor_shapes(entry, operand):
            for dim in dims:
                apart = build(entry, operand, shapes, dtype, dim, in_place=False)
                try:
                    (expected,) = run(*apart)
                except RuntimeError:
                    continue  # The kernel does not take this dtype or shape at all.
                (result,) = run(*build(entry, operand, shapes, dtype, dim, in_place=True))
                np.testing.assert_array_equal(result, expected, f"{dtype} {dict(shapes)} {dim}")
                compared += 1
    assert compared


def test_an_unsafe_operator_would_be_noticed():
    entry = aten.TABLE["aten::flip"]
    dtype = np.dtype(np.float32)
    (expected,) = run(*build(entry, "self", {}, dtype, 0, in_place=False))
    (result,) = run(*build(entry, "self", {}, dtype, 0, in_place=True))
    assert not np.array_equal(result, expected)
