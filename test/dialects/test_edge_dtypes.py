"""The dtype table of the edge dialect: its notation, and the table against PyTorch eager."""

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from edgeir import dialects
from edgeir.dialects.edge.dtypes import DtypeTableError, Slot, check, signatures
from edgeir.dialects.schema import OpEntry, read_table
from edgeir.runtime.dtypes import BY_NAME

TABLE = read_table(Path(dialects.__file__).parent / "aten" / "schemas.txt")
_SYNONYMS = "alias batch_norm contiguous detach dropout flatten.using_ints ones reshape zeros"
NOT_IN_EDGE = {f"aten::{name}" for name in _SYNONYMS.split()}

TORCH_DTYPES = {
    "ui8": torch.uint8,
    "i8": torch.int8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f32": torch.float32,
    "f64": torch.float64,
    "i1": torch.bool,
    "complex<f32>": torch.complex64,
    "complex<f64>": torch.complex128,
}
NAMES = {dtype: name for name, dtype in TORCH_DTYPES.items()} | {
    torch.uint64: "ui64",
    torch.complex32: "complex<f16>",
}


def test_every_operator_has_a_line():
    assert {key for key in TABLE if key not in signatures()} == NOT_IN_EDGE
    assert set(signatures()) <= set(TABLE)


@pytest.mark.parametrize("key", signatures())
def test_signatures_match_the_schemas(key: str):
    schema = TABLE[key].schema
    for signature in signatures()[key]:
        for slots, tensors in (
            (signature.operands, [a for a in schema.arguments if a.is_tensor]),
            (signature.results, [r for r in schema.results if r.is_tensor]),
        ):
            assert [slot.variadic for slot in slots] == [a.is_list for a in tensors]
            assert set().union(*(slot.allowed for slot in slots)) <= BY_NAME.keys()
        for slot, argument in zip(
            signature.operands, [a for a in schema.arguments if a.is_tensor], strict=True
        ):
            assert slot.optional == (argument.optional or argument.item_optional)


@dataclass(frozen=True)
class Ones:
    """A tensor in a sample, its dtype left open."""

    shape: tuple[int, ...]


def t(*shape: int) -> Ones:
    return Ones(shape)


class Zeros(Ones):
    """The same with zeros."""


class Identity(Ones):
    """The same with an identity matrix."""


CONV2D = (t(1, 2, 4, 4), t(2, 2, 3, 3), t(2))
STEPS = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1)
RNN = (t(1, 1, 2), t(1, 1, 1))
RNN_FLAGS = (True, 1, 0.0, False, False, True)
NORM = (t(2, 2, 2), t(2), t(2))

