import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import DYNAMIC_INDEX, NoneAttr, TensorType, f32
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from edgeir.dialects.context import edge_context
from edgeir.dialects.expr import Expr
from edgeir.dialects.layout import (
    ExprsAttr,
    Layout,
    LayoutAttr,
    dims_of,
    order_of,
    tensor_type,
    upper_bounds,
    verify_tensor_layout,
)

DIMS = st.integers(0, 9) | st.sampled_from([Expr.of("s0"), Expr.of("s1") * 2 + 1])


@st.composite
def shapes(draw: st.DrawFn) -> tuple[list[int | Expr], list[int] | None]:
    dims = draw(st.lists(DIMS, max_size=5))
    return dims, draw(st.none() | st.permutations(range(len(dims))))


@given(shapes())
def test_type_parses_back(shape: tuple[list[int | Expr], list[int] | None]):
    type = tensor_type(f32, *shape)
    assert Parser(edge_context(), str(type)).parse_type() == type
    verify_tensor_layout(type)


@given(shapes())
def test_type_keeps_dims_and_order(shape: tuple[list[int | Expr], list[int] | None]):
    dims, order = shape
    type = tensor_type(f32, dims, order)
    assert list(dims_of(type)) == [Expr.of(dim) for dim in dims]
    assert list(order_of(type)) == (list(range(len(dims))) if order is None else list(order))


@given(st.lists(st.integers(0, 9), max_size=5))
def test_defaults_have_no_encoding(dims: list[int]):
    assert tensor_type(f32, dims, range(len(dims))).encoding == NoneAttr()


@given(st.lists(DIMS, max_size=5))
def test_sizes_parse_back(dims: list[int | Expr]):
    attribute = ExprsAttr(tuple(Expr.of(dim) for dim in dims))
    assert Parser(edge_context(), str(attribute)).parse_attribute() == attribute


def test_upper_bounds():
    type = tensor_type(f32, [Expr.of("s0") * 2 - 1, 4, Expr.of("s1")])
    assert upper_bounds(type, {"s0": (2, 64)}) == [127, 4, float("inf")]


def test_size_without_a_name():
    assert [str(dim) for dim in dims_of(TensorType(f32, [DYNAMIC_INDEX, 3]))] == ["?", "3"]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(), "empty"),
        (Layout(order=(0, 0)), "not a permutation"),
        (Layout(order=(1, 2)), "not a permutation"),
        (Layout(dims=(Expr.of(1),), order=(0, 1)), "1 dims but an order of 2"),
    ],
)
def test_malformed_layouts(layout: Layout, message: str):
    with pytest.raises(VerifyException, match=message):
        LayoutAttr(layout)
