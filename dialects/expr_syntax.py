"""The text syntax of symbolic integer expressions inside attributes."""

from xdsl.parser import AttrParser

from .expr import Expr, floordiv, maximum, minimum, mod


def parse_expr(parser: AttrParser) -> Expr:
    """Parse `term (('+' | '-') term)*`."""
    result = _parse_term(parser)
    while True:
        if parser.parse_optional_punctuation("+"):
            result = result + _parse_term(parser)
        elif parser.parse_optional_punctuation("-"):
            result = result - _parse_term(parser)
        else:
            return result


def _parse_term(parser: AttrParser) -> Expr:
    result = _parse_factor(parser)
    while True:
        if parser.parse_optional_punctuation("*"):
            result = result * _parse_factor(parser)
        elif parser.parse_optional_keyword("floordiv"):
            result = floordiv(result, _parse_divisor(parser))
        elif parser.parse_optional_keyword("mod"):
            result = mod(result, _parse_divisor(parser))
        else:
            return result


def _parse_divisor(parser: AttrParser) -> Expr:
    position = parser.pos
    divisor = _parse_factor(parser)
    if divisor.constant == 0:
        parser.raise_error("nothing can be divided by 0", position)
    return divisor


def _parse_factor(parser: AttrParser) -> Expr:
    if parser.parse_optional_punctuation("("):
        result = parse_expr(parser)
        parser.parse_punctuation(")")
        return result
    if parser.parse_optional_punctuation("-"):
        return _parse_factor(parser) * -1
    for keyword, function in (("min", minimum), ("max", maximum)):
        if parser.parse_optional_keyword(keyword):
            parser.parse_punctuation("(")
            left = parse_expr(parser)
            parser.parse_punctuation(",")
            right = parse_expr(parser)
            parser.parse_punctuation(")")
            return function(left, right)
    number = parser.parse_optional_integer(allow_boolean=False, allow_negative=True)
    if number is None:
        return Expr.of(parser.parse_identifier(": a symbol or a number"))
    return Expr.of(number)
