"""The shapes that operators take and give, as a table of rules by schema key.

A rule computes the result shapes of an operator from its operands and arguments, following the
PyTorch operator of the same name, in the forms of the aten dialect (negative dims, sizes of -1)
and of the edge dialect. Operators without a rule are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from ..dialects.expr import Expr
from ..dialects.layout import dims_of
from ..dialects.schema_op import SchemaOp
from .elementwise import is_elementwise

Dim: TypeAlias = int | Expr | None
"""A size: a number, an expression, or None where it is not known."""
Dims: TypeAlias = tuple[Dim, ...]
Rule: TypeAlias = Callable[[SchemaOp], Sequence[Dims | None]]
"""The shapes of an operator's results, None where it is not known; raises ShapeError."""

RULES: dict[str, Rule] = {}


class ShapeError(Exception):
    """Shapes that do not fit each other."""


def shape_problem(op: SchemaOp) -> str | None:
    """What is wrong with the shapes of an operator, its operands' shapes named; None if nothing."""
    rule = RULES.get(op.SCHEMA.key)
    if rule is None:
        if not is_elementwise(op.ENTRY):
            return None
        rule = _elementwise
    try:
        expected = rule(op)
        for result, dims in zip(op.results, expected, strict=False):
            given = _dims(result)
            if dims is not None and not _same_dims(given, dims):
                raise ShapeError(f"the result has shape {_text(given)}, expected {_text(dims)}")
    except ShapeError as error:
        return f"{error} (operands: {_operands_text(op)})"
    return None


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[f"aten::{name}"] = rule
        return rule

    return register


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ShapeError(message)


def _dims(value: SSAValue) -> Dims:
    """The shape of a tensor value."""
    type = cast(TensorType[Attribute], value.type)
    if type.has_static_shape():
        return type.get_shape()
    return tuple(_dim(dim) for dim in dims_of(type))


def _dim(value: Any) -> Dim:
    if isinstance(value, Expr):
        constant = value.constant
        if constant is not None:
            return constant
        return None if "?" in value.symbols() else value
    return cast(int, value)


def _operand(op: SchemaOp, name: str) -> Dims:
    return _dims(cast(SSAValue, op.operand_of(name)))


def _optional(op: SchemaOp, name: str) -> Dims | None:
    value = cast(SSAValue | None, op.operand_of(name))
    return None if value is None else _dims(value)


def _list(op: SchemaOp, name: str) -> list[Dim]:
    return [_dim(item) for item in cast(list[Any], op.value_of(name) or [])]


def _same(a: Dim, b: Dim) -> bool:
    """Whether two sizes may be equal; sizes that differ by more than a number may be."""
    if a is None or b is None or a == b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return False
    difference = (Expr.of(a) - b).constant
    return difference is None or difference == 0


def _same_dims(a: Dims, b: Dims) -> bool:
    return len(a) == len(b) and all(map(_same, a, b))


def _product(dims: Iterable[Dim]) -> Dim:
    product: Dim = 1
    for dim in dims:
        if product is None or dim is None:
            return None
        if isinstance(product, int) and isinstance(dim, int):
            product *= dim
        else:
            product = _dim(Expr.of(product) * dim)
    return product


def _broadcast(shapes: Sequence[Dims]) -> Dims:
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for position in range(-rank, 0):
        size: Dim = 1
        for dims in shapes:
            dim = dims[position] if -position <= len(dims) else 1
            if dim == 1:
                continue
            _check(
                size == 1 or _same(size, dim),
                f"the shapes {' and '.join(map(_text, shapes))} do not broadcast",
            )
            if size == 1 or not isinstance(size, int):
                size = dim
        result.append(size)
    return tuple(result)


def _text(dims: Dims) -> str:
    return f"[{', '.join('?' if dim is None else str(dim) for dim in dims)}]"


