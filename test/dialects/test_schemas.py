"""The aten table against the installed PyTorch, and the parser of schemas and tables."""

import functools
from pathlib import Path

import pytest
import torch

from edgeir import dialects
from edgeir.dialects.schema import (
    Argument,
    OpEntry,
    SchemaError,
    parse_entry,
    parse_schema,
    read_table,
)

TABLE = read_table(Path(dialects.__file__).parent / "aten" / "schemas.txt")

TENSOR_OPTIONS = {"dtype", "layout", "device", "pin_memory"}


def overload(op_name: str) -> torch._ops.OpOverload:
    name, _, overload_name = op_name.partition(".")
    return getattr(getattr(torch.ops.aten, name), overload_name or "default")


def every_aten_overload() -> list[torch._ops.OpOverload]:
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        # Names without a Python overload are TorchScript's own.
        packet, _, overload_name = name.removeprefix("aten::").partition(".")
        if name.startswith("aten::") and hasattr(torch.ops.aten, packet):
            op = getattr(getattr(torch.ops.aten, packet), overload_name or "default", None)
            found += [op] if op is not None else []
    return found


def entries(condition=lambda entry: True):
    return [pytest.param(e, id=e.schema.op_name) for e in TABLE.values() if condition(e)]


def test_table_has_every_functional_core_overload():
    core = {
        op.name().removesuffix(".default")
        for op in every_aten_overload()
        if torch.Tag.core in op.tags and not op._schema.is_mutable
    }
    assert len(core) > 180
    assert {name for name in core - TABLE.keys() if not name.startswith("aten::sym_")} == set()


def test_class_names_are_unique():
    assert len({entry.schema.class_name for entry in TABLE.values()}) == len(TABLE)


def test_out_names_are_unique():
    assert len({entry.out for entry in TABLE.values()}) == len(TABLE)


@pytest.mark.parametrize("entry", entries())
def test_schema_is_that_of_pytorch(entry: OpEntry):
    schema = overload(entry.schema.op_name)._schema
    assert entry.schema.text == str(schema)
    assert [a.name for a in entry.schema.arguments] == [a.name for a in schema.arguments]
    assert [a.name for a in entry.schema.results] == [r.name for r in schema.returns]
    for ours, theirs in zip(entry.schema.arguments, schema.arguments, strict=True):
        assert ours.keyword_only == theirs.kwarg_only
        assert ours.has_default == theirs.has_default_value()
        if ours.default == "contiguous_format":
            continue
        value = theirs.default_value
        assert ours.default == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("entry", entries(lambda e: not e.own and e.out.partition(".")[2]))
def test_out_variant_takes_the_same_arguments(entry: OpEntry):
    schema = overload(entry.out.removeprefix("aten::"))._schema
    arguments = [(a.name, str(a.type)) for a in schema.arguments if not a.is_out]
    op_arguments = overload(entry.schema.op_name)._schema.arguments
    names = {a.name for a in entry.schema.out_arguments}
    assert arguments == [(a.name, str(a.type)) for a in op_arguments if a.name in names]
    assert {a.name for a in entry.schema.arguments} - names <= TENSOR_OPTIONS
    outs = [a for a in schema.arguments if a.is_out]
    assert len(outs) == len(entry.schema.results)
    assert [str(a.type) for a in outs] == [
        "List[Tensor]" if r.is_list else "Tensor" for r in entry.schema.results
    ]


@pytest.mark.parametrize("entry", entries(lambda e: e.own))
def test_own_names_stand_for_missing_out_variants(entry: OpEntry):
    name, _, overload_name = entry.schema.op_name.partition(".")
    suffix = f"{overload_name}_out" if overload_name else "out"
    assert entry.out == f"aten::{name}.{suffix}"
    assert not hasattr(getattr(torch.ops.aten, name), suffix)


@pytest.mark.parametrize("entry", entries(lambda e: e.composite))
def test_composites_have_a_decomposition(entry: OpEntry):
    assert overload(entry.schema.op_name) in torch.export.default_decompositions()


INTEGERS_ONLY = {
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "__lshift__",
    "__rshift__",
    "gcd",
    "lcm",
}
FLOATS_ONLY = {"hypot", "igamma", "igammac", "nextafter"}


def operands_of(entry: OpEntry, dtypes: list[torch.dtype], number: float) -> dict[str, object]:
    """Arguments to call the operator with: tensors of the given dtypes in turn, or the number."""
    left = iter(dtypes)
    operands: dict[str, object] = {}
    for argument in entry.schema.arguments:
        if argument.name == "condition":
            operands[argument.name] = torch.tensor([True, False])
        elif argument.name == "rounding_mode":
            operands[argument.name] = "floor"
        elif argument.is_tensor and argument.is_list:
            operands[argument.name] = [torch.ones(2, dtype=dtype) for dtype in dtypes]
        elif argument.is_tensor:
            operands[argument.name] = torch.ones(2, dtype=next(left, dtypes[-1]))
        elif argument in entry.promoted:
            operands[argument.name] = number
    return operands


def promoted_dtype(operands: list[object]) -> torch.dtype:
    tensors = [o for o in operands if isinstance(o, torch.Tensor)]
    dtype = functools.reduce(torch.promote_types, [tensor.dtype for tensor in tensors])
    for number in operands:
        if not isinstance(number, torch.Tensor):
            dtype = torch.result_type(torch.ones(2, dtype=dtype), number)
    return dtype


PROBES = [
    ([torch.float32, torch.int64], 3),
    ([torch.int64, torch.float32], 3),
    ([torch.float16, torch.float32], 3),
    ([torch.int32, torch.int64], 3),
    ([torch.int64, torch.int64], 3),
    ([torch.int32, torch.int32], 0.5),
    ([torch.float16, torch.float16], 0.5),
]


