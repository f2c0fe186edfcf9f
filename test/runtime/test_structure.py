import collections
import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from torch.utils import _pytree as pytree

from edgeir.runtime.structure import LEAF, Structure, parse_structure


@dataclasses.dataclass
class Pair:
    first: Any
    second: Any = None


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024 - the untyped form is the plain one

pytree.register_dataclass(Pair, serialized_type_name="test_structure.Pair")
pytree._register_namedtuple(Point, serialized_type_name="test_structure.Point")


def spec_of(value: Any) -> str:
    return pytree.treespec_dumps(pytree.tree_structure(value))


@pytest.mark.parametrize(
    "value",
    [
        5,
        (),
        (1, [2, (3,)], []),
        {"a": 1, "b": {"c": 2}, "d": {}},
        {1: 2, 0: 3},
        [{"x": (1, 2)}, 3],
    ],
)
def test_json_rebuilds_builtin_containers(value: Any) -> None:
    structure = parse_structure(spec_of(value))
    assert structure is not None
    leaves = pytree.tree_leaves(value)
    assert structure.leaf_count == len(leaves)
    assert structure.rebuild(leaves) == value
    assert structure.flatten(value) == leaves


@pytest.mark.parametrize(
    ("value", "rebuilt"),
    [
        (Point(1, 2), (1, 2)),
        (Pair(1, [2]), {"first": 1, "second": [2]}),
        (Pair(1), {"first": 1, "second": None}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.defaultdict(list, a=1), {"a": 1}),
        (collections.deque([1, 2]), [1, 2]),
    ],
)
def test_other_nodes_become_builtin_containers(value: Any, rebuilt: Any) -> None:
    structure = parse_structure(spec_of(value))
    assert structure is not None
    assert structure.rebuild(pytree.tree_leaves(value)) == rebuilt


def test_dict_order_is_that_of_the_file() -> None:
    structure = parse_structure(spec_of({"b": 1, "a": 2}))
    assert structure is not None
    assert structure.flatten({"a": 2, "b": 1}) == [1, 2]
    assert list(structure.rebuild([1, 2])) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "leaves", "value"),
    [
        ("$", [1], 1),
        ("T2#1#0(T1#1($),D0())", [1], ((1,), {})),
        ("L2#1#1($,$)", [1, 2], [1, 2]),
        ("D2#1#2('a':$,'b':T2#1#1($,$))", [1, 2, 3], {"a": 1, "b": (2, 3)}),
        ("D2#1#1(0:$,1:$)", [1, 2], {0: 1, 1: 2}),
        ("N2#1#1($,$)", [1, 2], (1, 2)),
        ("C(a.b.Cache)1#1($)", [1], (1,)),
        ("T2#1#0($,)", [1], (1, None)),
    ],
)
def test_compact_form(text: str, leaves: list[int], value: Any) -> None:
    structure = parse_structure(text)
    assert structure is not None
    assert structure.leaf_count == len(leaves)
    assert structure.rebuild(leaves) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T2#1($,$)",
        "T1#1($",
        "T1#1($))",
        "X1#1($)",
        "D1#1($)",
        "T1#1(" * 5000,
        "[",
        "[2, {}]",
        "[1]",
        "[1, 5]",
        '[1, {"type": "builtins.tuple"}]',
        '[1, {"type": 5, "context": null, "children_spec": [5]}]',
        "[" * 100_000,
        '[1, {"type": "a", "context": "null", "children_spec": [' * 5000,
    ],
)
def test_damaged_text_is_no_structure(text: str) -> None:
    assert parse_structure(text) is None


def test_a_name_in_the_text_imports_nothing() -> None:
    structure = parse_structure(
        '[1, {"type": "antigravity.Node", "context": "nonsense", "children_spec": '
        '[{"type": null, "context": null, "children_spec": []}]}]'
    )
    assert structure == Structure("tuple", (LEAF,))


def test_fields_come_from_any_object_that_has_them() -> None:
    structure = parse_structure(spec_of(Pair(1, 2)))
    assert structure is not None
    assert structure.flatten(SimpleNamespace(second=2, first=1)) == [1, 2]
    assert structure.flatten({"first": 1, "second": 2}) == [1, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, {"a": 2}, 3), "args must be .* 2 items, not 3"),
        ((1, [2]), r"args\[1\] must be {'a': \*}, not list"),
        ((1, {"b": 2}), r"args\[1\] must have the keys \['a'\], not \['b'\]"),
    ],
)
def test_wrong_structure_names_the_place(value: Any, message: str) -> None:
    structure = parse_structure(spec_of((1, {"a": 2})))
    assert structure is not None
    with pytest.raises(ValueError, match=message):
        structure.flatten(value, "args")
