"""Which operations the LLVM backend takes, and why it does not take others."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, f32, f64, i1, i8, i32, i64
from xdsl.ir import Attribute, Operation

from ...dialects.edge import CatOp
from ...dialects.edge.ops import ConstantOp, WeightOp
from ..backends import Verdict
from .batch_norm import BATCH_NORM, supports_batch_norm
from .families import why_not
from .step import tensor_type
from .views import is_view


def supports(op: Operation) -> Verdict:
    """Whether there are kernels for an operation, and if not, why."""
    if isinstance(op, WeightOp | ConstantOp):
        return Verdict(True)
    values = (*op.operands, *op.results)
    if not all(isinstance(value.type, TensorType) for value in values):
        return Verdict(False, "it takes or gives a number that is known only at run time")
    tensors = [tensor_type(value) for value in values]
    if not all(tensor.has_static_shape() for tensor in tensors):
        return Verdict(False, "it has sizes that are known only at run time")
    if isinstance(op, BATCH_NORM):
        reason = supports_batch_norm(op)
        return Verdict(reason is None, reason or "")
    if any(0 in tensor.get_shape() for tensor in tensors):
        return Verdict(False, "it has an empty tensor")
    for tensor in tensors:
        if not _has_element_kernels(tensor.element_type):
            return Verdict(False, f"there are no kernels for {tensor.element_type}")
    if is_view(op) or isinstance(op, CatOp):
        return Verdict(True)
    reason = why_not(op)
    return Verdict(reason is None, reason or "")


def _has_element_kernels(element: Attribute) -> bool:
    return element in (f32, f64, i1, i8, i32, i64)