# Arguments for the operators that the general sample below does not fit; the last may be keywords.
SAMPLES: dict[str, tuple] = {
    "add.Scalar": (t(2), True),
    "mul.Scalar": (t(2), True),
    "bitwise_and.Scalar": (t(2), True),
    "bitwise_or.Scalar": (t(2), True),
    "bitwise_xor.Scalar": (t(2), True),
    "clamp": (t(2), 0, 1),
    "softmax.int": (t(2), 0, torch.float32),
    "log_softmax.int": (t(2), 0, torch.float32),
    "native_dropout": (t(2), 0.5, True),
    "masked_fill.Tensor": (t(2), t(2), t()),
    "mean": (t(2), {"dtype": torch.float32}),
    "mean.dim": (t(2), [0], {"dtype": torch.float32}),
    "sum.dim_IntList": (t(2), [0]),
    "rand_like": (t(2), {"dtype": torch.float32}),
    "randn_like": (t(2), {"dtype": torch.float32}),
    "_embedding_bag": (t(2, 2), t(2), Zeros((1,)), False, 0, False, t(2)),
    "div.Tensor_mode": (t(2), t(2), {"rounding_mode": "trunc"}),
    "div.Scalar_mode": (t(2), 1, {"rounding_mode": "floor"}),
    "bmm": (t(1, 2, 2), t(1, 2, 2)),
    "_grouped_mm": (t(16, 16), t(1, 16, 16), t(1)),
    "_weight_int8pack_mm": (t(4, 32), t(8, 32), t(8)),
    "baddbmm": (t(1, 2, 2), t(1, 2, 2), t(1, 2, 2)),
    "addmv": (t(2), t(2, 2), t(2)),
    "_cdist_forward": (t(2, 2), t(2, 2), 2.0, None),
    "convolution": (*CONV2D, *STEPS),
    "conv1d": (t(1, 2, 4), t(2, 2, 3)),
    "conv1d.padding": (t(1, 2, 4), t(2, 2, 3)),
    "conv2d": CONV2D,
    "conv2d.padding": CONV2D,
    "conv3d": (t(1, 1, 4, 4, 4), t(1, 1, 3, 3, 3)),
    "conv3d.padding": (t(1, 1, 4, 4, 4), t(1, 1, 3, 3, 3)),
    "conv_transpose1d": (t(1, 2, 4), t(2, 2, 3)),
    "conv_transpose2d.input": CONV2D,
    "conv_transpose3d.input": (t(1, 1, 4, 4, 4), t(1, 1, 3, 3, 3)),
    "col2im": (t(1, 4, 9), [4, 4], [2, 2], [1, 1], [0, 0], [1, 1]),
    "scaled_dot_product_attention": (t(1, 1, 2, 2), t(1, 1, 2, 2), t(1, 1, 2, 2), t(2, 2)),
    "adaptive_avg_pool1d": (t(1, 1, 4), [2]),
    "adaptive_avg_pool2d": (t(1, 1, 4, 4), [2, 2]),
    "_adaptive_avg_pool2d": (t(1, 1, 4, 4), [2, 2]),
    "_adaptive_avg_pool3d": (t(1, 1, 4, 4, 4), [2, 2, 2]),
    "adaptive_max_pool2d": (t(1, 1, 4, 4), [2, 2]),
    "adaptive_max_pool3d": (t(1, 1, 4, 4, 4), [2, 2, 2]),
    "fractional_max_pool2d": (t(1, 1, 4, 4), [2, 2], [2, 2], t(1, 1, 2)),
    "fractional_max_pool3d": (t(1, 1, 4, 4, 4), [2, 2, 2], [2, 2, 2], t(1, 1, 3)),
    "avg_pool1d": (t(1, 1, 4), [2]),
    "avg_pool2d": (t(1, 1, 4, 4), [2, 2]),
    "avg_pool3d": (t(1, 1, 4, 4, 4), [2, 2, 2]),
    "max_pool1d": (t(1, 1, 4), [2]),
    "max_pool2d": (t(1, 1, 4, 4), [2, 2]),
    "max_pool3d": (t(1, 1, 4, 4, 4), [2, 2, 2]),
    "max_pool2d_with_indices": (t(1, 1, 4, 4), [2, 2]),
    "max_pool3d_with_indices": (t(1, 1, 4, 4, 4), [2, 2, 2]),
    "native_layer_norm": (t(2, 2), [2], t(2), t(2), 0.1),
    "layer_norm": (t(2, 2), [2], t(2), t(2)),
    "rms_norm": (t(2, 2), [2], t(2)),
    "native_group_norm": (*NORM, 2, 2, 2, 1, 0.1),
    "group_norm": (t(2, 2, 2), 1, t(2), t(2)),
    "_native_batch_norm_legit_no_training": (*NORM, t(2), t(2), 0.1, 0.1),
    "_native_batch_norm_legit.no_stats": (*NORM, True, 0.1, 0.1),
    "_native_batch_norm_legit_functional": (*NORM, t(2), t(2), True, 0.1, 0.1),
    "lstm.input": (
        t(1, 1, 2),
        [t(1, 1, 1), t(1, 1, 1)],
        [t(4, 2), t(4, 1), t(4), t(4)],
        *RNN_FLAGS,
    ),
    "gru.input": (*RNN, [t(3, 2), t(3, 1), t(3), t(3)], *RNN_FLAGS),
    "rnn_tanh.input": (*RNN, [t(1, 2), t(1, 1), t(1), t(1)], *RNN_FLAGS),
    "rnn_relu.input": (*RNN, [t(1, 2), t(1, 1), t(1), t(1)], *RNN_FLAGS),
    "sort.stable": (t(2), {"stable": True}),
    "searchsorted.Tensor": (t(2), t(2)),
    "searchsorted.Scalar": (t(2), 1),
    "bucketize.Tensor": (t(2), t(2)),
    "as_strided": (t(2), [2], [1]),
    "expand": (t(1, 2), [2, 2]),
    "permute": (t(2, 2), [1, 0]),
    "split_with_sizes": (t(2, 2), [1, 1]),
    "transpose.int": (t(2, 2), 0, 1),
    "unfold": (t(4), 0, 2, 1),
    "view": (t(2, 2), [4]),
    "repeat": (t(2), [2]),
    "repeat_interleave.Tensor": (t(2),),
    "pixel_shuffle": (t(1, 4, 2, 2), 2),
    "pixel_unshuffle": (t(1, 1, 4, 4), 2),
    "constant_pad_nd": (t(2), [1, 1]),
    "polygamma": (1, t(2)),
    "round.decimals": (t(2), {"decimals": 1}),
    "addbmm": (t(2, 2), t(1, 2, 2), t(1, 2, 2)),
    "_trilinear": (t(2, 2), t(2, 2, 2), t(2, 2), [1, 3], [0], [1, 2], [2, 3]),
    "randint.low": (0, 2, [2]),
    "linalg_lu_solve": (t(2, 2), t(2), t(2, 2)),
    "ormqr": (t(2, 2), t(2), t(2, 2)),
    "linalg_ldl_factor": (Identity((2, 2)),),
    "linalg_ldl_solve": (t(2, 2), t(2), t(2, 2)),
    "lu_unpack": (t(2, 2), t(2)),
    "linalg_solve_triangular": (t(2, 2), t(2, 2), {"upper": True}),
    "linalg_householder_product": (t(2, 2), t(2)),
    "linalg_pinv.atol_rtol_tensor": (t(2, 2), {"atol": None}),
    "linalg_inv": (Identity((2, 2)),),
    "linalg_solve": (Identity((2, 2)), t(2, 2)),
    "linalg_cholesky": (Identity((2, 2)),),
    "linalg_lu_factor": (Identity((2, 2)),),
    "cholesky": (Identity((2, 2)),),
    "triangular_solve": (t(2, 2), t(2, 2)),
    "cholesky_inverse": (t(2, 2),),
    "median.dim": (t(2), 0),
    "nanmedian.dim": (t(2), 0),
    "histogram.bins_tensor": (t(2), t(2)),
    "histogram.bin_ct": (t(2), 2, {"weight": None}),
    "_histogramdd_bin_edges": (t(2, 2), [2, 2], {"weight": None}),
    "_histogramdd_from_bin_cts": (t(2, 2), [2, 2], {"weight": None}),
    "_histogramdd_from_bin_tensors": (t(2, 2), [t(2), t(2)]),
    "bincount": (t(2), t(2)),
    "segment_reduce": (t(2), "sum", {"lengths": torch.tensor([2])}),
    "nonzero_static": (t(2), {"size": 1}),
    "index_reduce": (t(2), 0, Zeros((2,)), t(2), "prod"),
    "put": (t(2), Zeros((2,)), t(2)),
    "as_strided_scatter": (t(2), t(2), [2], [1]),
    "_embedding_bag_forward_only": (t(2, 2), t(2), Zeros((1,)), False, 0, False, t(2)),
    "new_empty_strided": (t(2), [2], [1]),
    "randint_like": (t(2), 2, {"dtype": torch.int64}),
    "randint_like.low_dtype": (t(2), 0, 2, {"dtype": torch.int64}),
    "multinomial": (t(2), 1),
    "geometric": (t(2), 0.5),
    "linspace.Tensor_Tensor": (t(), t(), 3, {"dtype": torch.float32}),
    "linspace.Tensor_Scalar": (t(), 1, 3, {"dtype": torch.float32}),
    "linspace.Scalar_Tensor": (1, t(), 3, {"dtype": torch.float32}),
    "logspace.Tensor_Tensor": (t(), t(), 3, {"dtype": torch.float32}),
    "logspace.Tensor_Scalar": (t(), 1, 3, {"dtype": torch.float32}),
    "logspace.Scalar_Tensor": (1, t(), 3, {"dtype": torch.float32}),
    "reflection_pad1d": (t(1, 4), [1] * 2),
    "reflection_pad2d": (t(1, 4, 4), [1] * 4),
    "reflection_pad3d": (t(1, 4, 4, 4), [1] * 6),
    "replication_pad1d": (t(1, 4), [1] * 2),
    "replication_pad2d": (t(1, 4, 4), [1] * 4),
    "replication_pad3d": (t(1, 4, 4, 4), [1] * 6),
    "index.Tensor": (t(2), [t(2)]),
    "index_put": (t(2), [t(2)], t(1)),
    "index_select": (t(2), 0, t(1)),
    "scatter.reduce": (t(2), 0, t(2), t(2), {"reduce": "add"}),
    "scatter.value_reduce": (t(2), 0, t(2), 1, {"reduce": "add"}),
    "scatter_reduce.two": (t(2), 0, t(2), t(2), "sum"),
    "select_scatter": (t(2, 2), t(2), 0, 0),
    "diagonal_scatter": (t(2, 2), t(2)),
    "upsample_bilinear2d.vec": (t(1, 1, 2, 2), [4, 4], False, None),
    "upsample_nearest2d.vec": (t(1, 1, 2, 2), [4, 4], None),
    "_upsample_bilinear2d_aa": (t(1, 1, 2, 2), [4, 4], False),
    "_upsample_bicubic2d_aa": (t(1, 1, 2, 2), [4, 4], False),
    "grid_sampler_2d": (t(1, 1, 2, 2), t(1, 2, 2, 2), 0, 0, False),
    "grid_sampler_3d": (t(1, 1, 2, 2, 2), t(1, 2, 2, 2, 3), 0, 0, False),
    "_fft_c2r": (t(4), [0], 0, 4),
    "_fft_r2c": (t(4), [0], 0, True),
    "_local_scalar_dense": (t(1),),
    "_adaptive_avg_pool2d_backward": (t(1, 1, 2, 2), t(1, 1, 4, 4)),
    "avg_pool2d_backward": (t(1, 1, 2, 2), t(1, 1, 4, 4), [2, 2], [], [0, 0], False, True, None),
    "convolution_backward": (t(1, 2, 2, 2), *CONV2D[:2], [2], *STEPS, [True, False, True]),
    "embedding_dense_backward": (t(2, 2), t(2), 2, -1, False),
    "max_pool2d_with_indices_backward": (
        t(1, 1, 2, 2),
        t(1, 1, 4, 4),
        [2, 2],
        [],
        [0, 0],
        [1, 1],
        False,
        t(1, 1, 2, 2),
    ),
    "native_group_norm_backward": (
        t(1, 2, 2),
        t(1, 2, 2),
        t(1, 1),
        t(1, 1),
        t(2),
        1,
        2,
        2,
        1,
        [True, True, False],
    ),
    "native_layer_norm_backward": (
        t(2, 2),
        t(2, 2),
        [2],
        t(2, 1),
        t(2, 1),
        t(2),
        t(2),
        [True, False, True],
    ),
}
VALUES = {"int": 0, "SymInt": 1, "Scalar": 1, "float": 0.5, "bool": False}