@pytest.mark.parametrize(("dtypes", "number"), PROBES)
@pytest.mark.parametrize("entry", entries(lambda e: e.promotion))
def test_promotion_is_that_of_eager(entry: OpEntry, dtypes: list[torch.dtype], number: float):
    op = overload(entry.schema.op_name)
    operands = operands_of(entry, dtypes, number)
    promoted = [operands[argument.name] for argument in entry.promoted]
    dtype = promoted_dtype(promoted[0] if isinstance(promoted[0], list) else promoted)
    refused = INTEGERS_ONLY if dtype.is_floating_point else FLOATS_ONLY
    if entry.schema.name in refused:
        with pytest.raises((RuntimeError, NotImplementedError)):
            op(**operands)
        return
    if entry.schema.name.startswith("special_") and dtype == torch.float16:
        return  # Some of these have no half precision in eager.
    if entry.promotion == "compare":
        dtype = torch.bool
    elif entry.promotion == "float" and not dtype.is_floating_point:
        dtype = torch.float32
    assert op(**operands).dtype == dtype


def test_operators_without_promotion_keep_to_their_first_operand():
    """What is not marked and takes two tensors refuses to mix dtypes, or ignores the others'."""
    floats, doubles = torch.ones(2, 2), torch.ones(2, 2, dtype=torch.float64)
    for name in ("mm", "matmul"):
        assert TABLE[f"aten::{name}"].promotion is None
        with pytest.raises(RuntimeError, match="dtype"):
            overload(name)(floats, doubles)
    assert TABLE["aten::copy"].promotion is None
    assert overload("copy")(floats, doubles).dtype == torch.float32


def test_arguments_are_read():
    schema = parse_schema(
        "my_ops::f.over(Tensor(a!) x, Tensor?[] ys, SymInt[2] size=[0, 1], int[2] pad=0, *, "
        'str mode="a, b", Scalar? s=None, float p=2., Tensor(b -> *)[] z) '
        "-> (Tensor(a!), Tensor[] r)"
    )
    assert (schema.key, schema.op_name, schema.class_name) == (
        "my_ops::f.over",
        "f.over",
        "FOverOp",
    )
    assert schema.arguments == (
        Argument("x", "Tensor", alias="a", writes=True),
        Argument("ys", "Tensor", is_list=True, item_optional=True),
        Argument("size", "SymInt", is_list=True, list_size=2, has_default=True, default=(0, 1)),
        Argument("pad", "int", is_list=True, list_size=2, has_default=True, default=(0, 0)),
        Argument("mode", "str", has_default=True, default="a, b", keyword_only=True),
        Argument("s", "Scalar", optional=True, has_default=True, keyword_only=True),
        Argument("p", "float", has_default=True, default=2.0, keyword_only=True),
        Argument("z", "Tensor", is_list=True, alias="b", keyword_only=True),
    )
    assert schema.results == (
        Argument("", "Tensor", alias="a", writes=True),
        Argument("r", "Tensor", is_list=True),
    )


@pytest.mark.parametrize(
    ("text", "class_name"),
    [
        ("aten::_softmax(Tensor x) -> Tensor", "_SoftmaxOp"),
        ("aten::native_layer_norm(Tensor x) -> Tensor", "NativeLayerNormOp"),
        ("aten::add.Tensor(Tensor x) -> Tensor", "AddTensorOp"),
    ],
)
def test_class_name(text: str, class_name: str):
    assert parse_schema(text).class_name == class_name


def test_no_results():
    assert parse_schema("aten::f(Tensor x) -> ()").results == ()


def test_entry_columns():
    text = "ns::f(Tensor x, Tensor condition, Scalar alpha, *, Scalar k) -> Tensor"
    entry = parse_entry(f"{text} | out=g.out own overwrites=x promote=arithmetic composite")
    assert entry.schema.text == text
    assert (entry.out, entry.own, entry.overwrites) == ("ns::g.out", True, ("x",))
    assert (entry.promotion, entry.composite) == ("arithmetic", True)
    assert [a.name for a in entry.promoted] == ["x", "k"]
    assert parse_entry(f"{text} | out=other::g.out").out == "other::g.out"
    assert parse_entry(text) == OpEntry(entry.schema)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("f(Tensor x) -> Tensor", "not an operator schema"),
        ("a::f(Tensor x)", "not an operator schema"),
        ("a::f(Tensor? [] x) -> Tensor", "not an argument"),
        ("a::f(Tensor x) -> Tensor | put=f.out", "a::f: unknown column 'put=f.out'"),
        ("a::f(Tensor x) -> Tensor | own=yes", "unknown column"),
        ("a::f(Tensor x) -> Tensor | promote=up", "unknown column"),
        ("a::f(Tensor x) -> Tensor | overwrites=y", "not tensor arguments: y"),
    ],
)
def test_malformed_lines_are_refused(line: str, message: str, tmp_path: Path):
    with pytest.raises(SchemaError, match=message):
        parse_entry(line)
    table = tmp_path / "table.txt"
    table.write_text(f"# A table.\n\n{line}\n")
    with pytest.raises(SchemaError, match=r"table\.txt:3: "):
        read_table(table)


def test_repeated_lines_are_refused(tmp_path: Path):
    table = tmp_path / "table.txt"
    table.write_text("a::f(Tensor x) -> Tensor\n" * 2)
    with pytest.raises(SchemaError, match=r"table\.txt:2: a::f is there already"):
        read_table(table)
