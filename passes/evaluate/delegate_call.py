"""Runs a call of a compiled payload, as a program with that call would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation

from ...dialects.delegate import CallOp
from ...dialects.diagnostic import Diagnostic, DiagnosticsError
from ...dialects.memory import NamedDataOp
from ...runtime.delegates import Backends, DelegateOptions, aligned, find_loaders, load_delegate
from ...runtime.errors import ProgramError
from .arrays import Array, empty_array


def call_payload(
    op: CallOp,
    inputs: Sequence[Any],
    sizes: Mapping[str, int],
    weights: Mapping[str, Array],
    backends: Backends,
) -> list[Array]:
    """The results of a call; DiagnosticsError where its backend is not named or refuses."""
    name = op.backend.data
    arguments = [
        _dense(value, operand.type, sizes) for value, operand in zip(inputs, op.inputs, strict=True)
    ]
    outs = [empty_array(cast(TensorType[Attribute], type), sizes) for type in op.result_types]
    named = _named_data(op)

    def named_data(key: str) -> memoryview:
        if key not in named:
            raise ProgramError(f"the module has no named data {key!r}")
        return aligned(weights[named[key]].tobytes())

    specs = {key: value.encode() for key, value in op.option_values.items()}
    try:
        loaders = find_loaders(backends)
        if name not in loaders:
            message = f"calls compiled code of the backend {name!r}"
            advice = f"name it to run that: --backend {name}"
            raise DiagnosticsError([Diagnostic.at(op, message, advice)])
        payload = aligned(weights[op.payload.data].tobytes())
        options = DelegateOptions(specs, 1, named_data)
        returned = load_delegate(name, loaders[name], payload, options)(*arguments, *outs)
    except ProgramError as error:
        raise DiagnosticsError([Diagnostic.at(op, f"cannot be run: {error}")]) from error
    if isinstance(returned, tuple):
        new = cast("tuple[Any, ...]", returned)
        outs[len(outs) - len(new) :] = [np.asarray(value) for value in new]
    return outs


def _dense(value: Any, type: Attribute, sizes: Mapping[str, int]) -> Any:
    """A tensor in memory that is dense in the dim order of its type, as payloads count on."""
    if not isinstance(type, TensorType):
        return value
    array = empty_array(cast(TensorType[Attribute], type), sizes)
    np.copyto(array, value)
    return array


def _named_data(op: Operation) -> dict[str, str]:
    """The weights keys of the module's named data, by their own keys."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, ModuleOp):
        parent = parent.parent_op()
    data = () if parent is None else parent.ops
    return {o.key.data: o.payload.data for o in data if isinstance(o, NamedDataOp)}