def sample(entry: OpEntry) -> tuple:
    """Arguments of an operator: its own sample, or square tensors and small numbers."""
    if entry.schema.op_name in SAMPLES:
        return SAMPLES[entry.schema.op_name]
    arguments = []
    for argument in entry.schema.arguments:
        if argument.keyword_only or (argument.has_default and not argument.is_tensor):
            break
        value = t(2, 2) if argument.is_tensor else VALUES[argument.base]
        arguments.append([value] if argument.is_list else value)
    return tuple(arguments)


def dtypes_of(values: object) -> object:
    """The dtypes of tensors and lists of them, as `check` takes them."""
    if isinstance(values, torch.Tensor):
        return NAMES.get(values.dtype, str(values.dtype))
    return [dtypes_of(v) for v in values] if isinstance(values, list | tuple) else None


def operand_choices(slots: tuple[Slot, ...], dtypes: list[str]) -> Iterator[tuple[str, ...]]:
    """Dtypes for the operands: every combination over the variables, well- and ill-typed."""
    names = [slot.variable or slot.allowed for slot in slots]
    distinct = list(dict.fromkeys(names))
    for choice in itertools.product(dtypes, repeat=len(distinct)):
        chosen = dict(zip(distinct, choice, strict=True))
        yield tuple(chosen[name] for name in names)


