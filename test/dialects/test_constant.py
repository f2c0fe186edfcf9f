import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import ComplexType, TensorType, bf16, f16, f32, f64, i1, i8, i32, i64
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from edgeir.dialects.constant import ConstantAttr, element_bytes
from edgeir.dialects.context import edge_context

ELEMENTS = [i1, i8, i32, i64, f16, bf16, f32, f64, ComplexType(f32)]


def reparse(attribute: ConstantAttr) -> Attribute:
    return Parser(edge_context(), str(attribute)).parse_attribute()


@st.composite
def constants(draw: st.DrawFn) -> ConstantAttr:
    element = draw(st.sampled_from(ELEMENTS))
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    type = TensorType(element, shape)
    count = 1
    for size in shape:
        count *= size
    size = count * element_bytes(element)
    return ConstantAttr.of(type, draw(st.binary(min_size=size, max_size=size)))


@given(constants())
def test_all_bits_parse_back(attribute: ConstantAttr):
    assert reparse(attribute) == attribute


@given(st.floats(width=32, allow_nan=True), st.integers(1, 100))
def test_equal_elements_are_written_once(value: float, count: int):
    attribute = ConstantAttr.of(TensorType(f32, [count]), struct.pack("<f", value))
    assert attribute.data.data == struct.pack("<f", value) * count
    assert len(str(attribute)) < 70
    assert reparse(attribute) == attribute


@pytest.mark.parametrize("pattern", [0x7FC00001, 0xFF800000, 0x80000000, 0x4CB9EB20, 0x00000001])
def test_bit_patterns_that_decimal_text_loses(pattern: int):
    data = struct.pack("<I", pattern) + bytes(4)
    attribute = ConstantAttr.of(TensorType(f32, [2]), data)
    parsed = reparse(attribute)
    assert isinstance(parsed, ConstantAttr)
    assert parsed.data.data == data


@pytest.mark.parametrize("length", [0, 3, 5, 12])
def test_bytes_must_fit_the_type(length: int):
    with pytest.raises(VerifyException, match=f"{length} bytes; tensor<2xf32> has 8"):
        ConstantAttr.of(TensorType(f32, [2]), bytes(length))