def _operands_text(op: SchemaOp) -> str:
    parts: list[str] = []
    for argument in op.kept_arguments():
        if not argument.is_tensor:
            continue
        operand = op.operand_of(argument.name)
        if isinstance(operand, SSAValue):
            parts.append(f"{argument.name} {_text(_dims(operand))}")
        elif operand is not None:
            items = ["none" if item is None else _text(_dims(item)) for item in operand]
            parts.append(f"{argument.name} [{', '.join(items)}]")
    return ", ".join(parts) or "none"


def _axis(dim: int, rank: int) -> int:
    """A dim counted from the front; a 0-d tensor counts as one dim."""
    _check(-max(rank, 1) <= dim < max(rank, 1), f"there is no dim {dim} in {rank} dims")
    return dim % rank if rank else 0


def _axes(op: SchemaOp, rank: int, name: str = "dim") -> list[int]:
    """The dims of a reduction, all for none."""
    dims = op.value_of(name)
    if isinstance(dims, int):
        dims = [dims]
    return [_axis(dim, rank) for dim in cast(list[int], dims or range(rank))]


# Elementwise, and what keeps the shape


def _elementwise(op: SchemaOp) -> Sequence[Dims | None]:
    return [_broadcast([_dims(operand) for operand in op.operands])] * len(op.results)


@_rule(
    "_softmax", "_log_softmax", "softmax.int", "log_softmax.int", "cumsum", "cumprod", "flip",
    "roll", "tril", "triu", "index_put", "slice_scatter", "select_scatter", "diagonal_scatter",
    "scatter.src", "scatter.value", "scatter_add", "rand_like", "randn_like", "full_like",
)  # fmt: skip
def _like_the_first(op: SchemaOp) -> Sequence[Dims | None]:
    return [_dims(op.operands[0])]


# Changes of shape


@_rule("view", "_unsafe_view", "reshape")
def _view(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "self")
    size = _list(op, "shape" if op.SCHEMA.name == "reshape" else "size")
    count = _product(source)
    if -1 not in size:
        _check(
            _same(_product(size), count),
            f"{_text(source)} has {count} elements, the size {_text(tuple(size))} has "
            f"{_product(size)}",
        )
        return [tuple(size)]
    rest = _product(dim for dim in size if dim != -1)
    missing: Dim = None
    if isinstance(count, int) and isinstance(rest, int):
        _check(
            rest != 0 and count % rest == 0,
            f"{_text(source)} does not fit the size {_text(tuple(size))}",
        )
        missing = count // rest
    return [tuple(missing if dim == -1 else dim for dim in size)]


@_rule("permute")
def _permute(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "self")
    dims = cast(list[int], op.value_of("dims"))
    order = [_axis(dim, len(source)) for dim in dims]
    _check(
        sorted(order) == list(range(len(source))),
        f"dims = {dims} is no permutation of the {len(source)} dims of {_text(source)}",
    )
    return [tuple(source[dim] for dim in order)]