def run(entry: OpEntry, dtypes: tuple[str, ...], **more: object) -> tuple[list, list] | None:
    """The dtypes of an eager call's tensors and results; None if eager refuses the dtypes."""
    left = iter(dtypes)

    def build(value: object, dtype: str | None = None) -> object:
        if isinstance(value, Ones):
            name = dtype or next(left)
            if isinstance(value, Identity):
                return torch.eye(*value.shape, dtype=TORCH_DTYPES[name])
            fill = 0 if isinstance(value, Zeros) else 1
            return torch.full(value.shape, fill, dtype=TORCH_DTYPES[name])
        if isinstance(value, list) and value and isinstance(value[0], Ones):
            name = next(left)
            return [build(item, name) for item in value]
        return value

    arguments = sample(entry)
    keywords = dict(more)
    if arguments and isinstance(arguments[-1], dict):
        keywords |= arguments[-1]
        arguments = arguments[:-1]
    values = [build(argument) for argument in arguments]
    given = dict(zip((a.name for a in entry.schema.arguments), values, strict=False))
    name, _, overload_name = entry.schema.op_name.partition(".")
    op = getattr(getattr(torch.ops.aten, name), overload_name or "default")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = op(*values, **keywords)
        except (RuntimeError, NotImplementedError, IndexError, TypeError):
            return None
    operands = [dtypes_of(given.get(a.name)) for a in entry.schema.arguments if a.is_tensor]
    if entry.schema.results[0].base != "Tensor":
        return operands, []
    if len(entry.schema.results) == 1:
        results = (results,)
    return operands, [dtypes_of(result) for result in results]


