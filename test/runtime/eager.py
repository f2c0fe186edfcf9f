"""Compares a kernel with PyTorch eager; kernel tests say `from eager import check`.

pytest puts the folder of a test file without `__init__.py` on `sys.path`, so this module is
imported by its bare name from every test in `test/runtime`.
"""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import torch

from edgeir.runtime.registry import Kernel, broken_families, find_kernel

SCALAR_CODES = {
    torch.uint8: 0,
    torch.int8: 1,
    torch.int16: 2,
    torch.int32: 3,
    torch.int64: 4,
    torch.float16: 5,
    torch.float32: 6,
    torch.float64: 7,
    torch.complex64: 9,
    torch.complex128: 10,
    torch.bool: 11,
    torch.bfloat16: 15,
}
BIT_TYPES = {
    torch.bfloat16: (torch.int16, ml_dtypes.bfloat16),
    torch.complex32: (torch.int32, ml_dtypes.complex32),
    torch.float8_e4m3fn: (torch.int8, ml_dtypes.float8_e4m3fn),
    torch.float8_e5m2: (torch.int8, ml_dtypes.float8_e5m2),
}
FROM_BITS = {np.dtype(numpy): (bits, torch_) for torch_, (bits, numpy) in BIT_TYPES.items()}


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A fresh array with the values of `tensor` and its dense strides (channels-last stays so)."""
    tensor = tensor.detach().clone()
    if tensor.dtype in BIT_TYPES:
        bits, dtype = BIT_TYPES[tensor.dtype]
        return tensor.view(bits).numpy().view(dtype)
    return tensor.resolve_conj().resolve_neg().numpy()


def to_torch(array: np.ndarray) -> torch.Tensor:
    """A fresh tensor with the values of `array`."""
    array = np.array(array, order="C", copy=True)
    if array.dtype in FROM_BITS:
        bits, dtype = FROM_BITS[array.dtype]
        return torch.from_numpy(array.view(f"i{array.itemsize}")).view(bits).view(dtype)
    return torch.from_numpy(array)


def check(
    name: str,
    reference: Callable[..., Any],
    *args: Any,
    rtol: float | None = None,
    atol: float | None = None,
    exact: bool = False,
    dynamic: bool = False,
    in_place: int | None = None,
    equal_nan: bool = True,
    **kwargs: Any,
) -> None:
    """Run kernel `name` on the arguments in several memory forms; compare with `reference`.

    `reference(*args, **kwargs)` is called on tensors; the kernel gets the same arguments as arrays,
    `args` then the values of `kwargs`, so they must stand in schema order and be complete, with the
    outs behind them (a list result is one list argument). dtypes become codes. The forms are:
    dense, strided inputs and outs, and the specialised thunk (twice, with new values; and with
    constant inputs). No input may be written. `exact` demands equal bits (up to nan payload),
    otherwise `torch.testing.assert_close` with its default tolerances or the given ones.
    `dynamic` hands out arrays of a wrong (larger) shape too and expects new arrays back.
    `in_place` numbers the argument whose memory the single out may share.
    """
    kernel = find_kernel(name)
    assert kernel is not None, f"no kernel {name}; broken families: {broken_families()}"
    expected = reference(*args, **kwargs)
    as_list = isinstance(expected, list) or (isinstance(expected, tuple) and _is_list_op(name))
    wanted = list(expected) if isinstance(expected, list | tuple) else [expected]
    values = [*args, *kwargs.values()]
    if exact:
        rtol = atol = 0
    limits: dict[str, Any] = {"rtol": rtol, "atol": atol, "equal_nan": equal_nan}

    for form in ("dense", "strided"):
        inputs = [_convert(value, form) for value in values]
        outs = [_poisoned(result, form) for result in wanted]
        _call(kernel, inputs, outs, as_list, wanted, limits, form)
        _assert_unchanged(values, inputs, name)
    if dynamic:
        inputs = [_convert(value, "dense") for value in values]
        outs = [np.zeros([n + 1 for n in r.shape], to_numpy(r).dtype) for r in wanted]
        _call(kernel, inputs, outs, as_list, wanted, limits, "dynamic")
    if in_place is not None:
        inputs = [_convert(value, "dense") for value in values]
        _call(kernel, inputs, [inputs[in_place]], False, wanted, limits, "in place")
        inputs = [_convert(value, "dense") for value in values]
        thunk = kernel.specializer and kernel.specializer(*inputs, inputs[in_place])
        if thunk:
            with np.errstate(all="ignore"):
                thunk()
            _compare([inputs[in_place]], wanted, limits, f"{name}: thunk in place")
    _check_thunk(kernel, values, wanted, as_list, limits)


def _check_thunk(
    kernel: Kernel, values: list[Any], wanted: list[torch.Tensor], as_list: bool, limits: Any
) -> None:
    if kernel.specializer is None:
        return
    for constant in (False, True):
        inputs = [_convert(value, "dense") for value in values]
        arrays = [a for i in inputs for a in (i if isinstance(i, list) else [i])]
        arrays = [a for a in arrays if isinstance(a, np.ndarray)]
        outs = [_poisoned(result, "dense") for result in wanted]
        originals = [a.copy() for a in arrays]
        if constant:
            for array in arrays:
                array.flags.writeable = False
        else:
            for array in arrays:
                array[...] = np.zeros((), array.dtype)
        with np.errstate(all="ignore"):
            thunk = kernel.specializer(*inputs, *([outs] if as_list else outs))
            if thunk is None:
                continue
            for _ in range(2):
                if not constant:
                    for array, original in zip(arrays, originals, strict=True):
                        array[...] = original
                for out in outs:
                    out[...] = _poison(out.dtype)
                thunk()
                _compare(outs, wanted, limits, f"{kernel.name}: thunk, {constant=}")


def _call(
    kernel: Kernel,
    inputs: list[Any],
    outs: list[np.ndarray],
    as_list: bool,
    wanted: list[torch.Tensor],
    limits: Any,
    form: str,
) -> None:
    with np.errstate(all="ignore"):
        returned = kernel(*inputs, *([outs] if as_list else outs))
    results: Any = outs
    if returned is not None:
        results = returned if isinstance(returned, list | tuple) else [returned]
    _compare(results, wanted, limits, f"{kernel.name}: {form}")


def _compare(results: Any, wanted: list[torch.Tensor], limits: Any, what: str) -> None:
    assert len(results) == len(wanted), what
    for result, reference in zip(results, wanted, strict=True):
        torch.testing.assert_close(
            to_torch(result),
            reference.detach().contiguous(),
            msg=lambda message: f"{what}: {message}",
            **limits,
        )


def _assert_unchanged(values: list[Any], inputs: list[Any], name: str) -> None:
    for value, array in zip(values, inputs, strict=True):
        if isinstance(value, torch.Tensor):
            same = to_torch(array), value.detach().contiguous()
            torch.testing.assert_close(
                *same, rtol=0, atol=0, equal_nan=True, msg=f"{name} wrote to an input"
            )


def _convert(value: Any, form: str) -> Any:
    if isinstance(value, torch.Tensor):
        array = to_numpy(value)
        return _strided(array) if form == "strided" else array
    if isinstance(value, list | tuple):
        return [_convert(v, form) for v in value]
    if isinstance(value, torch.dtype):
        return SCALAR_CODES[value]
    if isinstance(value, torch.memory_format | torch.layout):
        return 0
    return value


def _strided(array: np.ndarray) -> np.ndarray:
    """The same values in memory with gaps and with the outermost dimension innermost."""
    shape = array.shape[1:] + array.shape[:1]
    memory = np.zeros([*shape, 2], array.dtype)
    view = np.moveaxis(memory[..., 0], -1, 0) if array.ndim else memory[..., 0]
    view[...] = array
    return view


def _poison(dtype: np.dtype) -> Any:
    return np.array(77 if dtype.kind in "iub" else np.nan).astype(dtype)


def _poisoned(result: torch.Tensor, form: str) -> np.ndarray:
    dense = np.empty(tuple(result.shape), to_numpy(result[:0] if result.dim() else result).dtype)
    out = _strided(dense) if form == "strided" else dense
    out[...] = _poison(out.dtype)
    return out


def _is_list_op(name: str) -> bool:
    operator = name.split("::")[-1].split(".")[0]
    return operator in ("chunk", "split", "unbind", "split_with_sizes") or operator.endswith(
        ("split_copy", "unbind_copy", "split_with_sizes_copy")
    )