@_rule("transpose.int", "t")
def _transpose(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(_operand(op, "self"))
    if op.SCHEMA.name == "t" and len(source) < 2:
        return [tuple(source)]
    a = _axis(cast(int, op.value_of("dim0") or 0), len(source))
    b = _axis(cast(int, 1 if op.SCHEMA.name == "t" else op.value_of("dim1")), len(source))
    if source:
        source[a], source[b] = source[b], source[a]
    return [tuple(source)]


@_rule("unsqueeze")
def _unsqueeze(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(_operand(op, "self"))
    source.insert(_axis(cast(int, op.value_of("dim")), len(source) + 1), 1)
    return [tuple(source)]


@_rule("squeeze.dim", "squeeze.dims")
def _squeeze(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "self")
    removed = set(_axes(op, len(source))) if op.value_of("dim") != [] else set[int]()
    return [tuple(d for i, d in enumerate(source) if i not in removed or d != 1)]


@_rule("expand")
def _expand(op: SchemaOp) -> Sequence[Dims | None]:
    source, size = _operand(op, "self"), _list(op, "size")
    _check(
        len(size) >= len(source),
        f"{_text(source)} has more dims than the size {_text(tuple(size))}",
    )
    padded: Dims = (*[1] * (len(size) - len(source)), *source)
    pairs = list(zip(padded, size, strict=True))
    fits = all(new == -1 or old == 1 or _same(old, new) for old, new in pairs)
    _check(fits, f"{_text(source)} does not expand to {_text(tuple(size))}")
    return [tuple(old if new == -1 else new for old, new in pairs)]


@_rule("select.int")
def _select(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(_operand(op, "self"))
    dim, index = _axis(cast(int, op.value_of("dim")), len(source)), op.value_of("index")
    size = source[dim]
    if isinstance(index, int) and isinstance(size, int):
        _check(-size <= index < size, f"index {index} is outside dim {dim} of {_text((*source,))}")
    del source[dim]
    return [tuple(source)]


@_rule("slice.Tensor")
def _slice(op: SchemaOp) -> Sequence[Dims | None]:
    source = list(_operand(op, "self"))
    _check(bool(source), "a 0-d tensor cannot be sliced")
    dim = _axis(cast(int, op.value_of("dim")), len(source))
    start, end, step = (op.value_of(name) for name in ("start", "end", "step"))
    size = source[dim]
    start, end = 0 if start is None else start, size if end is None else end
    numbers = (start, end, step, size)
    if all(isinstance(number, int) for number in numbers):
        start, end, step, size = cast(tuple[int, int, int, int], numbers)
        _check(step > 0, f"step {step} is not positive")
        source[dim] = len(range(*slice(start, end, step).indices(size)))
    else:
        source[dim] = None
    return [tuple(source)]


@_rule("split_with_sizes")
def _split_with_sizes(op: SchemaOp) -> Sequence[Dims | None]:
    source, sizes = _operand(op, "self"), _list(op, "split_sizes")
    dim = _axis(cast(int, op.value_of("dim")), len(source))
    if all(isinstance(size, int) for size in sizes):
        total = sum(cast(list[int], sizes))
        _check(_same(total, source[dim]), f"parts of {total} in all, of dim {dim}")
    return [(*source[:dim], size, *source[dim + 1 :]) for size in sizes]


# Joining and repeating


@_rule("cat")
def _cat(op: SchemaOp) -> Sequence[Dims | None]:
    # PyTorch lets tensors of shape [0] pass.
    shapes = [dims for dims in map(_dims, op.operands) if dims != (0,)]
    if not shapes:
        return [(0,)]
    first = shapes[0]
    dim = _axis(cast(int, op.value_of("dim")), len(first))
    for dims in shapes[1:]:
        fits = len(dims) == len(first) and all(
            i == dim or _same(a, b) for i, (a, b) in enumerate(zip(first, dims, strict=True))
        )
        _check(fits, f"{_text(first)} and {_text(dims)} differ in more than dim {dim}")
    sizes = [dims[dim] for dims in shapes]
    total = sum(cast(list[int], sizes)) if all(isinstance(s, int) for s in sizes) else None
    return [(*first[:dim], total, *first[dim + 1 :])]


@_rule("stack")
def _stack(op: SchemaOp) -> Sequence[Dims | None]:
    shapes = [_dims(operand) for operand in op.operands]
    for dims in shapes[1:]:
        _check(_same_dims(shapes[0], dims), f"{_text(shapes[0])} and {_text(dims)} differ")
    result = list(shapes[0])
    result.insert(_axis(cast(int, op.value_of("dim")), len(result) + 1), len(shapes))
    return [tuple(result)]


@_rule("repeat")
def _repeat(op: SchemaOp) -> Sequence[Dims | None]:
    source, repeats = _operand(op, "self"), _list(op, "repeats")
    _check(len(repeats) >= len(source), f"{len(repeats)} repeats for {len(source)} dims")
    padded: Dims = (*[1] * (len(repeats) - len(source)), *source)
    return [tuple(_product(pair) for pair in zip(padded, repeats, strict=True))]


@_rule("constant_pad_nd")
def _pad(op: SchemaOp) -> Sequence[Dims | None]:
    source, pad = list(_operand(op, "self")), _list(op, "pad")
    _check(
        len(pad) % 2 == 0 and len(pad) <= 2 * len(source),
        f"{len(pad)} paddings for {len(source)} dims",
    )
    for index in range(len(pad) // 2):
        amounts = (source[-1 - index], pad[2 * index], pad[2 * index + 1])
        known = all(isinstance(amount, int) for amount in amounts)
        source[-1 - index] = sum(cast(tuple[int, ...], amounts)) if known else None
    return [tuple(source)]


# Factories


@_rule("full", "rand", "randn", "empty.memory_format", "empty_strided")
def _factory(op: SchemaOp) -> Sequence[Dims | None]:
    return [tuple(_list(op, "size"))]


# Matrix products


def _matrix_product(a: Dims, b: Dims, rank: int) -> Dims:
    _check(
        len(a) == len(b) == rank,
        f"expected two tensors of {rank} dims, got {_text(a)} and {_text(b)}",
    )
    _check(
        _same(a[-1], b[-2]) and _same_dims(a[:-2], b[:-2]),
        f"{_text(a)} and {_text(b)} cannot be multiplied",
    )
    return (*a[:-1], b[-1])


@_rule("mm", "bmm")
def _mm(op: SchemaOp) -> Sequence[Dims | None]:
    rank = 2 if op.SCHEMA.name == "mm" else 3
    return [_matrix_product(_operand(op, "self"), _operand(op, "mat2"), rank)]


@_rule("addmm", "baddbmm")
def _addmm(op: SchemaOp) -> Sequence[Dims | None]:
    first, second, rank = (
        ("mat1", "mat2", 2) if op.SCHEMA.name == "addmm" else ("batch1", "batch2", 3)
    )
    product = _matrix_product(_operand(op, first), _operand(op, second), rank)
    added = _operand(op, "self")
    _check(
        _same_dims(_broadcast([added, product]), product),
        f"{_text(added)} cannot be added to {_text(product)}",
    )
    return [product]


@_rule("matmul")
def _matmul(op: SchemaOp) -> Sequence[Dims | None]:
    a, b = _operand(op, "self"), _operand(op, "other")
    _check(bool(a) and bool(b), "matmul takes no 0-d tensors")
    inner = b[-2:][0]
    _check(_same(a[-1], inner), f"{_text(a)} and {_text(b)} cannot be multiplied")
    rows, columns = (a[-2:-1], b[-1:] if len(b) > 1 else ())
    return [(*_broadcast([a[:-2], b[:-2]]), *rows, *columns)]


@_rule("linear")
def _linear(op: SchemaOp) -> Sequence[Dims | None]:
    source, weight, bias = _operand(op, "input"), _operand(op, "weight"), _optional(op, "bias")
    _check(
        bool(source) and len(weight) in (1, 2) and _same(source[-1], weight[-1]),
        f"the input {_text(source)} does not fit the weight {_text(weight)}",
    )
    out = weight[:-1]
    if bias is not None:
        fits = _same_dims(_broadcast([bias, out]), out)
        _check(fits, f"the bias {_text(bias)} does not fit the weight {_text(weight)}")
    return [(*source[:-1], *out)]


@_rule("scaled_dot_product_attention")
def _attention(op: SchemaOp) -> Sequence[Dims | None]:
    query, key, value = (_operand(op, name) for name in ("query", "key", "value"))
    _check(
        min(map(len, (query, key, value))) >= 2
        and _same(query[-1], key[-1])
        and _same(key[-2], value[-2]),
        f"query {_text(query)}, key {_text(key)} and value {_text(value)} do not fit",
    )
    lead = query[:-2]
    if not op.value_of("enable_gqa"):
        lead = _broadcast([query[:-2], key[:-2], value[:-2]])
    mask = _optional(op, "attn_mask")
    if mask is not None:
        scores = (*lead, query[-2], key[-2])
        _check(
            _same_dims(_broadcast([mask, scores]), scores),
            f"the mask {_text(mask)} does not fit the scores {_text(scores)}",
        )
    return [(*lead, query[-2], value[-1])]


# Convolution and pooling


@_rule("convolution", "conv1d", "conv2d", "conv3d")
def _convolution(op: SchemaOp) -> Sequence[Dims | None]:
    source, weight, bias = _operand(op, "input"), _operand(op, "weight"), _optional(op, "bias")
    spatial = len(weight) - 2
    _check(
        spatial > 0 and len(source) in (spatial + 1, spatial + 2),
        f"the input {_text(source)} and the weight {_text(weight)} differ in dims",
    )
    transposed = op.SCHEMA.name == "convolution" and bool(op.value_of("transposed"))
    groups = cast(int, op.value_of("groups"))
    channels = source[-spatial - 1]
    ins, outs = _product((weight[1], groups)), weight[0]
    if transposed:
        ins, outs = weight[0], ins
    _check(
        _same(channels, ins),
        f"the input has {channels} channels, the weight {_text(weight)} with {groups} groups "
        f"takes {ins}",
    )
    _check(
        not isinstance(weight[0], int) or weight[0] % groups == 0,
        f"the weight {_text(weight)} does not divide into {groups} groups",
    )
    if bias is not None:
        fits = _same_dims(bias, (outs,))
        _check(fits, f"the bias {_text(bias)} does not fit {outs} output channels")
    window = _Windows(op, spatial, weight[2:])
    extra = window.list("output_padding", 0) if transposed else []
    sizes = [
        window.transposed_size(i, size, extra[i]) if transposed else window.size(i, size)
        for i, size in enumerate(source[-spatial:])
    ]
    return [(*source[: -spatial - 1], outs, *sizes)]


@_rule(
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "avg_pool1d", "avg_pool2d", "avg_pool3d",
)  # fmt: skip
def _pool(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "self")
    spatial = int(op.SCHEMA.name.split("pool")[1][0])
    _check(
        len(source) in (spatial + 1, spatial + 2),
        f"expected {spatial + 1} or {spatial + 2} dims, got {_text(source)}",
    )
    kernel = _list(op, "kernel_size")
    window = _Windows(op, spatial, kernel * spatial if len(kernel) == 1 else kernel)
    sizes = [window.size(i, size) for i, size in enumerate(source[-spatial:])]
    return [(*source[:-spatial], *sizes)] * len(op.results)


@_rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def _adaptive_pool(op: SchemaOp) -> Sequence[Dims | None]:
    source, size = _operand(op, "self"), _list(op, "output_size")
    _check(len(source) > len(size), f"{_text(source)} has too few dims")
    return [(*source[: -len(size)], *size)]


class _Windows:
    """The windows of a convolution or a pooling operator, by spatial dim."""

    def __init__(self, op: SchemaOp, spatial: int, kernel: Sequence[Dim]) -> None:
        self._op, self._spatial, self._kernel = op, spatial, kernel
        self._names = {argument.name for argument in op.kept_arguments()}
        self._padding, self._dilation = self.list("padding", 0), self.list("dilation", 1)
        self._stride = self.list("stride", 0)
        if not any(self._stride):
            self._stride = list(kernel)
        self._ceil = "ceil_mode" in self._names and bool(op.value_of("ceil_mode"))

    def list(self, name: str, default: int) -> list[Dim]:
        """A list argument with an item for each spatial dim; one number stands for all."""
        items = _list(self._op, name) if name in self._names else []
        items = items or [default]
        if len(items) == 1:
            items = items * self._spatial
        _check(
            len(items) == self._spatial, f"{name} has {len(items)} numbers for {self._spatial} dims"
        )
        return items

    def size(self, i: int, size: Dim) -> Dim:
        """The number of windows in dim `i` of the given size."""
        numbers = (size, self._kernel[i], self._stride[i], self._padding[i], self._dilation[i])
        if not all(isinstance(number, int) for number in numbers):
            return None
        size, kernel, stride, padding, dilation = cast(tuple[int, int, int, int, int], numbers)
        _check(stride > 0, f"stride {stride} is not positive")
        span = size + 2 * padding - dilation * (kernel - 1) - 1
        if not self._ceil:
            return span // stride + 1
        count = -(-span // stride) + 1
        # The last window starts inside the input or its left padding.
        return count - 1 if (count - 1) * stride >= size + padding else count

    def transposed_size(self, i: int, size: Dim, extra: Dim) -> Dim:
        """The size in dim `i` that a transposed convolution makes from `size` windows."""
        numbers = (
            size, self._kernel[i], self._stride[i], self._padding[i], self._dilation[i], extra
        )  # fmt: skip
        if not all(isinstance(number, int) for number in numbers):
            return None
        size, kernel, stride, padding, dilation, extra = cast(tuple[int, ...], numbers)
        return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1


# Normalization


@_rule("layer_norm", "native_layer_norm", "rms_norm")
def _layer_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source, shape = _operand(op, "input"), tuple(_list(op, "normalized_shape"))
    lead = len(source) - len(shape)
    _check(
        lead >= 0 and _same_dims(source[lead:], shape),
        f"the input {_text(source)} does not end with normalized_shape = {_text(shape)}",
    )
    for name in ("weight", "bias") if op.SCHEMA.name != "rms_norm" else ("weight",):
        given = _optional(op, name)
        if given is not None:
            fits = _same_dims(given, shape)
            _check(fits, f"the {name} {_text(given)} does not fit {_text(shape)}")
    statistics = (*source[:lead], *[1] * len(shape))
    return [source, statistics, statistics]


@_rule("group_norm", "native_group_norm")
def _group_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "input")
    _check(len(source) >= 2, f"expected at least 2 dims, got {_text(source)}")
    _check_channels(op, source[1], ("weight", "bias"))
    return [source]


@_rule("_native_batch_norm_legit_no_training", "_native_batch_norm_legit.no_stats")
def _batch_norm(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "input")
    _check(len(source) >= 2, f"expected at least 2 dims, got {_text(source)}")
    names = [a.name for a in op.kept_arguments() if a.is_tensor and a.name != "input"]
    _check_channels(op, source[1], names)
    return [source]


def _check_channels(op: SchemaOp, channels: Dim, names: Iterable[str]) -> None:
    for name in names:
        given = _optional(op, name)
        if given is not None:
            fits = _same_dims(given, (channels,))
            _check(fits, f"the {name} {_text(given)} does not fit {channels} channels")


# Reductions


@_rule(
    "mean.dim", "sum.dim_IntList", "prod.dim_int", "amax", "amin", "var.dim", "var.correction",
    "var_mean.correction", "any.dim", "any.dims", "max.dim", "min.dim", "argmax", "argmin",
    "linalg_vector_norm",
)  # fmt: skip
def _reduction(op: SchemaOp) -> Sequence[Dims | None]:
    source = _operand(op, "self")
    axes = {_axis(0, 0)} if not source else set(_axes(op, len(source)))
    if op.SCHEMA.name in ("argmax", "argmin") and op.value_of("dim") is None:
        axes = set(range(len(source)))
    if op.value_of("keepdim"):
        dims = tuple(1 if i in axes else dim for i, dim in enumerate(source))
    else:
        dims = tuple(dim for i, dim in enumerate(source) if i not in axes)
    return [dims] * len(op.results)


@_rule("any", "max", "min", "mean", "prod")
def _total(op: SchemaOp) -> Sequence[Dims | None]:
    return [()]


# Indexing


@_rule("embedding")
def _embedding(op: SchemaOp) -> Sequence[Dims | None]:
    weight = _operand(op, "weight")
    _check(len(weight) == 2, f"the weight {_text(weight)} is no matrix")
    return [(*_operand(op, "indices"), weight[1])]


@_rule("index_select")
def _index_select(op: SchemaOp) -> Sequence[Dims | None]:
    source, index = list(_operand(op, "self")), _operand(op, "index")
    _check(len(index) < 2, f"the index {_text(index)} has more than one dim")
    if source:
        source[_axis(cast(int, op.value_of("dim")), len(source))] = index[0] if index else 1
    return [tuple(source)]


@_rule("gather")
def _gather(op: SchemaOp) -> Sequence[Dims | None]:
    return [_operand(op, "index")]
