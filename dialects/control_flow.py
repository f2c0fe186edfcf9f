"""Branches and loops, operations with regions: the same in the aten and the edge dialect, but for
their names, which `operations_of` gives them.

A region is one block that ends in a yield, and may use all values that stand before its operation.
What a loop changes comes in as arguments of the block. A value that is yielded has the type of what
it becomes; sizes may differ where the latter has a symbol, which is then bound to what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar, cast

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsTerminator, Pure, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from .expr import Expr
from .layout import dims_of, order_of, tensor_type

Tensor = TensorType[Attribute]
OpT = TypeVar("OpT", bound=IRDLOperation)


class YieldOp(IRDLOperation):
    """Ends a region and gives its values: `edge.yield %0 : tensor<4xf32>`."""

    values = var_operand_def(AnyAttr())

    assembly_format = "attr-dict ($values^ `:` type($values))?"
    traits = traits_def(IsTerminator(), Pure())

    def __init__(self, *values: SSAValue) -> None:
        super().__init__(operands=[values])


class ControlFlowOp(IRDLOperation):
    """Base of branches and loops; the yield of the same dialect ends their regions."""

    outputs = var_result_def(AnyAttr())

    traits = traits_def(RecursiveMemoryEffect())

    def _verify_region(
        self, name: str, region: Region, arguments: Sequence[Attribute]
    ) -> list[Attribute]:
        """Check what a region takes and how it ends; the types of what it yields."""
        block = region.block
        given = [argument.type for argument in block.args]
        if len(given) != len(arguments) or not all(map(becomes, arguments, given)):
            raise VerifyException(
                f"{self.name}: the {name} takes ({_text(given)}), expected ({_text(arguments)})"
            )
        last = block.last_op
        end = f"{self.dialect_name()}.yield"
        if last is None or last.name != end:
            raise VerifyException(f"{self.name}: the {name} does not end in {end}")
        return [value.type for value in last.operands]

    def _verify_yield(
        self, name: str, given: Sequence[Attribute], expected: Sequence[Attribute]
    ) -> None:
        """Check what a region yields."""
        if len(given) != len(expected) or not all(map(becomes, given, expected)):
            raise VerifyException(
                f"{self.name}: the {name} yields ({_text(given)}), expected ({_text(expected)})"
            )


class CondOp(ControlFlowOp):
    """`torch.cond`: the values of one region or of the other.

    The predicate is an `i1`, or a tensor of one bool.

    ```mlir
    %1 = edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
      %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
      edge.yield %0 : tensor<4xf32>
    } else {
      edge.yield %x : tensor<4xf32>
    }
    ```
    """

    predicate = operand_def(AnyAttr())
    then = region_def("single_block")
    otherwise = region_def("single_block")

    assembly_format = (
        "`(` $predicate `)` attr-dict `:` functional-type($predicate, $outputs)"
        " $then `else` $otherwise"
    )

    def __init__(
        self,
        predicate: SSAValue,
        result_types: Sequence[Attribute],
        then: Region,
        otherwise: Region,
    ) -> None:
        super().__init__(
            operands=[predicate], result_types=[result_types], regions=[then, otherwise]
        )

    def verify_(self) -> None:
        """Both regions yield the results."""
        if not is_predicate(self.predicate.type):
            raise VerifyException(
                f"{self.name}: the predicate is a {self.predicate.type}, not i1 or tensor<i1>"
            )
        for name, region in (("then region", self.then), ("else region", self.otherwise)):
            self._verify_yield(name, self._verify_region(name, region, ()), self.result_types)


class WhileLoopOp(ControlFlowOp):
    """`torch.while_loop`: the second region again and again, as long as the first one yields true.

    Both take the carried values, tensors or `i64`; the second one yields the next ones.

    ```mlir
    %n, %y = edge.while_loop(%i, %x) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
    ^bb0(%a: i64, %b: tensor<4xf32>):
      edge.symbol "s0" = %a : i64
      %p = edge.compare lt #edge.expr<s0>, #edge.expr<5>
      edge.yield %p : i1
    } do {
    ^bb0(%a: i64, %b: tensor<4xf32>):
      …
    }
    ```
    """

    init = var_operand_def(AnyAttr())
    condition = region_def("single_block")
    body = region_def("single_block")

    assembly_format = (
        "`(` $init `)` attr-dict `:` functional-type($init, $outputs) $condition `do` $body"
    )

    def __init__(
        self,
        init: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        condition: Region,
        body: Region,
    ) -> None:
        super().__init__(operands=[init], result_types=[result_types], regions=[condition, body])

    def verify_(self) -> None:
        """Init values, arguments, what the body yields and the results agree."""
        init = [value.type for value in self.init]
        tested = self._verify_region("condition", self.condition, init)
        if len(tested) != 1 or not is_predicate(tested[0]):
            raise VerifyException(
                f"{self.name}: the condition yields ({_text(tested)}), not one i1 or tensor<i1>"
            )
        yielded = self._verify_region("body", self.body, init)
        self._verify_yield("body", yielded, [a.type for a in self.body.block.args])
        self._verify_yield("body", yielded, self.result_types)


class MapOp(ControlFlowOp):
    """`map`: the region on each slice of the first dim of the operands; its results are stacked.

    ```mlir
    %1 = edge.map(%xs) : (tensor<3x4xf32>) -> tensor<3x4xf32> {
    ^bb0(%x: tensor<4xf32>):
      %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
      edge.yield %0 : tensor<4xf32>
    }
    ```
    """

    xs = var_operand_def(TensorType)
    body = region_def("single_block")

    assembly_format = "`(` $xs `)` attr-dict `:` functional-type($xs, $outputs) $body"

    def __init__(
        self, xs: Sequence[SSAValue], result_types: Sequence[Attribute], body: Region
    ) -> None:
        super().__init__(operands=[xs], result_types=[result_types], regions=[body])

    def verify_(self) -> None:
        """Arguments are slices of the operands, results are stacks of what is yielded."""
        count = _count(self, self.xs)
        yielded = self._verify_region("body", self.body, [slice_type(x.type) for x in self.xs])
        self._verify_yield("body", [_stack(self, t, count) for t in yielded], self.result_types)


class ScanOp(ControlFlowOp):
    """`scan`: the region on each slice of the first dim of `xs`, with values that it carries on.

    It takes the carried values and the slices, and yields the next carried values and what is
    stacked. The results are the last carried values and the stacks.

    ```mlir
    %c, %ys = edge.scan init(%c0 : tensor<4xf32>) over(%xs : tensor<3x4xf32>)
      -> (tensor<4xf32>, tensor<3x4xf32>) {
    ^bb0(%c: tensor<4xf32>, %x: tensor<4xf32>):
      %0 = edge.add.Tensor(%c, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      edge.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
    }
    ```
    """

    init = var_operand_def(AnyAttr())
    xs = var_operand_def(TensorType)
    body = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "`init` `(` ($init^ `:` type($init))? `)` `over` `(` $xs `:` type($xs) `)` attr-dict"
        " `->` `(` type($outputs) `)` $body"
    )

    def __init__(
        self,
        init: Sequence[SSAValue],
        xs: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        body: Region,
    ) -> None:
        super().__init__(operands=[init, xs], result_types=[result_types], regions=[body])

    def verify_(self) -> None:
        """Carried values agree, arguments are slices, results are stacks of what is yielded."""
        count = _count(self, self.xs)
        carried = [value.type for value in self.init]
        slices = [slice_type(x.type) for x in self.xs]
        yielded = self._verify_region("body", self.body, [*carried, *slices])
        next_ones, rows = yielded[: len(carried)], yielded[len(carried) :]
        given = [*next_ones, *(_stack(self, row, count) for row in rows)]
        arguments = [argument.type for argument in self.body.block.args]
        self._verify_yield("body", next_ones, arguments[: len(carried)])
        self._verify_yield("body", given, self.result_types)


Operations: TypeAlias = tuple[
    type[CondOp], type[MapOp], type[ScanOp], type[WhileLoopOp], type[YieldOp]
]


def operations_of(dialect: str, module: str) -> Operations:
    """The branches and loops of a dialect, as if defined in `module`, and what ends their regions.

    `edge.cond`, `edge.map`, `edge.scan`, `edge.while_loop`, `edge.yield`.
    """

    def named(base: type[OpT], name: str) -> type[OpT]:
        about = {"name": f"{dialect}.{name}", "__doc__": base.__doc__, "__module__": module}
        return irdl_op_definition(cast("type[OpT]", type(base.__name__, (base,), about)))

    return (
        named(CondOp, "cond"),
        named(MapOp, "map"),
        named(ScanOp, "scan"),
        named(WhileLoopOp, "while_loop"),
        named(YieldOp, "yield"),
    )


def is_predicate(type: Attribute) -> bool:
    """Whether a value of a type can decide a branch: `i1`, or a tensor of one bool."""
    if not isinstance(type, TensorType):
        return type == i1
    tensor = cast(Tensor, type)
    return tensor.element_type == i1 and all(size == 1 for size in tensor.get_shape())


def becomes(given: Attribute, target: Attribute) -> bool:
    """Whether a value of a type can become one of another: sizes differ only where the latter has
    symbols.
    """
    if given == target:
        return True
    if not isinstance(given, TensorType) or not isinstance(target, TensorType):
        return False
    given, target = cast(Tensor, given), cast(Tensor, target)
    return (
        given.element_type == target.element_type
        and order_of(given) == order_of(target)
        and all(
            a == b or b.constant is None
            for a, b in zip(dims_of(given), dims_of(target), strict=True)
        )
    )


def slice_type(type: Attribute) -> Tensor:
    """The type of a slice of the first dim of a tensor."""
    whole = cast(Tensor, type)
    return tensor_type(whole.element_type, dims_of(whole)[1:])


def steps_of(op: MapOp | ScanOp) -> Expr:
    """How often the region of a map or of a scan runs."""
    return dims_of(cast(Tensor, op.xs[0].type))[0]


def _count(op: ControlFlowOp, xs: Sequence[SSAValue]) -> Expr:
    """The size of the first dim that all operands have."""
    counts = [dims_of(cast(Tensor, x.type))[:1] for x in xs]
    if not counts or not all(counts):
        raise VerifyException(f"{op.name}: needs tensors with a first dim to take slices of")
    sizes = dict.fromkeys(count[0] for count in counts)
    constants = {size.constant for size in sizes} - {None}
    if len(constants) > 1:
        text = ", ".join(map(str, sizes))
        raise VerifyException(f"{op.name}: the first dims differ: {text}")
    return next(iter(sizes))


def _stack(op: ControlFlowOp, type: Attribute, count: Expr) -> Attribute:
    """The type of `count` tensors of a type, stacked."""
    if not isinstance(type, TensorType):
        raise VerifyException(f"{op.name}: stacks tensors, not {type}")
    row = cast(Tensor, type)
    return tensor_type(row.element_type, [count, *dims_of(row)])


def _text(types: Sequence[Attribute]) -> str:
    return ", ".join(map(str, types))
