"""A method's values as a person reads them."""

from __future__ import annotations

from ...runtime.dataflow import changing_slots
from ...runtime.dtypes import BY_CODE
from ...runtime.program.schema import (
    Bool,
    BoolList,
    Double,
    DoubleList,
    ExecutionPlan,
    Int,
    IntList,
    Null,
    OptionalTensorList,
    ShapeDynamism,
    String,
    Tensor,
    TensorList,
)


class ValueTexts:
    """The text of each value of a method: literals themselves, slots by number and type."""

    def __init__(self, plan: ExecutionPlan):
        self.plan = plan
        self._changing = changing_slots(plan) | set(plan.inputs)

    def __getitem__(self, slot: int) -> str:
        value = self.plan.values[slot]
        if isinstance(value, Null | Int | Bool | Double | String) and slot in self._changing:
            return f"%{slot} {type(value).__name__.lower()}"
        match value:
            case Tensor() as tensor:
                constant = tensor.data_buffer_idx and tensor.allocation_info is None
                return (
                    f"{'const ' if constant else ''}{tensor_name(tensor, slot)} {type_text(tensor)}"
                )
            case Null():
                return "None"
            case Int(int_val=number) | Bool(bool_val=number) | Double(double_val=number):
                return str(number)
            case String(string_val=text):
                return repr(text)
            case DoubleList(items=numbers) | BoolList(items=numbers):
                return str(numbers)
            case IntList(items=items) | TensorList(items=items) | OptionalTensorList(items=items):
                texts = (self[i] if i >= 0 else "None" for i in items)
                return f"[{', '.join(texts)}]"


def tensor_name(tensor: Tensor, slot: int) -> str:
    """The name that the program has for a tensor, else its slot, `%5`."""
    extra = tensor.extra_tensor_info
    return (extra.fully_qualified_name if extra is not None else None) or f"%{slot}"


def type_text(tensor: Tensor) -> str:
    """`f32[1x3]`; the dimensions of a dynamic one are upper bounds, `f32[<=8x3]`."""
    bound = "" if tensor.shape_dynamism == ShapeDynamism.STATIC else "<="
    return f"{dtype_name(tensor)}[{bound}{'x'.join(map(str, tensor.sizes))}]"


def dtype_name(tensor: Tensor) -> str:
    """The scalar type as the IR spells it."""
    known = BY_CODE.get(tensor.scalar_type)
    return known.name if known else f"scalar type {tensor.scalar_type}"
