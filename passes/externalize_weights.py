"""Weights beside the program instead of inside it."""

from __future__ import annotations

from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType, UnitAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ..dialects import memory
from ..dialects.context import weights_of
from ..dialects.layout import order_of
from ..dialects.weights import WeightsStore

_OWN = "edgeir."
"""How the names of data begin that our tools read, and no delegate does."""


class ExternalizeWeightsPass(ModulePass):
    """Take the weights out of a program, which reads them from a data file (`.ptd`) beside it.

    These are the constants with a key, and what delegates look up by name. The data has the key as
    its name; where a slot has another shape than the stored array, as views of a weight have, the
    shape stands behind it. Constants that stand in the text stay inside, and so does the initial
    state of buffers.

    Before:
    ```mlir
    %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
    %v = memory.view %w : !memory.slot<tensor<8xf32>>
    memory.named_data "sha256:12ab" "sha256:12ab"
    ```
    After:
    ```mlir
    %w = memory.external "fc.weight" : !memory.slot<tensor<2x4xf32>>
    %v = memory.external "fc.weight:8xf32" : !memory.slot<tensor<8xf32>>
    memory.named_data "sha256:12ab" "sha256:12ab" external
    ```
    """

    name = "externalize-weights"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Change every method; the arrays of other shapes are put into the weights store."""
        weights = weights_of(ctx)
        for child in op.ops:
            if isinstance(child, memory.NamedDataOp):
                if not child.key.data.startswith(_OWN):
                    child.external = UnitAttr()
            elif isinstance(child, memory.MethodOp):
                keys = {slot.slot: _key(slot.slot) for slot in child.slots}
                for slot in list(child.slots):
                    if (key := keys[slot.slot]) is not None:
                        _externalize(cast(Any, slot), key, weights)


def _key(slot: SSAValue) -> str | None:
    """The key of the weight whose bytes a slot has; None where it has other ones."""
    storage, _ = memory.storage_of(slot)
    if isinstance(storage.owner, memory.ConstantOp):
        value = storage.owner.value
        return value.data if isinstance(value, StringAttr) else None
    return None


def _externalize(op: memory.ConstantOp | memory.ViewOp, key: str, weights: WeightsStore) -> None:
    type = op.tensor
    new = memory.ExternalOp(_name(key, type, weights), type, dynamic=op.dynamic is not None)
    new.device = op.device
    new.location = op.location
    new.slot.name_hint = op.slot.name_hint
    Rewriter.replace_op(op, new)


def _name(key: str, type: TensorType[Attribute], weights: WeightsStore) -> str:
    """The name of a weight as a tensor of this type; the store has its array afterwards."""
    array = weights[key]
    order = order_of(type)
    shape = [type.get_shape()[dim] for dim in order]
    plain = list(order) == sorted(order)
    if plain and list(array.shape) == shape and _has_bytes(array, type):
        return key
    dims = "".join(f"{size}x" for size in type.get_shape())
    name = f"{key}:{dims}{type.element_type}"
    if not plain:
        name += f":{''.join(map(str, order))}" if len(order) < 10 else f":{order}"
    if name not in weights:
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)[: memory.tensor_bytes(type)]
        same = data.nbytes == prod(shape) * array.dtype.itemsize
        weights.add(name, data.view(array.dtype).reshape(shape) if same else data)
    return name


def _has_bytes(array: NDArray[Any], type: TensorType[Attribute]) -> bool:
    return array.nbytes == memory.tensor_bytes(type)
