import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError

from edgeir.dialects.context import edge_context
from edgeir.dialects.edge_parser import EdgeParser

TEXT = """\
!alias = tensor<2xf32>
%0 = "test.op"() : () -> tensor<2x3xf32> loc("a"("m.py":1:0))
%1 = "test.op"(%0) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("a"("m.py":1:0))
%2 = "test.op"() : () -> tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3], order = [1, 0]>>
%3 = "test.op"() : () -> tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3], order = [1, 0]>>
%4 = "test.op"() : () -> tensor<1xcomplex<f32>> loc("m.py":1:0)
%5 = "test.op"() : () -> tensor<1xcomplex<f32>> loc("m.py":1:0)
%6 = "test.op"() : () -> !alias loc("a (b) \\22c\\22")
%7 = "test.op"() : () -> !alias loc(fused["a"("m.py":1:0), "b"])
%8 = "test.op"() : () -> tensor<*xf32> loc(unknown)
%9 = "test.op"() {t = tensor<2x3xf32>, d = dense<1> : tensor<2xi32>} : () -> ()
"""


def test_same_module_as_that_of_xdsl():
    ours = EdgeParser(edge_context(), TEXT.replace("%9 = ", "")).parse_module()
    theirs = Parser(edge_context(), TEXT.replace("%9 = ", "")).parse_module()
    assert ours.is_structurally_equivalent(theirs)
    for left, right in zip(ours.walk(), theirs.walk(), strict=True):
        assert left.location == right.location


@pytest.mark.parametrize("text", ["é", "模型.py", "\x80", 'a"b\\c', "\n\t\0"])
def test_strings_of_any_language(text: str):
    module = EdgeParser(edge_context(), '"test.op"() {a = ""} : () -> ()').parse_module()
    (op,) = module.ops
    op.attributes["a"] = type(op.attributes["a"])(text)
    again = EdgeParser(edge_context(), str(module)).parse_module()
    assert again.is_structurally_equivalent(module)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('"test.op"() : () -> tensor<2xf32', "f:1:33"),
        ('"test.op"() : () -> tensor<2xf99>', "f:1:"),
        ('\n"test.op"() : () -> () loc("a"', "f:2:"),
        ("", "f:1:1"),
    ],
)
def test_errors_have_their_place(text: str, place: str):
    with pytest.raises(ParseError) as error:
        EdgeParser(edge_context(), text, "f").parse_module()
    assert str(error.value).startswith(place)
