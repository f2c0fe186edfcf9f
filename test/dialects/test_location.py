import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects import test as test_dialect
from xdsl.dialects.builtin import UNKNOWN_LOC, FusedLoc, LocationAttr

from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import Diagnostic
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.location import Place, fuse_locations, is_known, make_location, place_of

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=10)
LOCATIONS = st.builds(make_location, NAMES, NAMES, st.integers(0, 10**6))


def located(location: LocationAttr) -> test_dialect.TestOp:
    op = test_dialect.TestOp()
    op.location = location
    return op


def reparse(location: LocationAttr) -> LocationAttr:
    op = EdgeParser(edge_context(), f'"test.op"() : () -> () {location}').parse_operation()
    return op.location


@given(LOCATIONS)
def test_text_parses_back(location: LocationAttr):
    assert reparse(location) == location


@given(st.lists(LOCATIONS, max_size=4))
def test_fused_text_parses_back(locations: list[LocationAttr]):
    fused = fuse_locations(map(located, locations))
    assert reparse(fused) == fused


@given(NAMES, NAMES, st.integers(0, 10**6))
def test_place_is_what_was_given(module: str, file: str, line: int):
    file_line = f"{file}:{line}" if file else ""
    assert place_of(make_location(module, file, line)) == Place(module, file_line)


@given(st.lists(LOCATIONS, max_size=4))
def test_fusing_keeps_each_place_once(locations: list[LocationAttr]):
    fused = fuse_locations(map(located, locations))
    distinct = [x for x in dict.fromkeys(locations) if is_known(x)]
    if len(distinct) > 1:
        assert isinstance(fused, FusedLoc)
        assert list(fused.locations) == distinct
    else:
        assert fused == (distinct[0] if distinct else UNKNOWN_LOC)
    again = fuse_locations([located(fused), *map(located, locations)])
    assert again == fused, "a fusion of fusions is flat"


@pytest.mark.parametrize(
    ("diagnostic", "text"),
    [
        (
            Diagnostic("aten.conv2d", Place("features.0", "m.py:12"), "no kernel", "try x"),
            "m.py:12: error: in features.0 (aten.conv2d): no kernel; try x",
        ),
        (Diagnostic("aten.conv2d", Place(), "no kernel"), "error: in aten.conv2d: no kernel"),
        (Diagnostic("", Place(), "no model"), "error: no model"),
        (
            Diagnostic("a.b", Place("", "m.py:1"), "slow", severity="warning"),
            "m.py:1: warning: in a.b: slow",
        ),
    ],
)
def test_diagnostic_text(diagnostic: Diagnostic, text: str):
    assert str(diagnostic) == text


def test_diagnostic_at_an_operation():
    op = located(make_location("fc", "m.py", 3))
    assert str(Diagnostic.at(op, "is wrong")) == "m.py:3: error: in fc (test.op): is wrong"
