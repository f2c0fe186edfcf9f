"""Checks the inputs of a function against its signature, and reads symbolic sizes off them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from ...dialects.function import input_names, symbol_ranges
from ...runtime.errors import InputError
from .arrays import fits


def bind_sizes(function: FuncOp, inputs: Sequence[Any]) -> dict[str, int]:
    """The values of the symbols that the sizes of the inputs determine.

    Raises InputError, naming the input, for a wrong count, dtype or shape.
    """
    arguments = function.body.block.args
    if len(inputs) != len(arguments):
        raise InputError(
            f"{function.sym_name.data} takes {len(arguments)} inputs, got {len(inputs)}"
        )
    sizes: dict[str, int] = {}
    names = input_names(function)
    for index, (argument, value) in enumerate(zip(arguments, inputs, strict=True)):
        if isinstance(argument.type, TensorType):
            type = cast(TensorType[Attribute], argument.type)
            if not fits(type, np.asarray(value), sizes):
                name = names[index] or f"input_{index}"
                array = np.asarray(value)
                raise InputError(
                    f"input {name!r} (#{index}): got {array.dtype}{list(array.shape)}, want {type}"
                )
    for name, (low, high) in symbol_ranges(function).items():
        if name in sizes and not low <= sizes[name] <= high:
            raise InputError(f"size {name} is {sizes[name]}, outside [{low}, {high}]")
    return sizes
