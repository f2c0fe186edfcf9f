"""The normal forms of aten operators in the edge dialect, one function an operator or family.

A function takes the aten operation, its arguments (operands already cast and converted) and a
builder, and returns the values that replace the operation's results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.dialects.builtin import IntegerType, Signedness, i1, i32, i64
from xdsl.ir import SSAValue

from ..dialects.expr import Expr
from ..dialects.layout import dims_of, tensor_type
from ..dialects.schema_op import SchemaOp
from .edge_builder import EdgeBuilder, tensor

NormalForm = Callable[[SchemaOp, dict[str, Any], EdgeBuilder], Sequence[SSAValue]]

NORMAL_FORMS: dict[str, NormalForm] = {}


def _normal_form(*names: str) -> Callable[[NormalForm], NormalForm]:
    def register(function: NormalForm) -> NormalForm:
        for name in names:
            NORMAL_FORMS[f"aten::{name}"] = function
        return function

    return register


@_normal_form("alias", "clone", "contiguous", "detach", "lift_fresh_copy")
def _identity(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A tensor is a value: copies and aliases of it are the tensor itself."""
    return [arguments["self"]]


@_normal_form("dropout")
def _dropout(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`dropout(x, p, train=False)` → `x`."""
    if arguments["train"]:
        return builder.results("aten::dropout", types=op.result_types, **arguments)
    return [arguments["input"]]


@_normal_form("_to_copy")
def _to_copy(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Only the dtype is left of a conversion."""
    return [builder.cast(arguments["self"], tensor(op.results[0]).element_type)]


@_normal_form("copy")
def _copy(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`copy(x, source)` is `source` in the dtype and shape of `x`."""
    type = tensor(op.results[0])
    value = builder.cast(arguments["src"], type.element_type)
    return [builder.expand(value, dims_of(type))]


@_normal_form(
    "view", "reshape", "_unsafe_view", "flatten.using_ints", "unsqueeze", "squeeze", "squeeze.dim",
    "squeeze.dims",
)  # fmt: skip
def _view(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Every change of shape alone is a view to the result's shape."""
    return [builder.view(op.operands[0], dims_of(tensor(op.results[0])))]


@_normal_form("permute", "transpose.int", "t")
def _permute(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Every reordering of dims is a permute with dims that count from the front."""
    value: SSAValue = arguments["self"]
    rank = tensor(value).get_num_dims()
    if "dims" in arguments:
        return [builder.permute(value, [dim % rank for dim in arguments["dims"]])]
    if rank < 2:
        return [value]
    return [builder.transpose(value, arguments.get("dim0", 0), arguments.get("dim1", 1))]


@_normal_form("slice.Tensor")
def _slice(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A slice with bounds inside the dim; one of everything is the tensor itself."""
    value: SSAValue = arguments["self"]
    type = tensor(value)
    dim: int = arguments["dim"] % type.get_num_dims()
    size: Expr = dims_of(type)[dim]
    start = _inside(arguments["start"], 0, size)
    end = _inside(arguments["end"], size, size)
    if value.type == op.results[0].type and arguments["step"] == 1:
        return [value]
    return builder.results(
        "aten::slice.Tensor",
        value, dim, start, end, arguments["step"],
        types=op.result_types,
    )  # fmt: skip


@_normal_form("narrow_copy")
def _narrow_copy(
    op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder
) -> Sequence[SSAValue]:
    """`narrow_copy(x, dim, start, length)` is a slice; a negative start counts from the end."""
    type = tensor(arguments["self"])
    dim: int = arguments["dim"] % type.get_num_dims()
    start = Expr.of(arguments["start"])
    if (begin := start.constant) is not None and begin < 0:
        start = dims_of(type)[dim] + begin
    bounds = {"dim": dim, "start": start, "end": start + arguments["length"], "step": 1}
    return _slice(op, {"self": arguments["self"], **bounds}, builder)


def _inside(bound: Any, default: Any, size: Expr) -> Any:
    """A bound as Python has it: from the end where negative, cut to the size."""
    if bound is None:
        bound = default
    extent = size.constant
    if isinstance(bound, Expr):
        bound = bound if (c := bound.constant) is None else c
    if extent is None or isinstance(bound, Expr):
        return bound
    return max(0, min(bound + extent if bound < 0 else bound, extent))


@_normal_form("select.int")
def _select(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A select with dim and index that count from the front."""
    return [_select_one(builder, arguments["self"], arguments["dim"], arguments["index"])]


def _select_one(builder: EdgeBuilder, value: SSAValue, dim: int, index: Any) -> SSAValue:
    """One index of a dim: a slice and a view, which planning can leave in place."""
    type = tensor(value)
    dims = list(dims_of(type))
    dim %= len(dims)
    start = Expr.of(index)
    if (c := start.constant) is not None and c < 0:
        start = start + dims[dim]
    part = builder.slice(value, dim, start, start + 1)
    del dims[dim]
    return builder.view(part, dims)


@_normal_form("unbind.int")
def _unbind(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """One select for each index."""
    value: SSAValue = arguments["self"]
    return [
        _select_one(builder, value, arguments["dim"], index) for index in range(len(op.results))
    ]


@_normal_form("split_with_sizes", "split.Tensor", "chunk")
def _split(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """One slice for each part, so that unused parts vanish."""
    value: SSAValue = arguments["self"]
    dim: int = arguments["dim"] % tensor(value).get_num_dims()
    parts: list[SSAValue] = []
    start = Expr.of(0)
    for result in op.results:
        end = start + dims_of(tensor(result))[dim]
        parts.append(builder.slice(value, dim, start, end))
        start = end
    return parts


@_normal_form("any.dims")
def _any(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Over no dims, which are all dims of other reductions, this is `x != 0`."""
    if arguments["dim"] != []:
        return builder.results("aten::any.dims", types=op.result_types, **arguments)
    type = tensor(op.results[0])
    bools = tensor_type(i1, dims_of(type))
    truth = builder.result("aten::ne.Scalar", arguments["self"], 0, type=bools)
    return [builder.cast(truth, type.element_type)]


@_normal_form("softmax.int", "log_softmax.int")
def _softmax(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`softmax(x, dim, dtype)` → `_softmax(cast(x, dtype), dim, False)`."""
    value = builder.cast(arguments["self"], tensor(op.results[0]).element_type)
    name = "aten::_" + op.SCHEMA.name
    return builder.results(name, value, arguments["dim"], False, types=op.result_types)


@_normal_form("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "conv3d.padding")
def _convolution(
    op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder
) -> Sequence[SSAValue]:
    """Convolutions of any rank are one operator."""
    spatial = tensor(arguments["weight"]).get_num_dims() - 2
    if isinstance(arguments["padding"], str):
        arguments = _explicit_padding(arguments, spatial, builder)
    return _batched_convolution(op, arguments, [0] * spatial, False, builder)


def _explicit_padding(
    arguments: dict[str, Any], spatial: int, builder: EdgeBuilder
) -> dict[str, Any]:
    """`valid` pads nothing; `same` keeps the size, one more at the end where the sum is odd."""
    if arguments["padding"] == "valid":
        return arguments | {"padding": [0] * spatial}
    value: SSAValue = arguments["input"]
    kernel = tensor(arguments["weight"]).get_shape()[2:]
    totals = [d * (k - 1) for d, k in zip(arguments["dilation"], kernel, strict=True)]
    if any(total % 2 for total in totals):
        type = tensor(value)
        dims = list(dims_of(type))
        pad: list[int] = []
        for index in reversed(range(spatial)):
            pad += [0, totals[index] % 2]
            position = len(dims) - spatial + index
            dims[position] = dims[position] + totals[index] % 2
        padded = tensor_type(type.element_type, dims)
        value = builder.result("aten::constant_pad_nd", value, pad, type=padded)
    return arguments | {"input": value, "padding": [total // 2 for total in totals]}


@_normal_form("conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input")
def _transposed_convolution(
    op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder
) -> Sequence[SSAValue]:
    """Transposed convolutions are convolutions with a flag."""
    return _batched_convolution(op, arguments, arguments["output_padding"], True, builder)


def _batched_convolution(
    op: SchemaOp,
    arguments: dict[str, Any],
    output_padding: list[int],
    transposed: bool,
    builder: EdgeBuilder,
) -> Sequence[SSAValue]:
    value: SSAValue = arguments["input"]
    result = tensor(op.results[0])
    dims, out_dims = dims_of(tensor(value)), dims_of(result)
    unbatched = len(dims) < tensor(arguments["weight"]).get_num_dims()
    if unbatched:
        value = builder.view(value, (Expr.of(1), *dims))
        result = tensor_type(result.element_type, (Expr.of(1), *out_dims))
    out = builder.result(
        "aten::convolution",
        value, arguments["weight"], arguments["bias"], arguments["stride"], arguments["padding"],
        arguments["dilation"], transposed, output_padding, arguments["groups"],
        type=result,
    )  # fmt: skip
    return [builder.view(out, out_dims)]


@_normal_form("div.Tensor_mode", "div.Scalar_mode")
def _divide(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """A quotient that is not rounded is a plain division."""
    key = "aten::div.Tensor" if isinstance(arguments["other"], SSAValue) else "aten::div.Scalar"
    if arguments["rounding_mode"] is None:
        del arguments["rounding_mode"]
    else:
        key += "_mode"
    return builder.results(key, types=op.result_types, **arguments)


@_normal_form("clamp.Tensor")
def _clamp(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """With one limit it is a maximum or a minimum, which bools have too."""
    value, low, high = arguments["self"], arguments["min"], arguments["max"]
    if high is None:
        return builder.results("aten::maximum", value, low, types=op.result_types)
    if low is None:
        return builder.results("aten::minimum", value, high, types=op.result_types)
    return builder.results("aten::clamp.Tensor", types=op.result_types, **arguments)


@_normal_form("hardtanh")
def _hardtanh(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Of unsigned numbers, which only relu6 has, it is a clamp."""
    value: SSAValue = arguments["self"]
    if tensor(value).element_type == IntegerType(8, Signedness.UNSIGNED):
        limits = arguments["min_val"], arguments["max_val"]
        return builder.results("aten::clamp", value, *limits, types=op.result_types)
    return builder.results("aten::hardtanh", types=op.result_types, **arguments)


@_normal_form("gather")
def _gather(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """An index has 32 or 64 bits."""
    if tensor(arguments["index"]).element_type not in (i32, i64):
        arguments["index"] = builder.cast(arguments["index"], i64)
    return builder.results("aten::gather", types=op.result_types, **arguments)


@_normal_form("batch_norm")
def _batch_norm(
    op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder
) -> Sequence[SSAValue]:
    """A batch norm with known statistics is the core operator, whose other results are empty."""
    if arguments["training"]:
        return builder.results("aten::batch_norm", types=op.result_types, **arguments)
    empty = tensor_type(tensor(op.results[0]).element_type, [0])
    kept = ("input", "weight", "bias", "running_mean", "running_var", "momentum", "eps")
    results = builder.results(
        "aten::_native_batch_norm_legit_no_training",
        types=[op.results[0].type, empty, empty],
        **{name: arguments[name] for name in kept},
    )
    return results[:1]


@_normal_form("zeros", "ones")
def _filled(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """`zeros(size)` → `full(size, 0)`."""
    element = tensor(op.results[0]).element_type
    number = 1 if op.SCHEMA.name == "ones" else 0
    return builder.results(
        "aten::full", arguments["size"], number, dtype=element, types=op.result_types
    )


@_normal_form("full_like")
def _full_like(op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder) -> Sequence[SSAValue]:
    """Only the shape and the dtype of the tensor matter."""
    type = tensor(op.results[0])
    sizes = [d if (c := d.constant) is None else c for d in dims_of(type)]
    return builder.results(
        "aten::full", sizes, arguments["fill_value"], dtype=type.element_type, types=op.result_types
    )


@_normal_form("as_strided")
def _as_strided(
    op: SchemaOp, arguments: dict[str, Any], builder: EdgeBuilder
) -> Sequence[SSAValue]:
    """A dense row-major window on all of the tensor is a view."""
    type = tensor(op.results[0])
    size, stride = arguments["size"], arguments["stride"]
    dense = 1
    for extent, step in zip(reversed(size), reversed(stride), strict=True):
        if extent != 1 and step != dense:
            break
        dense = dense * extent
    else:
        source = tensor(arguments["self"])
        if not arguments["storage_offset"] and _count(source) == _count(type):
            return [builder.view(arguments["self"], dims_of(type))]
    return builder.results("aten::as_strided", types=op.result_types, **arguments)


def _count(type: Any) -> Expr:
    count = Expr.of(1)
    for dim in dims_of(type):
        count = count * dim
    return count