COMPLEX = {"complex<f32>", "complex<f64>"}

# What eager takes and the table does not: recurrent networks of integers and complex numbers, masks
# by the deprecated uint8, a complex number as a Python number, complex numbers of two f16, and
# complex weights, of which eager drops the imaginary parts.
REFUSED_BY_US = {
    "lstm.input": COMPLEX,
    "gru.input": COMPLEX,
    "rnn_tanh.input": {"ui8", "i8", "i16", "i32", "i64", *COMPLEX},
    "rnn_relu.input": {"ui8", "i8", "i16", "i32", "i64"},
    "_local_scalar_dense": COMPLEX,
    "complex": {"f16"},
    "view_as_complex": {"f16"},
    "index.Tensor": {"ui8"},
    "bincount": COMPLEX,
}
# What the table takes and eager does not: eager splits complex convolutions before, and takes some
# pairs of dtypes only.
TAKEN_BY_US = {"convolution": COMPLEX, "ldexp.Tensor": {"i1", *COMPLEX}}


@pytest.mark.parametrize(
    "entry", [pytest.param(TABLE[key], id=TABLE[key].schema.op_name) for key in signatures()]
)
def test_table_is_what_eager_does(entry: OpEntry):
    """Every combination of dtypes: eager refuses it, or its results pass the check.

    Operators that promote take more in eager, because edge has converted their operands.
    """
    key = entry.schema.key
    runs = 0
    for signature in signatures()[key]:
        slots = signature.operands
        for dtypes in operand_choices(slots, list(TORCH_DTYPES)):
            listed = all(d in slot.allowed for d, slot in zip(dtypes, slots, strict=True))
            outcome = run(entry, dtypes)
            if outcome is None:
                ours = TAKEN_BY_US.get(entry.schema.op_name, set()) & {*dtypes}
                assert not listed or ours, f"eager refuses {dtypes}"
                continue
            runs += 1
            if listed or not (
                entry.promotion or REFUSED_BY_US.get(entry.schema.op_name, set()) & {*dtypes}
            ):
                assert check(key, *outcome) is None
    assert runs > 0


