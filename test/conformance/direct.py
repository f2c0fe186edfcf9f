"""Calls of operators that no OpInfo reaches: backward operators and overloads with numbers.

PyTorch decomposes these before they can come from a model, or only training produces them.
"""

from typing import Any

import torch
from samples import Sample
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten


def direct_samples(key: str, seed: int) -> list[Sample]:
    """The samples of an operator of `CALLS`, `aten::var.dim`."""
    torch.manual_seed(seed)
    namespace, _, name = key.partition("::")
    packet, _, overload = name.partition(".")
    operator = getattr(getattr(getattr(torch.ops, namespace), packet), overload or "default")
    return [
        _sample(key, operator, index, args, kwargs)
        for index, (args, kwargs) in enumerate(_calls(key))
    ]


def _sample(key: str, operator: Any, index: int, args: Any, kwargs: Any) -> Sample:
    leaves, structure = tree_flatten((args, kwargs))
    positions = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def function(*given: Tensor) -> Any:
        filled = list(leaves)
        for position, tensor in zip(positions, given, strict=True):
            filled[position] = tensor
        call_args, call_kwargs = tree_unflatten(filled, structure)
        return operator(*call_args, **call_kwargs)

    tensors = tuple(leaves[i] for i in positions)
    return Sample(key, "f32", "function", index, function, tensors)


