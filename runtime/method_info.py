"""What a method takes and gives: names, shapes, dtypes, bytes and structure, from its tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .dtypes import BY_CODE
from .input_sizes import InputSizes, parse_input_sizes
from .program.schema import (
    Bool,
    Double,
    ExecutionPlan,
    Int,
    ShapeDynamism,
    String,
    Tensor,
    Value,
)
from .structure import Structure, parse_structure


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a method.

    A tensor has its `shape` (where `dynamic`, the largest one), numpy `dtype`, scalar type as the
    IR spells it (`f32`) and size in bytes. A Python value has no dimensions and no bytes, and the
    scalar type `int`, `float`, `bool`, `str` or `none`; the last two have no dtype. `value` is what
    the program's table has for it: for an input the number of the capture.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    scalar_type: str
    nbytes: int
    dynamic: bool
    is_tensor: bool
    value: int | float | bool | str | None = None

    def __str__(self) -> str:
        if not self.is_tensor:
            return self.scalar_type
        limit = "<=" if self.dynamic else ""
        return f"{self.dtype}[{', '.join(f'{limit}{size}' for size in self.shape)}]"


@dataclass(frozen=True)
class MethodInfo:
    """A method's inputs and outputs, flat, and the structures that the model has them in.

    `input_structure` is a tuple of positional arguments and a dict of keyword arguments; either
    structure is None where the program does not say. `mutated_inputs` are positions of inputs that
    the method writes, in the order of the new values that precede the user's outputs in the
    program. `backends` are the names of the backends that it calls. `input_sizes` says which sizes
    the inputs may have; None where all are static, or the program does not say.
    """

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    input_structure: Structure | None
    output_structure: Structure | None
    mutated_inputs: tuple[int, ...]
    backends: tuple[str, ...]
    input_sizes: InputSizes | None = None


def describe_method(plan: ExecutionPlan) -> MethodInfo:
    """The metadata of a method of a verified program."""
    values = [plan.values[index] for index in plan.inputs]
    inputs = _describe("input", values, map(_stored_name, values))
    returned = _returned_structure(plan)
    # An export returns the new values of mutated inputs too, first; the structure has no place
    # for them.
    mutated = plan.outputs[: len(plan.outputs) - returned.leaf_count] if returned else []
    outputs = [plan.values[index] for index in plan.outputs[len(mutated) :]]
    # The slot of an output may be an input's, or one that two outputs share: keys say more.
    names = returned.leaf_names() if returned else map(_stored_name, outputs)
    return MethodInfo(
        name=plan.name,
        inputs=inputs,
        outputs=_describe("output", outputs, names),
        input_structure=_taken_structure(plan),
        output_structure=returned,
        mutated_inputs=tuple(plan.inputs.index(index) for index in mutated),
        backends=tuple(dict.fromkeys(delegate.id for delegate in plan.delegates)),
        input_sizes=_input_sizes(plan),
    )


def _taken_structure(plan: ExecutionPlan) -> Structure | None:
    metadata = plan.container_meta_type
    structure = parse_structure(metadata.encoded_inp_str) if metadata else None
    if structure is None or structure.leaf_count != len(plan.inputs):
        return None
    kinds = [child.kind for child in structure.children]
    return structure if kinds == ["tuple", "dict"] else None


def _input_sizes(plan: ExecutionPlan) -> InputSizes | None:
    metadata = plan.container_meta_type
    sizes = parse_input_sizes(metadata.encoded_inp_str, len(plan.inputs)) if metadata else None
    if sizes is None:
        return None
    for index, entry in zip(plan.inputs, sizes.inputs, strict=True):
        value = plan.values[index]
        rank = len(value.sizes) if isinstance(value, Tensor) else None
        if entry is not None and rank != (len(entry) if isinstance(entry, tuple) else None):
            return None
    return sizes


def _returned_structure(plan: ExecutionPlan) -> Structure | None:
    metadata = plan.container_meta_type
    structure = parse_structure(metadata.encoded_out_str) if metadata else None
    if structure is None or structure.leaf_count > len(plan.outputs):
        return None
    mutated = plan.outputs[: len(plan.outputs) - structure.leaf_count]
    return structure if set(mutated) <= set(plan.inputs) else None


def _describe(
    kind: str, values: Sequence[Value], names: Iterable[str | None]
) -> tuple[TensorInfo, ...]:
    described = zip(unique_names(kind, names), values, strict=True)
    return tuple(_describe_value(name, value) for name, value in described)


def unique_names(kind: str, names: Iterable[str | None]) -> list[str]:
    """The names of inputs or outputs; where there is none, or another has it, its position."""
    unique: list[str] = []
    for index, name in enumerate(names):
        if not name or name in unique:
            name = f"{kind}_{index}"
        while name in unique:
            name += "_"
        unique.append(name)
    return unique


def _stored_name(value: Value) -> str | None:
    info = value.extra_tensor_info if isinstance(value, Tensor) else None
    return info.fully_qualified_name if info is not None else None


def _describe_value(name: str, value: Value) -> TensorInfo:
    if isinstance(value, Tensor):
        known = BY_CODE.get(value.scalar_type)
        return TensorInfo(
            name,
            tuple(value.sizes),
            known.dtype if known else None,
            known.name if known else f"scalar type {value.scalar_type}",
            prod(value.sizes) * (known.dtype.itemsize if known else 0),
            value.shape_dynamism != ShapeDynamism.STATIC,
            is_tensor=True,
        )
    scalar_type, dtype, number = "none", None, None
    match value:
        case Int(number):
            scalar_type, dtype = "int", np.dtype(np.int64)
        case Double(number):
            scalar_type, dtype = "float", np.dtype(np.float64)
        case Bool(number):
            scalar_type, dtype = "bool", np.dtype(np.bool_)
        case String(number):
            scalar_type = "str"
        case _:
            pass
    return TensorInfo(name, (), dtype, scalar_type, 0, dynamic=False, is_tensor=False, value=number)
