"""The layout of a tensor and symbolic integers, as attributes.

`tensor<?x4x8x8xf32, #edge.layout<dims = [2 * s0, 4, 8, 8], order = [0, 2, 3, 1]>>` has a first size
that is known at run time and a channels-last dim order; either part is left out where it is the
default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, NoneAttr, TensorType
from xdsl.ir import Attribute, Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .expr import Bound, Expr
from .expr_syntax import parse_expr


@irdl_attr_definition
class ExprAttr(Data[Expr]):
    """A symbolic integer: `#edge.expr<2 * s0 + 1>`."""

    name = "edge.expr"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Expr:
        """Parse `<expr>`."""
        with parser.in_angle_brackets():
            return parse_expr(parser)

    def print_parameter(self, printer: Printer) -> None:
        """Print `<expr>`."""
        with printer.in_angle_brackets():
            printer.print_string(str(self.data))


@irdl_attr_definition
class ExprsAttr(Data[tuple[Expr, ...]]):
    """A list of symbolic integers: `#edge.exprs<[2 * s0, 4]>`."""

    name = "edge.exprs"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Expr, ...]:
        """Parse `<[expr, …]>`."""
        with parser.in_angle_brackets():
            return _parse_exprs(parser)

    def print_parameter(self, printer: Printer) -> None:
        """Print `<[expr, …]>`."""
        with printer.in_angle_brackets():
            printer.print_string(_list_text(self.data))


@dataclass(frozen=True)
class Layout:
    """`dims`: the sizes, None where all are static; `order`: dims from outermost to innermost,
    None where it is the identity."""

    dims: tuple[Expr, ...] | None = None
    order: tuple[int, ...] | None = None


@irdl_attr_definition
class LayoutAttr(Data[Layout]):
    """The encoding of a tensor type: symbolic sizes and dim order."""

    name = "edge.layout"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Layout:
        """Parse `<dims = […], order = […]>`."""
        dims = order = None
        with parser.in_angle_brackets():
            if parser.parse_optional_keyword("dims"):
                parser.parse_punctuation("=")
                dims = _parse_exprs(parser)
                if parser.parse_optional_punctuation(","):
                    parser.parse_keyword("order")
                    order = _parse_order(parser)
            elif parser.parse_optional_keyword("order"):
                order = _parse_order(parser)
            else:
                parser.raise_error("a layout has dims = […], order = […] or both")
        return Layout(dims, order)

    def print_parameter(self, printer: Printer) -> None:
        """Print `<dims = […], order = […]>`."""
        parts: list[str] = []
        if self.data.dims is not None:
            parts.append(f"dims = {_list_text(self.data.dims)}")
        if self.data.order is not None:
            parts.append(f"order = {_list_text(self.data.order)}")
        with printer.in_angle_brackets():
            printer.print_string(", ".join(parts))

    def verify(self) -> None:
        """Refuse an empty layout, an order that is no permutation, and parts of unequal length."""
        dims, order = self.data.dims, self.data.order
        if dims is None and order is None:
            raise VerifyException("#edge.layout: empty; leave the encoding out instead")
        if order is not None and sorted(order) != list(range(len(order))):
            raise VerifyException(
                f"#edge.layout: order {list(order)} is not a permutation of 0..{len(order) - 1}"
            )
        if dims is not None and order is not None and len(dims) != len(order):
            raise VerifyException(
                f"#edge.layout: {len(dims)} dims but an order of {len(order)} dims"
            )


def tensor_type(
    element: Attribute, dims: Sequence[int | Expr], order: Sequence[int] | None = None
) -> TensorType[Attribute]:
    """The tensor type with these sizes and dim order, its encoding in canonical form."""
    exprs = tuple(Expr.of(d) for d in dims)
    sizes = [DYNAMIC_INDEX if (c := e.constant) is None else c for e in exprs]
    layout = Layout(
        exprs if DYNAMIC_INDEX in sizes else None,
        tuple(order) if order is not None and list(order) != sorted(order) else None,
    )
    encoding = NoneAttr() if layout == Layout() else LayoutAttr(layout)
    return TensorType(element, sizes, encoding)


def layout_of(type: TensorType[Attribute]) -> Layout:
    """The layout of a tensor type, the default one where it has no encoding."""
    return type.encoding.data if isinstance(type.encoding, LayoutAttr) else Layout()


def dims_of(type: TensorType[Attribute]) -> tuple[Expr, ...]:
    """The sizes of a tensor type as expressions.

    A dynamic size without a layout becomes the symbol `?`, which has no value.
    """
    dims = layout_of(type).dims
    if dims is not None:
        return dims
    return tuple(Expr.of("?" if d == DYNAMIC_INDEX else d) for d in type.get_shape())


def order_of(type: TensorType[Attribute]) -> tuple[int, ...]:
    """The dim order of a tensor type, outermost first."""
    order = layout_of(type).order
    return order if order is not None else tuple(range(type.get_num_dims()))


def upper_bounds(
    type: TensorType[Attribute], ranges: Mapping[str, tuple[Bound, Bound]]
) -> list[Bound]:
    """The largest value of each size, `inf` where it has no bound."""
    return [dim.interval(ranges)[1] for dim in dims_of(type)]


def named_symbols(attribute: Attribute) -> Iterator[str]:
    """The symbols in an argument that is a symbolic integer, or has some."""
    match attribute:
        case ExprAttr():
            yield from attribute.data.symbols()
        case ExprsAttr():
            for expr in attribute.data:
                yield from expr.symbols()
        case ArrayAttr():
            for item in attribute:
                yield from named_symbols(item)
        case _:
            return


def verify_tensor_layout(type: TensorType[Attribute]) -> None:
    """Raise VerifyException where a tensor's encoding does not fit its shape."""
    if isinstance(type.encoding, NoneAttr):
        return
    if not isinstance(type.encoding, LayoutAttr):
        raise VerifyException(f"the encoding {type.encoding} is not a #edge.layout")
    rank, layout = type.get_num_dims(), type.encoding.data
    for part in (layout.dims, layout.order):
        if part is not None and len(part) != rank:
            raise VerifyException(f"{type.encoding} has {len(part)} dims, its tensor {rank}")
    for size, dim in zip(type.get_shape(), layout.dims or (), strict=False):
        expected = DYNAMIC_INDEX if dim.constant is None else dim.constant
        if size != expected:
            raise VerifyException(f"{type.encoding}: dim {dim} does not fit the shape of {type}")


def _parse_exprs(parser: AttrParser) -> tuple[Expr, ...]:
    return tuple(
        parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_expr(parser))
    )


def _parse_order(parser: AttrParser) -> tuple[int, ...]:
    parser.parse_punctuation("=")
    return tuple(
        parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
        )
    )


def _list_text(items: Sequence[object]) -> str:
    return f"[{', '.join(map(str, items))}]"