def _calls(key: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return [
        call if isinstance(call[-1], dict) else (call, {})  # type: ignore[misc]
        for call in CALLS[key]()
    ]


def _floats(*shape: int) -> Tensor:
    return torch.randn(shape)


def _integers(*shape: int) -> Tensor:
    return torch.randint(-100, 100, shape)


def _bools(*shape: int) -> Tensor:
    return torch.rand(shape) < 0.5


def _bitwise() -> list[Any]:
    return [
        (_integers(3, 4), 12),
        (_integers(3, 4), -1),
        (_integers(0, 4), 3),
        (_integers(5).to(torch.uint8), 7),
        (_integers(2).int(), 2**20),
        (_bools(4), True),
        (_bools(4), 6),
        (torch.tensor(5), 3),
    ]


def _rounded_quotients() -> list[Any]:
    return [
        ((x, divisor), {"rounding_mode": mode})
        for x in (_floats(3, 4), _integers(3, 4), _integers(6).short(), torch.tensor(-7.0))
        for divisor in (2, -3, 0.7)
        for mode in ("floor", "trunc", None)
    ]


def _convolution_backward() -> list[Any]:
    calls: list[Any] = []
    for spatial, stride, padding, dilation, transposed, groups, mask in (
        ((9,), [2], [1], [1], False, 1, [True, True, True]),
        ((7, 8), [1, 1], [0, 0], [1, 1], False, 1, [True, True, True]),
        ((7, 8), [2, 1], [1, 2], [1, 2], False, 2, [True, True, False]),
        ((6, 6), [1, 1], [1, 1], [1, 1], False, 4, [True, False, True]),
        ((5, 6), [2, 2], [1, 0], [1, 1], True, 1, [True, True, True]),
        ((4, 5, 6), [1, 2, 1], [1, 1, 1], [1, 1, 1], False, 1, [True, True, True]),
    ):
        kernel = [3] * len(spatial)
        x = _floats(2, 4, *spatial)
        weight = _floats(4, 6, *kernel) if transposed else _floats(8, 4 // groups, *kernel)
        out_padding = [0] * len(spatial)
        settings = (stride, padding, dilation, transposed, out_padding, groups)
        out = torch.ops.aten.convolution(x, weight, None, *settings)
        calls.append((torch.randn_like(out), x, weight, [out.shape[1]], *settings, mask))
    return calls


def _avg_pool2d_backward() -> list[Any]:
    calls: list[Any] = []
    for settings in (
        ([2, 2], [2, 2], [0, 0], False, True, None),
        ([3, 2], [2, 1], [1, 1], True, False, None),
        ([3, 3], [1, 1], [1, 1], False, True, 5),
        ([2, 3], [], [1, 0], True, True, None),
    ):
        for shape in ((2, 3, 7, 8), (3, 6, 7)):
            x = _floats(*shape)
            out = torch.ops.aten.avg_pool2d(x, *settings)
            calls.append((torch.randn_like(out), x, *settings))
    return calls


def _max_pool2d_backward() -> list[Any]:
    calls: list[Any] = []
    for settings in (
        ([2, 2], [2, 2], [0, 0], [1, 1], False),
        ([3, 2], [1, 1], [1, 1], [1, 1], False),
        ([3, 3], [2, 2], [1, 0], [2, 1], True),
    ):
        for shape in ((2, 3, 7, 8), (3, 9, 7)):
            x = _floats(*shape)
            out, indices = torch.ops.aten.max_pool2d_with_indices(x, *settings)
            calls.append((torch.randn_like(out), x, *settings, indices))
    return calls


def _adaptive_avg_pool2d_backward() -> list[Any]:
    return [
        (_floats(2, 3, *out), _floats(2, 3, *size))
        for size, out in (((6, 8), (3, 4)), ((7, 5), (3, 2)), ((4, 4), (1, 1)), ((3, 3), (5, 4)))
    ]


def _layer_norm_backward() -> list[Any]:
    calls: list[Any] = []
    for shape, normalized in (((3, 5), [5]), ((2, 3, 4), [3, 4]), ((2, 0, 4), [4])):
        x, weight, bias = _floats(*shape), _floats(*normalized), _floats(*normalized)
        _, mean, rstd = torch.ops.aten.native_layer_norm(x, normalized, weight, bias, 1e-5)
        for mask in ([True, True, True], [True, False, False]):
            calls.append((torch.randn_like(x), x, normalized, mean, rstd, weight, bias, mask))
        calls.append(
            (torch.randn_like(x), x, normalized, mean, rstd, None, None, [True, False, False])
        )
    return calls


def _group_norm_backward() -> list[Any]:
    calls: list[Any] = []
    for n, c, size, groups in ((2, 6, 5, 3), (1, 4, 9, 1), (3, 4, 2, 4)):
        x, weight, bias = _floats(n, c, size), _floats(c), _floats(c)
        sizes = (n, c, size, groups)
        _, mean, rstd = torch.ops.aten.native_group_norm(x, weight, bias, *sizes, 1e-5)
        calls.append((torch.randn_like(x), x, mean, rstd, weight, *sizes, [True] * 3))
        calls.append((torch.randn_like(x), x, mean, rstd, None, *sizes, [True, False, False]))
    return calls


def _embedding_dense_backward() -> list[Any]:
    indices = torch.randint(0, 7, (4, 5))
    return [
        (_floats(4, 5, 3), indices, 7, -1, False),
        (_floats(4, 5, 3), indices, 7, 2, False),
        (_floats(4, 5, 3), indices, 7, -1, True),
        (_floats(6, 3), torch.randint(0, 7, (6,)).int(), 9, 0, False),
    ]


def _embedding_bag() -> list[Any]:
    weight, indices = _floats(10, 3), torch.randint(0, 10, (9,))
    offsets = torch.tensor([0, 3, 3, 7])
    last = torch.tensor([0, 3, 3, 9])
    return [
        *((weight, indices, offsets, False, mode, False, None, False, -1) for mode in (0, 1, 2)),
        (weight, indices, last, False, 0, False, None, True, -1),
        (weight, indices, offsets, False, 0, False, _floats(9), False, -1),
        (weight, indices, offsets, False, 1, False, None, False, int(indices[0])),
    ]


def _batch_norm_inference() -> list[Any]:
    return [
        (x, w, b, _floats(4), torch.rand(4) + 0.1, 0.1, 1e-5)
        for x in (_floats(3, 4), _floats(2, 4, 5), _floats(2, 4, 5, 6), _floats(0, 4, 2))
        for w, b in ((_floats(4), _floats(4)), (None, None))
    ]


def _avg_pool1d() -> list[Any]:
    return [
        (_floats(2, 3, 9), [3]),
        (_floats(3, 9), [2], [1], [1], True, False),
        (_floats(2, 3, 8), [3], [2], [1], False, True),
    ]


def _col2im() -> list[Any]:
    return [
        (_floats(2, 12, 9), [4, 4], [2, 2], [1, 1], [0, 0], [1, 1]),
        (_floats(12, 9), [5, 6], [2, 3], [2, 1], [1, 1], [2, 2]),
    ]


def _upsample() -> list[Any]:
    x = _floats(2, 3, 4, 5)
    return [(x, [8, 10], None), (x, [3, 7], None), (x, None, [2.0, 1.5])]


def _softmax() -> list[Any]:
    return [
        (_floats(3, 4), 1, False),
        (_floats(2, 3, 4) * 30, 0, False),
        (_floats(), -1, False),
        (_floats(0, 3), -1, False),
        (torch.full((2, 3), -torch.inf), 1, False),
    ]


def _convolution() -> list[Any]:
    calls: list[Any] = []
    for spatial, stride, padding, dilation, transposed, output_padding, groups in (
        ((9,), [2], [1], [2], False, [0], 1),
        ((7, 8), [1, 1], [0, 0], [1, 1], False, [0, 0], 2),
        ((7, 8), [2, 1], [3, 2], [1, 3], False, [0, 0], 4),
        ((5, 6), [2, 3], [1, 0], [1, 2], True, [1, 2], 1),
        ((5, 6), [2, 2], [2, 1], [1, 1], True, [0, 1], 2),
        ((6,), [3], [0], [1], True, [2], 4),
        ((4, 5, 6), [1, 2, 1], [1, 1, 1], [1, 1, 2], False, [0, 0, 0], 1),
        ((3, 4, 5), [2, 1, 2], [1, 0, 1], [1, 1, 1], True, [1, 0, 0], 2),
    ):
        kernel = [3] * len(spatial)
        weight = _floats(4, 3, *kernel) if transposed else _floats(8, 4 // groups, *kernel)
        settings = (stride, padding, dilation, transposed, output_padding, groups)
        for batch in (2, 0):
            x = _floats(batch, 4, *spatial)
            bias = _floats(3 * groups if transposed else 8)
            calls += [(x, weight, bias, *settings), (x, weight, None, *settings)]
    return calls


def _remainders() -> list[Any]:
    return [
        (x, divisor)
        for x in (_floats(3, 4) * 9, _integers(3, 4), _integers(5).to(torch.uint8), _floats(0))
        for divisor in (3, -2, 0.7)
    ]


def _powers_of_numbers() -> list[Any]:
    return [
        (base, exponent)
        for base in (2, 0.5, -3.0, 0)
        for exponent in (_floats(3, 4), _integers(3, 4).abs() % 9, torch.tensor(2.0), _floats(0))
    ]


def _squeeze_dim() -> list[Any]:
    return [(_floats(2, 1, 3), 1), (_floats(2, 1, 3), 0), (_floats(1), -1), (_floats(), 0)]


CALLS: dict[str, Any] = {
    "aten::_adaptive_avg_pool2d_backward": _adaptive_avg_pool2d_backward,
    "aten::_adaptive_avg_pool2d": lambda: [
        (_floats(2, 3, 7, 5), [3, 2]), (_floats(3, 4, 4), [4, 1]),
    ],
    "aten::_embedding_bag": _embedding_bag,
    "aten::_log_softmax": _softmax,
    "aten::_native_batch_norm_legit_no_training": _batch_norm_inference,
    "aten::_softmax": _softmax,
    "aten::adaptive_avg_pool1d": lambda: [(_floats(2, 3, 9), [4]), (_floats(3, 7), [7])],
    "aten::avg_pool1d": _avg_pool1d,
    "aten::avg_pool2d_backward": _avg_pool2d_backward,
    "aten::bitwise_and.Scalar": _bitwise,
    "aten::bitwise_or.Scalar": _bitwise,
    "aten::bitwise_xor.Scalar": _bitwise,
    "aten::col2im": _col2im,
    "aten::convolution": _convolution,
    "aten::convolution_backward": _convolution_backward,
    "aten::div.Scalar": lambda: [(_floats(3), 2), (_integers(3, 2), 4), (_bools(3), 0.0)],
    "aten::div.Scalar_mode": _rounded_quotients,
    "aten::embedding_dense_backward": _embedding_dense_backward,
    "aten::fmod.Scalar": _remainders,
    "aten::max_pool2d_with_indices_backward": _max_pool2d_backward,
    "aten::native_dropout": lambda: [(_floats(4, 5), 0.5, True), (_floats(3), 0.3, False)],
    "aten::native_group_norm_backward": _group_norm_backward,
    "aten::native_layer_norm_backward": _layer_norm_backward,
    "aten::pow.Scalar": _powers_of_numbers,
    "aten::randperm": lambda: [((7,), {"dtype": torch.int64}), ((0,), {})],
    "aten::squeeze.dim": _squeeze_dim,
    "aten::upsample_bilinear2d.vec": lambda: [
        (x, size, align, scale) for x, size, scale in _upsample() for align in (True, False)
    ],
    "aten::upsample_nearest2d.vec": _upsample,
    "aten::var.dim": lambda: [
        (_floats(3, 4), [1]), (_floats(3, 4), [0, 1], False, True), (_floats(5), None),
    ],
}  # fmt: skip
"""Argument tuples, or pairs of these and keyword arguments, by operator."""
