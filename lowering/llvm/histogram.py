"""Counting elements in bins: `torch.histc`."""

from __future__ import annotations

from math import prod
from typing import cast

from xdsl.dialects.builtin import f32

from ...dialects import edge, kernel
from ...dialects.schema_op import SchemaOp
from .body import number
from .family import any_strides, no_halo, row_major
from .kernel_builder import KernelBuilder
from .program_builder import ProgramBuilder
from .scalars import Scalars
from .step import Step, element_type

OPERATIONS: tuple[type[SchemaOp], ...] = (edge.HistcOp,)
FUSES = False

input_order = any_strides
halo = no_halo
output_order = row_major


def supports(op: SchemaOp) -> str | None:
    """f32, with a range that is known."""
    if element_type(op.operands[0]) != f32:
        return f"a histogram of {element_type(op.operands[0])}"
    low, high = _range(op)
    return None if low < high else "the range of its bins is that of the elements"


def _range(op: SchemaOp) -> tuple[float, float]:
    low, high = (float(cast("int | float", op.value_of(name))) for name in ("min", "max"))
    return low, high


def lower(step: Step, program: ProgramBuilder) -> None:
    """One task, which goes through the elements one by one."""
    source, output = step.tensor(step.op.operands[0]), step.output
    low, high = _range(step.op)
    (bins,) = output.shape

    def build(k: KernelBuilder) -> None:
        x, y = k.arguments
        s = Scalars(k)
        k.insert(kernel.MapOp([], [y], (bins,), [], [output.strides], number(0.0)))
        with k.loop(prod(source.shape)) as index:
            coordinates = k.split(index, source.shape or (1,))
            at = k.at(x, list(zip(coordinates, source.strides, strict=False)))
            value = k.insert(kernel.LoadOp(at)).result
            inside = s.both(s.compare("ge", value, low), s.compare("le", value, high))
            place = s.divide(s.multiply(s.subtract(value, low), float(bins)), high - low)
            # The last bin has the upper end too.
            place = s.minimum(s.select(inside, place, 0.0), bins - 1.0)
            own = k.at(y, [(s.index(place), output.strides[0])])
            count = k.insert(kernel.LoadOp(own)).result
            one_more = s.add(count, s.cast(inside, f32))
            k.insert(kernel.StoreOp(one_more, own))

    pointers = [program.pointer(value) for value in (step.op.operands[0], step.results[0])]
    program.launch("histogram", (source, output, low, high), pointers, 1, build)
