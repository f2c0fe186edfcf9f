"""From a planned region to a `kernel.program`, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import cast

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from ...dialects import delegate, edge, kernel
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.edge.ops import ConstantOp, WeightOp
from ...dialects.layout import order_of
from ...dialects.schema_op import SchemaOp
from ...dialects.weights import WeightsStore
from ...passes.evaluate.arrays import known_array
from ...passes.evaluate.operation import evaluate_operation
from ...runtime.arrays import Array
from .band_kernel import lower_band
from .copying import copy_tensor, fill_tensor
from .plan import ARENA
from .program_builder import Place, ProgramBuilder
from .roots import anchor_of, is_constant
from .step import Step, Tensor, dense_tensor, tensor_type
from .target import Target
from .views import view_of


def program_of(region: delegate.RegionOp) -> kernel.ProgramOp | None:
    """The program that a region was lowered to, if it was."""
    ops = region.body.block.ops
    return next((op for op in ops if isinstance(op, kernel.ProgramOp)), None)


def lower_region(region: delegate.RegionOp, target: Target, weights: WeightsStore) -> None:
    """Replace the steps of a planned region by a `kernel.program`.

    Raises DiagnosticsError for operations that the plan has left without a place, as text may have
    them.
    """
    block = region.body.block
    lowering = _Lowering(region, target, weights)
    for op in block.ops:
        lowering.lower(op)
    last = block.last_op
    assert isinstance(last, delegate.YieldOp)
    arena = cast("IntegerAttr", region.attributes.pop(ARENA)).value.data
    types = [value.type for value in last.values]
    program = lowering.builder.finish(block.args, types, arena)
    program.location = region.location
    block.insert_op_before(program, last)
    for index, output in enumerate(program.outputs):
        last.operands[index] = output
    for op in reversed(list(block.ops)):
        if op is not program and op is not last:
            Rewriter.erase_op(op)


@dataclass
class _Lowering:
    region: delegate.RegionOp
    target: Target
    weights: WeightsStore
    tensors: dict[SSAValue, Tensor] = field(default_factory=dict[SSAValue, Tensor])
    places: dict[SSAValue, Place] = field(default_factory=dict[SSAValue, Place])
    constants: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])
    keys: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    """The constants that are stored already, just as they are."""
    band: list[Step] = field(default_factory=list[Step])
    """Steps that run together with the next one."""

    def __post_init__(self) -> None:
        self.builder = ProgramBuilder(
            self.target, self.weights, self.places, self.constants, self.keys
        )
        for index, argument in enumerate(self.region.body.block.args):
            order = order_of(tensor_type(argument))
            self.tensors[argument] = dense_tensor(argument.type, order)
            self.places[argument] = Place("argument", index)
        for op in self.region.body.block.ops:
            if isinstance(op, edge.CatOp):
                # Its operands are written before it.
                self._place(op.result, _place_of(op))

    def lower(self, op: Operation) -> None:
        """Write what an operation needs into the program."""
        match op:
            case WeightOp() | ConstantOp():
                array = known_array(op.result, self.weights)
                assert array is not None
                self._add_constant(op.result, array)
                if isinstance(op, WeightOp) and array.flags.c_contiguous:
                    self.keys[op.result] = op.key.data
            case kernel.StepOp():
                self._lower_step(op)
            case kernel.CopyOp():
                self._place(op.result, op.place.data)
                self._clear_halo(op.result, op.place.data)
                self._copy(op.source, op.result)
            case edge.CatOp():
                self._lower_cat(op)
            case delegate.YieldOp():
                pass
            case _:
                self._see(op)

    def _add_constant(self, value: SSAValue, array: Array) -> None:
        self.constants[value] = array
        self.tensors[value] = dense_tensor(value.type)

    def _see(self, op: Operation) -> None:
        """A view: other strides of the same memory, or of the same constant."""
        source, result = op.operands[0], op.results[0]
        if is_constant(source):
            assert isinstance(op, SchemaOp)
            self._add_constant(result, evaluate_operation(op, self.constants, {})[0])
            return
        view = view_of(op, self.tensors[source])
        if view is None:
            raise _unplanned(op)
        self.tensors[result], offset = view
        place = self.places[source]
        self.places[result] = Place(place.base, place.number, place.offset + offset)

    def _place(self, value: SSAValue, place: kernel.Placement) -> None:
        dense = dense_tensor(value.type)
        self.tensors[value] = Tensor(dense.element, dense.shape, place.strides)
        self.places[value] = Place(place.base, place.number, place.offset)

    def _lower_step(self, op: kernel.StepOp) -> None:
        anchor, family = anchor_of(op)
        fused = [o for o in op.body.block.ops if o is not anchor and isinstance(o, SchemaOp)]
        if op.places is None:
            raise _unplanned(op)
        step = Step(anchor, tuple(fused), self.tensors, self.constants)
        for outer, inner, place in zip(op.outputs, step.results, op.places, strict=True):
            for value in (outer, inner):
                self._place(value, place.data)
            self._clear_halo(outer, place.data)
        self.band.append(step)
        if self.places[op.outputs[0]].base == "ring":
            return
        if len(self.band) > 1:
            lower_band(self.band, self.builder)
        else:
            family.lower(step, self.builder)
        self.band = []

    def _clear_halo(self, value: SSAValue, place: kernel.Placement) -> None:
        """Write the zeros around a tensor."""
        tensor = self.tensors[value]
        for dim, (before, after) in enumerate(place.halo):
            for size, begin in ((before, -before), (after, tensor.shape[dim])):
                if size:
                    self._clear_side(tensor, place, dim, size, begin)

    def _clear_side(
        self, tensor: Tensor, place: kernel.Placement, dim: int, size: int, begin: int
    ) -> None:
        """Zeros on one side of a dim; earlier dims over their halos too, so that corners are once
        zero."""
        shape, offset = list(tensor.shape), place.offset + begin * tensor.strides[dim]
        shape[dim] = size
        for other in range(dim):
            before, after = place.halo[other]
            shape[other] += before + after
            offset -= before * tensor.strides[other]
        side = Tensor(tensor.element, tuple(shape), tensor.strides)
        at = self.builder.address(Place(place.base, place.number, offset), tensor.element)
        fill_tensor(self.builder, at, side, 0.0)

    def _copy(self, source: SSAValue, target: SSAValue) -> None:
        copy_tensor(
            self.builder,
            self.builder.pointer(source),
            self.tensors[source],
            self.builder.pointer(target),
            self.tensors[target],
        )

    def _lower_cat(self, op: edge.CatOp) -> None:
        """Clear the halo, and copy those operands that nothing wrote in place."""
        whole, place = self.tensors[op.result], _place_of(op)
        dim = cast(int, op.value_of("dim")) % len(whole.shape)
        self._clear_halo(op.result, place)
        begin = 0
        for operand in op.operands:
            piece = self.tensors[operand]
            offset = place.offset + begin * whole.strides[dim]
            begin += piece.shape[dim]
            wanted = Place(place.base, place.number, offset)
            in_place = self.places.get(operand) == wanted and piece.strides == whole.strides
            if in_place or prod(piece.shape) == 0:
                continue
            copy_tensor(
                self.builder,
                self.builder.pointer(operand),
                piece,
                self.builder.address(wanted, piece.element),
                Tensor(piece.element, piece.shape, whole.strides),
            )


def _place_of(op: edge.CatOp) -> kernel.Placement:
    """Where the plan has put a concatenation, which has no property for it."""
    place = op.attributes.get("kernel.place")
    if not isinstance(place, kernel.PlaceAttr):
        raise _unplanned(op)
    return place.data


def _unplanned(op: Operation) -> DiagnosticsError:
    message = f"it has no place; leave {ARENA} away from the region, then llvm-plan plans it anew"
    return DiagnosticsError([Diagnostic.at(op, message)])
