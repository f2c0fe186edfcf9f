"""From what the user wrote to the edge dialect: nothing stays implicit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ..dialects.aten.control_flow import OPERATIONS as ATEN
from ..dialects.aten.numbers import NumberOp
from ..dialects.aten.promotion import compute_type
from ..dialects.custom_operator import CustomSchemaOp, custom_operation
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.edge.control_flow import OPERATIONS as EDGE
from ..dialects.expr import Expr
from ..dialects.function import functions
from ..dialects.schema import NOT_PROMOTED
from ..dialects.schema_op import SchemaOp
from ..passes.shape_rules.rule import same_shape, shape_of
from .aten_normal_forms import NORMAL_FORMS
from .edge_builder import EdgeBuilder, tensor

SCALAR_FORMS: dict[str, str] = {
    f"aten::{name}.{tensor_form}": f"aten::{name}.{scalar_form}"
    for tensor_form, scalar_form, names in (
        ("Tensor", "Scalar", "add sub mul div fmod remainder eq ne lt le gt ge"),
        ("Tensor", "Scalar", "bitwise_and bitwise_or bitwise_xor"),
        ("Tensor_mode", "Scalar_mode", "div"),
        ("Tensor_Tensor", "Tensor_Scalar", "pow"),
    )
    for name in names.split()
}
"""Operators of two tensors, and what takes a number as the second."""

_SECOND = {
    form: "exponent" if ".Tensor_Scalar" in form else "other" for form in SCALAR_FORMS.values()
}

CONTROL_FLOW: dict[str, type[Operation]] = {
    op.name: counterpart for op, counterpart in zip(ATEN, EDGE, strict=True)
}
"""Branches, loops and yields of the aten dialect, with those of the edge dialect."""


class ConvertAtenToEdgePass(ModulePass):
    """Convert the aten dialect to the edge dialect.

    Type promotion becomes casts, Python numbers become scalar operators or constants, aliases and
    synonyms become one normal form (views are `edge.view`, `edge.permute` and `edge.slice.Tensor`,
    all convolutions are `edge.convolution`). Composites and custom operators are kept whole.

    Before:
    ```mlir
    %0 = aten.number 0.5 : tensor<f64>
    %1 = aten.mul.Tensor(%i, %0) : (tensor<2x3xi64>, tensor<f64>) -> tensor<2x3xf32>
    %2 = aten.t(%1) : (tensor<2x3xf32>) -> tensor<3x2xf32>
    ```
    After:
    ```mlir
    %0 = edge._to_copy(%i, dtype = f32) : (tensor<2x3xi64>) -> tensor<2x3xf32>
    %1 = edge.mul.Scalar(%0, other = 0.5) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %2 = edge.permute(%1, dims = [1, 0]) : (tensor<2x3xf32>) -> tensor<3x2xf32>
    ```
    """

    name = "convert-aten-to-edge"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert every function of the module."""
        problems: list[Diagnostic] = []
        for function in functions(op):
            for inner in list(function.walk()):
                if (found := CONTROL_FLOW.get(inner.name)) is not None:
                    _convert_control_flow(inner, found)
                elif isinstance(inner, SchemaOp) and inner.dialect_name() == "aten":
                    try:
                        _convert(inner)
                    except DiagnosticsError as error:
                        problems.extend(error.diagnostics)
            for inner in reversed(list(function.walk())):
                if isinstance(inner, NumberOp) and not inner.result.uses:
                    Rewriter.erase_op(inner)
        if problems:
            raise DiagnosticsError(problems)


def _convert_control_flow(op: Operation, counterpart: type[Operation]) -> None:
    """The same operation of the edge dialect; its regions are converted after it."""
    regions = [op.detach_region(region) for region in list(op.regions)]
    made = counterpart.create(
        operands=op.operands,
        result_types=op.result_types,
        properties=op.properties,
        attributes=op.attributes,
        regions=regions,
    )
    made.location = op.location
    for old, new in zip(op.results, made.results, strict=True):
        new.name_hint = old.name_hint
    Rewriter.replace_op(op, made)


def _convert(op: SchemaOp) -> None:
    builder = EdgeBuilder(op)
    arguments = _explicit_arguments(op, builder)
    key = op.SCHEMA.key
    results: Sequence[SSAValue]
    if (number := _number_operand(op)) is not None:
        key = SCALAR_FORMS[key]
        arguments[_SECOND[key]] = number
    normal_form = NORMAL_FORMS.get(key)
    if isinstance(op, CustomSchemaOp):
        custom = custom_operation("edge", op.SCHEMA.text)
        results = builder.insert(custom(**arguments, result_types=op.result_types)).results
    elif normal_form is not None:
        results = normal_form(op, arguments, builder)
    else:
        results = builder.results(key, types=op.result_types, **arguments)
    for old, new in zip(op.results, results, strict=True):
        if old.uses and not _same_type(old, new):
            message = f"has a result of {old.type}, but gives {new.type}"
            raise DiagnosticsError([Diagnostic.at(op, message, "write that, or cast it")])
        if old.name_hint and not new.name_hint:
            new.name_hint = old.name_hint
    Rewriter.replace_op(op, [], results)


def _same_type(a: SSAValue, b: SSAValue) -> bool:
    """Whether types are the same; sizes that are not known may be written in several ways."""
    if a.type == b.type:
        return True
    if not isinstance(a.type, TensorType) or not isinstance(b.type, TensorType):
        return False
    return tensor(a).element_type == tensor(b).element_type and same_shape(shape_of(a), shape_of(b))


def _explicit_arguments(op: SchemaOp, builder: EdgeBuilder) -> dict[str, Any]:
    """The arguments of an operation, tensors cast to the dtype in which it computes."""
    element = compute_type(op)

    def explicit(name: str, value: SSAValue) -> SSAValue:
        if isinstance(value.owner, NumberOp):
            number = value.owner.number
            if isinstance(number, Expr):
                return builder.size_tensor(number, element or tensor(value).element_type)
            assert isinstance(number, int | float | complex)
            return builder.number(number, element or tensor(value).element_type)
        return value if element is None or name in NOT_PROMOTED else builder.cast(value, element)

    arguments: dict[str, Any] = {}
    for name, value in op.arguments().items():
        if isinstance(value, SSAValue):
            if name in _SECOND.values() and _number_operand(op) is not None:
                continue
            arguments[name] = explicit(name, value)
        elif isinstance(value, list) and any(isinstance(v, SSAValue) for v in value):
            arguments[name] = [v if v is None else explicit(name, v) for v in value]
        else:
            arguments[name] = value
    return arguments


def _number_operand(op: SchemaOp) -> Any:
    """The number that an operator of two tensors has for its second, if it has a scalar form."""
    if op.SCHEMA.key not in SCALAR_FORMS:
        return None
    owner = op.operands[1].owner
    number = owner.number if isinstance(owner, NumberOp) else None
    return None if isinstance(number, Expr) else number
