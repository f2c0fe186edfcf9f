"""Methods that are one call of one delegate: it reads the caller's arrays and writes the outputs.

Nothing is copied and no slot is used, so that a small model takes little longer than its kernels.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .arrays import Array
from .delegates import MovableDelegate
from .inputs import check_tensor, flatten_inputs
from .interpreter import Method
from .method_info import MethodInfo
from .program.schema import DelegateCall
from .slots import TensorSlot
from .structure import Structure

DirectMethod = Callable[[Sequence[Any], Mapping[str, Any]], Any]
"""Takes positional and keyword arguments, and gives what `Module.run` does."""

_DENSE = 0x101
"""numpy's flags of a row-major and aligned array."""


def direct_method(method: Method, info: MethodInfo) -> DirectMethod | None:
    """A direct way to run a method; None if there is more to do than one such call.

    Its tensors must be static and row-major; the call takes inputs of the method only, and gives
    all of its outputs.
    """
    function = _delegate_function(method, info)
    if function is None:
        return None
    inputs = info.inputs
    dtypes, shapes = [value.dtype for value in inputs], [value.shape for value in inputs]
    count = len(inputs)
    is_flat = info.input_structure is None or _is_flat(info.input_structure, count)
    made = [(value.shape, value.dtype) for value in info.outputs]
    rebuild = _rebuilder(info.output_structure, len(made))
    empty, ndarray = np.empty, np.ndarray

    def fitting(values: Sequence[Any]) -> list[Array]:
        arrays: list[Array] = []
        for value, info in zip(values, inputs, strict=True):
            array = check_tensor(info, len(arrays), value)
            dense = array.flags.num & _DENSE == _DENSE
            arrays.append(array if dense else np.array(array, order="C"))
        return arrays

    def call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if kwargs or not is_flat or len(args) != count:
            args = flatten_inputs(info, args, kwargs)
        for value, dtype, shape in zip(args, dtypes, shapes, strict=False):
            if (
                type(value) is not ndarray
                or value.dtype is not dtype
                or value.shape != shape
                or value.flags.num & _DENSE != _DENSE
            ):
                args = fitting(args)
                break
        if rebuild is None:
            ((shape, dtype),) = made
            output = empty(shape, dtype)
            function(*args, output)
            return output
        outputs = [empty(shape, dtype) for shape, dtype in made]
        function(*args, *outputs)
        return rebuild(outputs)

    return call


def _delegate_function(method: Method, info: MethodInfo) -> Callable[..., object] | None:
    """The function of the method's only call, of all its inputs, then all its outputs."""
    plan = method.plan
    match [instruction for chain in plan.chains for instruction in chain.instructions]:
        case [DelegateCall(delegate_index=number, args=args)]:
            delegate = method.delegates[number]
        case _:
            return None
    known = [*plan.inputs, *plan.outputs]
    taken = args[: len(args) - len(plan.outputs)]
    if len(set(known)) != len(known) or not set(taken) <= set(plan.inputs):
        return None
    if sorted(args[len(taken) :]) != sorted(plan.outputs) or info.mutated_inputs:
        return None
    slots = [method.slots[index] for index in known]
    if not all(isinstance(slot, TensorSlot) and _is_plain(slot) for slot in slots):
        return None
    if not isinstance(delegate, MovableDelegate):
        return None
    function = delegate.anywhere()
    if list(args) == known:
        return function
    order = [known.index(index) for index in args]
    return lambda *arrays: function(*[arrays[position] for position in order])


def _rebuilder(structure: Structure | None, count: int) -> Callable[[list[Array]], Any] | None:
    """What makes the method's result of its outputs; None where it is the only one."""
    if structure is None:
        return None if count == 1 else tuple
    return None if structure.kind == "leaf" else structure.rebuild


def _is_plain(slot: TensorSlot) -> bool:
    """Whether a tensor is static and row-major."""
    return not slot.dynamic and slot.order == tuple(range(len(slot.order)))


def _is_flat(structure: Structure, count: int) -> bool:
    """Whether the model takes so many tensors by position and nothing else."""
    positional, keywords = structure.children
    return (
        not keywords.children
        and len(positional.children) == count
        and all(child.kind == "leaf" for child in positional.children)
    )
