"""The text syntax of schema-made operations: it reads like the PyTorch call.

`aten.conv2d(%x, %w, %b, stride = [2, 2]) : (…) -> tensor<…>`: tensors stand by position until one
is left out, all else by name; what equals its default is left out; `none` is a hole in a list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from .expr import Expr
from .layout import ExprAttr, ExprsAttr
from .schema import Argument, Schema
from .schema_values import Value, accepts, default_of, from_attribute, is_dropped, to_attribute

_SCALAR = Argument("", "Scalar")

Operand = SSAValue | Sequence[SSAValue | None] | None
ParsedOperand = UnresolvedOperand | list[UnresolvedOperand | None] | None


def print_arguments(
    printer: Printer, schema: Schema, operands: dict[str, Operand], values: dict[str, Value]
) -> None:
    """Print `(arguments)`; `operands` holds the tensor arguments, `values` the constant ones."""
    positional = True
    items: list[Callable[[], None]] = []
    for argument in schema.arguments:
        if is_dropped(argument):
            continue
        if argument.is_tensor:
            operand = operands[argument.name]
            if operand is None:
                positional = False
                continue
            name = "" if positional and not argument.keyword_only else argument.name
            items.append(lambda n=name, o=operand: _print_operand(printer, n, o))
        else:
            positional = False
            value = values[argument.name]
            # An expression equals no default, whatever its value may be at run time.
            if _same(value, default_of(argument)):
                continue
            items.append(lambda n=argument.name, v=value: _print_value(printer, n, v))
    with printer.in_parens():
        printer.print_list(items, lambda item: item())


def _same(value: Value, default: Value) -> bool:
    return type(value) is type(default) and repr(value) == repr(default)


def _print_operand(printer: Printer, name: str, operand: Operand) -> None:
    if name:
        printer.print_string(f"{name} = ")
    if isinstance(operand, SSAValue):
        printer.print_operand(operand)
        return
    with printer.in_square_brackets():
        printer.print_list(
            operand or (),
            lambda item: (
                printer.print_string("none") if item is None else printer.print_operand(item)
            ),
        )


def _print_value(printer: Printer, name: str, value: Value) -> None:
    printer.print_string(f"{name} = ")
    print_number(printer, value)


def print_number(printer: Printer, value: Value) -> None:
    """Print a constant argument; numbers as `parse_number` reads them."""
    match value:
        case list() if any(isinstance(item, Expr) for item in value):
            exprs = tuple(Expr.of(cast("int | Expr", item)) for item in value)
            printer.print_attribute(ExprsAttr(exprs))
        case list():
            with printer.in_square_brackets():
                printer.print_list(value, lambda item: print_number(printer, item))
        case bool():
            printer.print_string("true" if value else "false")
        case float():
            printer.print_string(float_text(value))
        case str():
            printer.print_string_literal(value)
        case Expr():
            printer.print_attribute(ExprAttr(value))
        case complex():
            attribute = to_attribute(_SCALAR, value)
            assert attribute is not None
            printer.print_attribute(attribute)
        case Attribute():
            printer.print_attribute(value)
        case _:
            printer.print_string(str(value))


def float_text(value: float) -> str:
    """A float that parses back to the same float: `2.0`, `1.0e-05`, `inf`, `-inf`, `nan`."""
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text


def parse_arguments(
    parser: Parser, schema: Schema
) -> tuple[dict[str, ParsedOperand], dict[str, Value]]:
    """Parse `(arguments)`: the operands and the constants that were given, by name."""
    operands: dict[str, ParsedOperand] = {}
    values: dict[str, Value] = {}
    kept = [a for a in schema.arguments if not is_dropped(a)]
    by_name = {a.name: a for a in kept}
    positional = iter([a for a in kept if a.is_tensor and not a.keyword_only])

    def parse_one() -> None:
        name = parser.parse_optional_identifier()
        if name is None:
            argument = next(positional, None)
            if argument is None:
                parser.raise_error(f"{schema.key} takes no further operand")
        else:
            argument = by_name.get(name)
            if argument is None:
                parser.raise_error(f"{schema.key} has no argument {name!r}")
            parser.parse_punctuation("=")
        if argument.name in operands or argument.name in values:
            parser.raise_error(f"{schema.key}: argument {argument.name!r} is given twice")
        if argument.is_tensor:
            operands[argument.name] = _parse_operand(parser)
        else:
            values[argument.name] = _parse_constant(parser, argument)

    parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_one)
    for argument in kept:
        given = argument.name in operands or argument.name in values
        if not given and not argument.optional and not argument.has_default:
            parser.raise_error(f"{schema.key}: argument {argument.name!r} is missing")
    return operands, values


def _parse_operand(parser: Parser) -> ParsedOperand:
    operand = parser.parse_optional_unresolved_operand()
    if operand is not None:
        return operand
    return parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE,
        lambda: (
            None if parser.parse_optional_keyword("none") else parser.parse_unresolved_operand()
        ),
    )


def _parse_constant(parser: Parser, argument: Argument) -> Value:
    if not argument.is_list:
        return _parse_item(parser, argument)
    items = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: _parse_item(parser, argument)
    )
    if items is not None:
        return items
    attribute = parser.parse_attribute()
    if not isinstance(attribute, ExprsAttr):
        parser.raise_error(f"argument {argument.name!r}: expected a list")
    return list(attribute.data)


def _parse_item(parser: Parser, argument: Argument) -> Value:
    match argument.base:
        case "str":
            return parser.parse_str_literal()
        case "bool":
            return parser.parse_boolean()
        case "ScalarType":
            return parser.parse_type()
        case _:
            return parse_number(parser)


def parse_number(parser: Parser) -> Value:
    """Parse an integer, a float (`inf` and `nan` included), a boolean, `#edge.expr<…>`, or a
    complex number, which is an `#edge.constant`."""
    if (boolean := parser.parse_optional_boolean()) is not None:
        return boolean
    sign = -1 if parser.parse_optional_punctuation("-") else 1
    for keyword, value in (("inf", math.inf), ("nan", math.nan)):
        if parser.parse_optional_keyword(keyword):
            return sign * value
    number = parser.parse_optional_number(allow_boolean=False)
    if number is not None:
        return sign * number
    attribute = parser.parse_attribute()
    if not accepts(_SCALAR, attribute):
        parser.raise_error("expected a number")
    return from_attribute(attribute)


def flat_operands(operands: Iterable[Operand]) -> list[SSAValue]:
    """The operands in order, holes left out."""
    result: list[SSAValue] = []
    for operand in operands:
        if isinstance(operand, SSAValue):
            result.append(operand)
        else:
            result.extend(item for item in operand or () if item is not None)
    return result
