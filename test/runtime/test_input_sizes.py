"""Sizes of inputs: each dimension against its own bounds, and inputs against each other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.export import Dim
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.expr import Expr, floordiv, maximum, minimum, mod
from edgeir.dialects.layout import ExprsAttr
from edgeir.lowering.emit_program import emit_program
from edgeir.lowering.read_program import program_module
from edgeir.lowering.size_entry import with_sizes, without_sizes
from edgeir.runtime.input_sizes import parse_input_sizes
from edgeir.runtime.program import read_program

BATCH = Dim("batch", min=3, max=16)
LENGTH = Dim("length", min=2, max=32)
HALF = Dim("half", min=1, max=8)


class Pair(nn.Module):
    """Two inputs that share sizes."""

    def forward(self, x, others):
        y = others["y"]
        return x @ y.transpose(0, 1), torch.cat([x, y])


class Pairs(nn.Module):
    """An even dimension, and one less than another."""

    def forward(self, x, y):
        return x.view(-1, 2, 4).sum(1), y + x[1:]


@pytest.fixture(scope="module")
def pair() -> edgeir.Module:
    shapes = {"x": {0: BATCH, 1: LENGTH}, "others": {"y": {0: 2 * BATCH, 1: LENGTH}}}
    inputs = (torch.ones(4, 6), {"y": torch.ones(8, 6)})
    return edgeir.load(edgeir.compile(Pair(), inputs, dynamic_shapes=shapes).buffer)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((2, 6), (4, 6), r"input 'x': dimension 0 is 2; it must be from 3 to 16"),
        ((4, 1), (8, 1), r"input 'x': dimension 1 is 1; it must be from 2 to 32"),
        ((4, 6), (7, 6), r"dimension 0 is 7; it must be 8, because of dimension 0 of input 'x'"),
        ((4, 6), (8, 5), r"dimension 1 is 5; it must be 6, as dimension 1 of input 'x' is"),
        ((17, 6), (34, 6), r"input 'x' .*dimension 0 is larger than what"),
    ],
)
def test_messages_name_input_and_dimension(pair: edgeir.Module, x, y, message):
    with pytest.raises(edgeir.InputError, match=message) as caught:
        pair(np.ones(x, np.float32), {"y": np.ones(y, np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("batch", "length"), [(3, 2), (16, 32), (5, 7)])
def test_every_size_in_range_is_taken(pair: edgeir.Module, batch, length):
    x, y = torch.ones(batch, length), torch.ones(2 * batch, length)
    first, second = pair(x, {"y": y})
    assert first.shape == (batch, 2 * batch) and second.shape == (3 * batch, length)


def test_divisibility_and_offsets():
    shapes = ({0: 2 * HALF}, {0: 2 * HALF - 1})
    inputs = (torch.ones(8, 4), torch.ones(7, 4))
    module = edgeir.load(edgeir.compile(Pairs(), inputs, dynamic_shapes=shapes).buffer)
    # One pair is fine with PyTorch too, although it takes sizes to be at least 2 while it captures.
    for count in (2, 16):
        out, _ = module(torch.ones(count, 4), torch.ones(count - 1, 4))
        assert out.shape == (count // 2, 4)
    with pytest.raises(edgeir.InputError, match=r"dimension 0 is 7; it must be a multiple of 2, "):
        module(torch.ones(7, 4), torch.ones(6, 4))
    with pytest.raises(edgeir.InputError, match=r"input 'y': dimension 0 is 5; it must be 7, "):
        module(torch.ones(8, 4), torch.ones(5, 4))


def test_the_text_of_a_program_keeps_them():
    shapes = ({0: 2 * HALF}, {0: 2 * HALF - 1})
    program = edgeir.compile(Pairs(), (torch.ones(8, 4), torch.ones(7, 4)), dynamic_shapes=shapes)
    text = program.stages["memory"]
    assert "sizes = [#edge.exprs<[2 * s0, 4]>, #edge.exprs<[2 * s0 - 1, 4]>]" in text
    assert "edgeir.sizes" not in text
    ctx = edge_context()
    module = program_module(read_program(program.buffer), ctx.weights)
    assert emit_program(module, ctx.weights) == program.buffer
    parsed = EdgeParser(ctx, str(module), "<test>").parse_module()
    assert emit_program(parsed, ctx.weights, locations=False)


SYMBOLS = st.sampled_from(["s0", "s1"])
EXPRS = st.recursive(
    st.integers(-5, 5).map(Expr.of) | SYMBOLS.map(Expr.of),
    lambda inner: st.tuples(
        st.sampled_from(
            [Expr.__add__, Expr.__mul__, Expr.__sub__, floordiv, mod, minimum, maximum]
        ),
        inner,
        inner,
    ).map(lambda parts: parts[0](*parts[1:])),
    max_leaves=6,
)


@given(st.lists(EXPRS, min_size=1, max_size=3), st.integers(2, 9), st.integers(2, 9))
def test_expressions_survive_the_program(dims, first, second):
    values = {"s0": first, "s1": second}
    text = with_sizes("", DictionaryAttr({}), ArrayAttr([ExprsAttr(tuple(dims))]))
    found = parse_input_sizes(text, 1)
    assert found is not None
    try:
        wanted = [dim.evaluate(values) for dim in dims]
    except ZeroDivisionError:
        return
    assert found.shape(0, values) == wanted
    structure, _, sizes = without_sizes(text, 1)
    assert structure == ""
    assert sizes is not None
    (entry,) = sizes
    assert isinstance(entry, ExprsAttr)
    assert [dim.evaluate(values) for dim in entry.data] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T1#1($)",
        "[1, {}]",
        '[1, {"edgeir.sizes": {"symbols": {"s0": []}, "inputs": [["s0"]]}}]',
        '[1, {"edgeir.sizes": {"symbols": {}, "inputs": [["s0", ["//", 1]]]}}]',
        '[1, {"edgeir.sizes": {"symbols": {}, "inputs": [[["s0", 0, 0]]]}}]',
        '[1, {"edgeir.sizes": {"symbols": {}, "inputs": [3]}}]',
        '[1, {"edgeir.sizes": {"symbols": {}, "inputs": [null, null]}}]',
        '[1, {"edgeir.sizes": {"symbols": {}, "inputs": [' + "[" * 5000 + "]}}]",
    ],
)
def test_damaged_entries_are_no_entries(text: str):
    assert parse_input_sizes(text, 1) is None