@pytest.mark.parametrize(
    ("key", "operands", "results", "message"),
    [
        ("add.Tensor", ["f32", "f32"], ["f32"], None),
        ("add.Tensor", ["f32", "i64"], ["f32"], "operand 1 is i64, but operand 0 is f32"),
        ("add.Tensor", ["f32", "f32"], ["f64"], "result 0 is f64, but operand 0 is f32"),
        ("add.Tensor", ["f8E5M2", "f8E5M2"], ["f8E5M2"], "operand 0 is f8E5M2, expected bf16, "),
        ("add.Tensor", ["f32"], ["f32"], "1 tensor operands where 2 are expected"),
        ("add.Tensor", ["f32", "f32"], [], "0 tensor results where 1 are expected"),
        ("add.Tensor", ["f32", None], ["f32"], "operand 1 is absent"),
        ("add.Tensor", ["f32", ["f32"]], ["f32"], "operand 1 is a list"),
        ("linear", ["f32", "f32", None], ["f32"], None),
        ("cat", [["f32", "f32", "f32"]], ["f32"], None),
        ("cat", [["f32", "f16"]], ["f32"], "operand 0 is f16, but operand 0 is f32"),
        ("cat", ["f32"], ["f32"], "operand 0 is no list"),
        ("index.Tensor", ["f32", [None, "i64", "i1"]], ["f32"], None),
        ("index.Tensor", ["f32", [None, "f32"]], ["f32"], "operand 1 is f32, expected i1, i32 or"),
        ("unbind.int", ["i8"], [["i8", "i8"]], None),
        ("max.dim", ["i8"], ["i8", "i32"], "result 1 is i32, expected i64"),
        ("native_layer_norm", ["f16", "f32", None], ["f16", "f32", "f32"], None),
        ("native_layer_norm", ["f64", "f32", None], ["f64", "f32", "f32"], "operand 1 is f32"),
        ("full", [], ["i1"], None),
        ("view", ["f8E4M3FN"], ["f8E4M3FN"], None),
        ("not_in_the_table", ["f8E5M2"], [], None),
    ],
)
def test_check(key: str, operands: list, results: list, message: str | None):
    found = check(f"aten::{key}", operands, results)
    assert found is None if message is None else found is not None and found.startswith(message)


def test_messages_show_the_signatures():
    assert check("aten::any", ["f8E5M2"], ["i1"]) == (
        "operand 0 is f8E5M2, expected bf16, complex<f32>, complex<f64>, f16, f32, f64, i1, i16, "
        "i32, i64 or i8 (dtypes of any: signed+float+complex+bool -> bool; any: ui8 -> ui8)"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("f: T, T where T: int", "not a dtype signature: 'f: T, T where T: int'"),
        ("f: T -> i32", "'T' is no dtype and no class"),
        ("f: T -> T where T: i46", "'i46' is no dtype and no class"),
        ("f: i-32 -> i32", "not the dtype of a tensor: 'i-32'"),
    ],
)
def test_malformed_lines_are_refused(line: str, message: str, tmp_path: Path):
    table = tmp_path / "dtypes.txt"
    table.write_text(f"# Comment\nint = i32 i64\n{line}\n")
    with pytest.raises(DtypeTableError, match=rf"dtypes\.txt:3: {message}"):
        signatures(table)
