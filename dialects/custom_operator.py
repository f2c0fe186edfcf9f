"""Operators that are not in the table: `aten.custom` and `edge.custom`.

Such an operation carries its schema as text, and everything else follows from that as it does for
the operators of the table: `custom_operation` makes one class for each schema. What the registered
operation does is find that class when a text is read.

    %0 = aten.custom "ns::f(Tensor x, float k=1.) -> Tensor"(%x, k = 2.0) : (…) -> …
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, cast

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    opt_prop_def,
    prop_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .schema import OpEntry, Schema, SchemaError, parse_schema
from .schema_op import SchemaOp, operation_class
from .schema_values import Value, is_dropped

SCHEMA_PROPERTY = "schema"

_VALUES = frozenset({"int", "SymInt", "float", "bool", "Scalar", "str", "ScalarType"})
_LISTS = frozenset({"int", "SymInt", "float", "bool"})
"""What constants and lists of constants an argument may be; the program format has no others."""


def out_variant(schema: Schema) -> str:
    """What a program calls an operator's kernel: `ns::f.out`, `ns::f.overload_out`."""
    overload = f"{schema.overload}_out" if schema.overload else "out"
    return f"{schema.namespace}::{schema.name}.{overload}"


def schema_problem(schema: Schema) -> str | None:
    """Why an operator with this schema cannot be a custom operator; None if it can."""
    for argument in schema.arguments:
        type = argument.base + ("[]" if argument.is_list else "")
        if argument.writes:
            return f"writes its argument {argument.name}"
        if argument.name == "result_types" or not argument.name.isidentifier():
            return f"has an argument called {argument.name!r}"
        if is_dropped(argument) or argument.is_tensor:
            continue
        if argument.base not in (_LISTS if argument.is_list else _VALUES) or argument.item_optional:
            return f"takes the {type} {argument.name}, which no program can pass"
    if not schema.results:
        return "returns nothing"
    for result in schema.results:
        if result.alias is not None:
            return "returns a view of its argument"
        if not result.is_tensor or result.optional or result.item_optional:
            return "returns something else than tensors"
        if result.is_list and len(schema.results) > 1:
            return "returns a list of tensors beside other results"
    return None


@cache
def _entry(text: str) -> OpEntry:
    """The table line that a schema would have; raises SchemaError if it can have none."""
    schema = parse_schema(text)
    if problem := schema_problem(schema):
        raise SchemaError(f"{schema.key} {problem}")
    return OpEntry(schema, out_variant(schema))


class CustomSchemaOp(SchemaOp):
    """Base of the classes of custom operators; the property `schema` holds the schema's text."""

    def __init__(
        self,
        /,
        *args: SSAValue | Sequence[SSAValue | None] | Value,
        result_types: Sequence[Attribute],
        **kwargs: SSAValue | Sequence[SSAValue | None] | Value,
    ) -> None:
        super().__init__(*args, result_types=result_types, **kwargs)
        self.properties[SCHEMA_PROPERTY] = StringAttr(self.SCHEMA.text)

    def print(self, printer: Printer) -> None:
        """Print the schema, then the arguments as any operator does."""
        printer.print_string(" ")
        printer.print_string_literal(self.SCHEMA.text)
        super().print(printer)


class CustomOp(IRDLOperation):
    """Base of `aten.custom` and `edge.custom` as their dialects register them.

    A text that is read gives an operation of the class that `custom_operation` makes for its
    schema. One of this class itself is left only where the schema is no schema; it does not verify.
    """

    OF: ClassVar[str]

    schema = opt_prop_def(AnyAttr())
    arguments = var_operand_def(AnyAttr())
    outputs = var_result_def(AnyAttr())

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> Any:
        """An operation of the class of its schema."""
        properties = cast("dict[str, Attribute] | None", kwargs.get("properties"))
        schema = (properties or {}).get(SCHEMA_PROPERTY)
        if isinstance(schema, StringAttr):
            try:
                made = custom_operation(cls.dialect_name(), schema.data)
            except SchemaError:
                pass
            else:
                return made.create(*args, **kwargs)
        return super().create(*args, **kwargs)

    @classmethod
    def parse(cls, parser: Parser) -> Operation:
        """Parse the schema, then the arguments that it lists."""
        position = parser.pos
        text = parser.parse_str_literal("the schema of a custom operator")
        try:
            made = custom_operation(cls.dialect_name(), text)
        except SchemaError as error:
            parser.raise_error(f"{cls.name}: {error}", position)
        return made.parse(parser)

    def verify_(self) -> None:
        """Say what is wrong with the schema."""
        if not isinstance(self.schema, StringAttr):
            raise VerifyException(f"{self.name}: has no schema")
        try:
            _entry(self.schema.data)
        except SchemaError as error:
            raise VerifyException(f"{self.name}: {error}") from None


@cache
def custom_operation(dialect: str, text: str) -> type[CustomSchemaOp]:
    """The operation class of a custom operator in a dialect, by its schema.

    Raises SchemaError for a text that is no schema, and for operators that no program can call.
    """
    fields = {SCHEMA_PROPERTY: prop_def(StringAttr)}
    made = operation_class(
        _entry(text), f"{dialect}.custom", __name__, base=CustomSchemaOp, fields=fields
    )
    return cast("type[CustomSchemaOp]", made)
