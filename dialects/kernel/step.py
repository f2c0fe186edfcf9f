"""A planned region: edge operations grouped into steps, and where each step's results lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ArrayAttr, TensorType
from xdsl.ir import Attribute, Data, Operation, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_result_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import Pure, RecursiveMemoryEffect, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

from .structure import YieldOp


@dataclass(frozen=True)
class Placement:
    """Memory of a tensor.

    In the `arena` (then `number` is in bytes), or in the memory of an `argument` of the region
    (inputs count from 0, outputs go on); the first element is `offset` elements from there, and for
    each dim `strides` has the distance of neighbours in elements. `halo` elements before and after
    each dim's data are memory of the tensor too, and zero.

    A tensor of images in a `ring` has room for `number` of its rows (dim 2), row y at y modulo
    that, while the step that makes it and the one that reads it run together; it lies in the memory
    of a thread.
    """

    base: str
    number: int
    offset: int
    strides: tuple[int, ...]
    halo: tuple[tuple[int, int], ...] = ()


BASES = ("arena", "argument", "ring")


@irdl_attr_definition
class PlaceAttr(Data[Placement]):
    """Where a tensor lies: `#kernel.place<arena 4096 + 0 strides [448, 8, 1] halo [0 0, 1 1]>`."""

    name = "kernel.place"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Placement:
        """Parse what `print_parameter` writes."""

        def pair() -> tuple[int, int]:
            return parser.parse_integer(), parser.parse_integer()

        square = parser.Delimiter.SQUARE
        with parser.in_angle_brackets():
            base = parser.parse_identifier()
            if base not in BASES:
                parser.raise_error(f"a place is in one of {', '.join(BASES)}")
            number = parser.parse_integer()
            parser.parse_punctuation("+")
            offset = parser.parse_integer()
            parser.parse_keyword("strides")
            strides = parser.parse_comma_separated_list(square, parser.parse_integer)
            halo: list[tuple[int, int]] = []
            if parser.parse_optional_keyword("halo"):
                halo = parser.parse_comma_separated_list(square, pair)
        return Placement(base, number, offset, tuple(strides), tuple(halo))

    def print_parameter(self, printer: Printer) -> None:
        """Print `<arena 4096 + 0 strides […]>`."""
        place = self.data
        with printer.in_angle_brackets():
            printer.print_string(
                f"{place.base} {place.number} + {place.offset} strides {list(place.strides)}"
            )
            if place.halo:
                pairs = ", ".join(f"{before} {after}" for before, after in place.halo)
                printer.print_string(f" halo [{pairs}]")


@irdl_op_definition
class StepOp(IRDLOperation):
    """Edge operations that run as one: the first may be anything, the others are elementwise.

    `places` says where each result lies. The body reads values from outside.

    ```mlir
    %1 = kernel.step at [#kernel.place<arena 0 + 0 strides [4096, 1, 512, 64]>]
        : tensor<1x64x8x8xf32> {
      %2 = edge.convolution(%x, %w, %b, …)
      %3 = edge.relu(%2)
      kernel.yield %3 : tensor<1x64x8x8xf32>
    }
    ```
    """

    name = "kernel.step"

    places = opt_prop_def(ArrayAttr[PlaceAttr])
    outputs = var_result_def(AnyAttr())
    body = region_def("single_block")

    assembly_format = "(`at` $places^)? attr-dict `:` type($outputs) $body"
    traits = traits_def(RecursiveMemoryEffect(), SingleBlockImplicitTerminator(YieldOp))

    def __init__(
        self,
        result_types: Sequence[Attribute],
        body: Region,
        places: ArrayAttr[PlaceAttr] | None = None,
    ) -> None:
        super().__init__(result_types=[result_types], regions=[body], properties={"places": places})

    def verify_(self) -> None:
        """The body yields the results, and every result has a place if one has."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp)
        if [v.type for v in last.values] != [v.type for v in self.outputs]:
            raise VerifyException("kernel.step: what is yielded differs from the results")
        if self.places is not None and len(self.places) != len(self.outputs):
            raise VerifyException("kernel.step: as many places as results")
        for output, place in zip(self.outputs, self.places or (), strict=False):
            _check_place(self, output.type, place)


@irdl_op_definition
class CopyOp(IRDLOperation):
    """The same tensor somewhere else: in another dim order, with a halo, in an output's memory.

    `%1 = kernel.copy %0 at #kernel.place<argument 1 + 0 strides [64, 1]> : tensor<8x64xf32>`
    """

    name = "kernel.copy"

    T: ClassVar = VarConstraint("T", AnyAttr())

    source = operand_def(T)
    place = prop_def(PlaceAttr)
    result = result_def(T)

    assembly_format = "$source `at` qualified($place) attr-dict `:` type($result)"
    traits = traits_def(Pure())

    def __init__(self, source: SSAValue, place: PlaceAttr) -> None:
        super().__init__(operands=[source], properties={"place": place}, result_types=[source.type])

    def verify_(self) -> None:
        """The place is one of a tensor of this rank."""
        _check_place(self, self.result.type, self.place)


def _check_place(op: Operation, type: Attribute, place: PlaceAttr) -> None:
    if not isinstance(type, TensorType) or not type.has_static_shape():
        raise VerifyException(f"{op.name}: {type} is not a tensor of known sizes")
    rank = len(type.get_shape())
    if len(place.data.strides) != rank:
        raise VerifyException(f"{op.name}: the place needs {rank} strides, one for each dim")
    if place.data.halo and len(place.data.halo) != rank:
        raise VerifyException(f"{op.name}: the halo needs {rank} pairs, one for each dim")
