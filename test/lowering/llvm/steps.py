"""Runs one step of a family of kernels, interpreted and compiled, on arrays with any strides."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType, f32, f64, i1, i8, i32, i64
from xdsl.ir import Attribute, Block, SSAValue

from edgeir.dialects import kernel
from edgeir.dialects.edge.ops import WeightOp
from edgeir.dialects.kernel.types import element_type, ints
from edgeir.dialects.schema_op import SchemaOp
from edgeir.dialects.weights import WeightsStore
from edgeir.lowering.llvm.emit import emit_module
from edgeir.lowering.llvm.object_code import llvm, machine, object_code
from edgeir.lowering.llvm.program_builder import Place, ProgramBuilder
from edgeir.lowering.llvm.step import Step, Tensor, dense_strides
from edgeir.lowering.llvm.target import Target
from edgeir.lowering.llvm.targets import target_for
from edgeir.passes.evaluate.arrays import numpy_dtype
from edgeir.passes.evaluate.kernels import run_program

Array = np.ndarray[Any, Any]
TYPES = {
    np.dtype(np.float32): f32,
    np.dtype(np.float64): f64,
    np.dtype(np.bool_): i1,
    np.dtype(np.int8): i8,
    np.dtype(np.int32): i32,
    np.dtype(np.int64): i64,
}
Fuse = Callable[[SSAValue, Sequence[SSAValue]], list[SchemaOp]]


def type_of(array: Array) -> TensorType[Attribute]:
    """The tensor type of an array."""
    return TensorType(TYPES[array.dtype], array.shape)


def with_gaps(array: Array, order: Sequence[int] | None = None, gap: int = 3) -> Array:
    """The same array with its dims in an order in memory, and a gap after every innermost row."""
    order = range(array.ndim) if order is None else order
    sizes = [array.shape[d] for d in order]
    if not sizes:
        return np.full(1, array).reshape(())
    memory = np.full([*sizes[:-1], sizes[-1] + gap], -1, array.dtype)
    view = memory[..., : sizes[-1]].transpose(np.argsort(order))
    view[...] = array
    return view


def run_step(
    family: Any,
    kind: type[SchemaOp],
    operands: Sequence[Array | Sequence[Array | None] | None],
    results: Sequence[Array],
    *,
    constants: Sequence[int] = (),
    fuse: Fuse | None = None,
    extras: Sequence[Array] = (),
    output_gap: int = 0,
    target: Target | None = None,
    **properties: Any,
) -> tuple[list[Array], list[Array]]:
    """What a family's kernels give for an operation, interpreted and compiled.

    `operands` are the tensors of the schema in order, lists of them where the schema has lists;
    those numbered in `constants` are weights.
    `results` have the shapes and dtypes that are expected. `fuse` makes the operations that are
    fused from the first result and the `extras`. With `output_gap` the first result gets a gap
    after every innermost row.
    """
    step = _Memory(constants)
    block = Block()
    values = [step.add_argument(block, a, n) for n, a in enumerate(operands)]
    others = [step.add(block, array, None) for array in extras]
    names = [a.name for a in kind.SCHEMA.arguments if a.is_tensor]
    op = kind(
        **dict(zip(names, values, strict=True)),
        **properties,
        result_types=[type_of(r) for r in results],
    )
    assert family.supports(op) is None, family.supports(op)
    fused = fuse(op.results[0], others) if fuse else []
    inputs = [step.tensors[v] for v in op.operands]
    order = family.output_order(op, inputs)
    for number, value in enumerate(op.results):
        row_major = tuple(range(results[number].ndim))
        step.add_result(
            value, results[number], row_major if number else order, 0 if number else output_gap
        )
    for member in fused:
        step.tensors[member.results[0]] = step.tensors[op.results[0]]
        step.places[member.results[0]] = step.places[op.results[0]]
    for operand in {v: None for v in op.operands if v not in step.constants}:
        assert family.input_order(op, operand, step.tensors[operand]) is None, "needs a copy"
    weights = WeightsStore()
    target = target or target_for("host")
    builder = ProgramBuilder(target, weights, step.places, step.constants)
    family.lower(Step(op, tuple(fused), step.tensors, step.constants), builder)
    flat = Block(arg_types=[_flat_type(a) for a in step.inputs])
    program = builder.finish(flat.args, [_flat_type(a) for a in step.outputs], 0)
    program.verify()
    return (
        step.read(op, run_program(program, step.inputs, weights)),
        step.read(op, run_compiled(program, step.inputs, weights, target)),
    )


def check_step(*args: Any, rtol: float = 1e-5, atol: float = 1e-5, **kwargs: Any) -> None:
    """Compare both ways of running a step with the expected results."""
    wanted = args[3]
    for outputs in run_step(*args, **kwargs):
        for output, expected in zip(outputs, wanted, strict=True):
            np.testing.assert_allclose(output, expected, rtol, atol)


class _Memory:
    """Where the values of a step lie: every operand in an input, every result in an output."""

    def __init__(self, constants: Sequence[int]) -> None:
        self.tensors: dict[SSAValue, Tensor] = {}
        self.places: dict[SSAValue, Place] = {}
        self.constants: dict[SSAValue, Array] = {}
        self.inputs: list[Array] = []
        self.outputs: list[Array] = []
        self._constant_numbers = constants
        self._results: dict[SSAValue, int] = {}

    def add_argument(
        self, block: Block, argument: Array | Sequence[Array | None] | None, number: int
    ) -> SSAValue | list[SSAValue | None] | None:
        """An operand, or a list of them."""
        if argument is None:
            return None
        if isinstance(argument, np.ndarray):
            return self.add(block, argument, number)
        return [None if a is None else self.add(block, a, number) for a in argument]

    def add(self, block: Block, array: Array, number: int | None) -> SSAValue:
        """An operand, which lies in the memory of an array as the array does."""
        value = block.insert_arg(type_of(array), len(block.args))
        if number is not None and number in self._constant_numbers:
            source = WeightOp(f"w{number}", type_of(array))
            self.constants[source.result] = array
            strides = dense_strides(array.shape)
            self.tensors[source.result] = Tensor(TYPES[array.dtype], array.shape, strides)
            return source.result
        base = array.base if isinstance(array.base, np.ndarray) else array
        if not base.flags.c_contiguous:
            base = array = np.array(array, order="C")
        item = array.itemsize
        strides = tuple(stride // item for stride in array.strides)
        offset = (array.ctypes.data - base.ctypes.data) // item
        self.tensors[value] = Tensor(TYPES[array.dtype], array.shape, strides)
        self.places[value] = Place("argument", len(self.inputs), offset)
        self.inputs.append(base.reshape(-1))
        return value

    def add_result(self, value: SSAValue, like: Array, order: Sequence[int], gap: int) -> None:
        """Memory for a result."""
        memory = with_gaps(np.zeros(like.shape, like.dtype), order, gap)
        strides = tuple(stride // like.itemsize for stride in memory.strides)
        self.tensors[value] = Tensor(TYPES[like.dtype], like.shape, strides)
        self.places[value] = Place("argument", len(self.inputs) + len(self.outputs))
        assert memory.base is not None
        self.outputs.append(np.empty(memory.base.size, like.dtype))

    def read(self, op: SchemaOp, outputs: Sequence[Array]) -> list[Array]:
        """The results out of the memory of the outputs."""
        results: list[Array] = []
        for value, memory in zip(op.results, outputs, strict=True):
            tensor = self.tensors[value]
            strides = [stride * memory.itemsize for stride in tensor.strides]
            results.append(np.lib.stride_tricks.as_strided(memory, tensor.shape, strides))
        return results


def _flat_type(array: Array) -> TensorType[Attribute]:
    return TensorType(TYPES[array.dtype], (array.size,))


def run_compiled(
    program: kernel.ProgramOp,
    inputs: Sequence[Array],
    weights: Mapping[str, Array],
    target: Target,
) -> list[Array]:
    """Compile a program's kernels and run its launches one task after the other."""
    ops = list(program.body.block.ops)
    functions = [op for op in ops if isinstance(op, kernel.FuncOp)]
    code = object_code(emit_module(functions, target), target)
    # The engine takes the machine that it is given.
    own = machine.__wrapped__(target.triple, target.cpu, target.features)
    engine = llvm().create_mcjit_compiler(llvm().parse_assembly(""), own)
    engine.add_object_file(llvm().ObjectFileRef.from_data(code))
    engine.finalize_object()
    types = [cast("TensorType[Attribute]", result.type) for result in program.outputs]
    outputs = [np.zeros(type.get_shape(), numpy_dtype(type.element_type)) for type in types]
    arena = np.full(program.arena.value.data, 0xFF, np.uint8)
    scratch = np.full(program.scratch.value.data + 64, 0xFF, np.uint8)
    alive = [*map(np.ascontiguousarray, inputs), *outputs]
    addresses: dict[SSAValue, int] = {}
    for op in ops:
        match op:
            case kernel.ArgumentOp():
                addresses[op.result] = alive[op.index.value.data].ctypes.data
            case kernel.ArenaOp():
                addresses[op.result] = arena.ctypes.data + op.offset.value.data
            case kernel.StatusOp():
                alive.append(np.zeros(1, np.int32))
                addresses[op.result] = alive[-1].ctypes.data
            case kernel.ScratchOp():
                addresses[op.result] = -(-scratch.ctypes.data // 64) * 64
            case kernel.WeightOp():
                alive.append(np.ascontiguousarray(weights[op.key.data]))
                addresses[op.result] = alive[-1].ctypes.data
            case kernel.AdvanceOp():
                item = numpy_dtype(element_type(op.base.type)).itemsize
                assert not ints(op.strides)
                addresses[op.result] = addresses[op.base] + item * op.offset.value.data
            case kernel.LaunchOp():
                pointers = [ctypes.c_void_p(addresses[v]) for v in op.arguments]
                address = engine.get_function_address(op.kernel.root_reference.data)
                kinds = [*[ctypes.c_void_p] * len(pointers), ctypes.c_int64]
                function = ctypes.CFUNCTYPE(None, *kinds)(address)
                for task in range(op.tasks.value.data):
                    function(*pointers, task)
            case _:
                pass
    return outputs
