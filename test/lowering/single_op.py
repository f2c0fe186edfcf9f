"""Modules of one edge operator, for tests: `from single_op import SingleOp`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region

from edgeir.dialects import edge
from edgeir.dialects.context import EdgeContext, edge_context
from edgeir.dialects.function import functions
from edgeir.dialects.layout import tensor_type
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.convert_edge_to_memory import ConvertEdgeToMemoryPass
from edgeir.lowering.emit_program import emit_program
from edgeir.lowering.from_torch.types import ELEMENT_TYPES, to_numpy
from edgeir.lowering.legalize import LegalizePass
from edgeir.lowering.targets.table import CHANNELS_LAST
from edgeir.passes.evaluate import evaluate
from edgeir.passes.fold_constants import FoldConstantsPass
from edgeir.passes.plan_memory import PlanMemoryPass
from edgeir.passes.verify_edge import VerifyEdgePass


@dataclass
class SingleOp:
    """An operator of the edge dialect called with torch values, and PyTorch's own results.

    Tensors among the arguments become inputs of the function, in order. `outputs` are the results
    that the function returns, all if None. With `channels_last` all tensors of rank 4 have that dim
    order. `expected` stands in for PyTorch's results where the operator itself cannot be called.
    """

    key: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[int] | None = None
    expected: Sequence[torch.Tensor] | None = None
    channels_last: bool = False

    @cached_property
    def eager(self) -> list[torch.Tensor]:
        """PyTorch's results, all of them."""
        if self.expected is not None:
            return list(self.expected)
        namespace, _, name = self.key.partition("::")
        packet, _, overload = name.partition(".")
        function = getattr(getattr(getattr(torch.ops, namespace), packet), overload or "default")
        result = function(*self.args, **self.kwargs)
        return list(result) if isinstance(result, tuple | list) else [result]

    @property
    def returned(self) -> list[torch.Tensor]:
        """PyTorch's results that the function returns."""
        return [self.eager[i] for i in self._outputs]

    @property
    def _outputs(self) -> Sequence[int]:
        return range(len(self.eager)) if self.outputs is None else self.outputs

    @cached_property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors among the arguments."""
        found: list[torch.Tensor] = []
        self._map(found.append)
        if self.channels_last:
            memory_format = torch.channels_last
            return [x.contiguous(memory_format=memory_format) if x.dim() == 4 else x for x in found]
        return found

    def module(self) -> ModuleOp:
        """A new module with the function `forward`."""
        block = Block(arg_types=[ir_type(tensor, self.channels_last) for tensor in self.inputs])
        values = iter(block.args)
        args, kwargs = self._map(lambda _: next(values))
        results = [ir_type(tensor, self.channels_last) for tensor in self.eager]
        op = edge.OPERATORS[self.key](*args, result_types=results, **kwargs)
        block.add_op(op)
        returned = [op.results[i] for i in self._outputs]
        block.add_op(ReturnOp(*returned))
        types = [value.type for value in returned]
        function = FuncOp("forward", (block.arg_types, types), Region(block))
        module = ModuleOp([function])
        module.verify()
        return module

    def _map(self, convert: Any) -> tuple[list[Any], dict[str, Any]]:
        def one(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return convert(value)
            if isinstance(value, torch.dtype):
                return ELEMENT_TYPES[value]
            if isinstance(value, list | tuple):
                return [one(item) for item in value]
            return value

        return [one(a) for a in self.args], {k: one(v) for k, v in self.kwargs.items()}


def ir_type(tensor: torch.Tensor, channels_last: bool = False) -> Attribute:
    order = CHANNELS_LAST if channels_last and tensor.dim() == 4 else None
    return tensor_type(ELEMENT_TYPES[tensor.dtype], list(tensor.shape), order)


def legalized(
    module: ModuleOp, target: str | None = "executorch-1.5", *, fold: bool = True
) -> EdgeContext:
    """Legalize a module in place and verify it; its context, with weights and warnings."""
    ctx = edge_context()
    LegalizePass(target).apply(ctx, module)
    if fold:
        FoldConstantsPass().apply(ctx, module)
    VerifyEdgePass().apply(ctx, module)
    return ctx


def program_bytes(module: ModuleOp, ctx: EdgeContext | None = None) -> bytes:
    """The program of an edge module, which is converted in place."""
    ctx = ctx or edge_context()
    ConvertEdgeToMemoryPass().apply(ctx, module)
    PlanMemoryPass().apply(ctx, module)
    return emit_program(module, ctx.weights, locations=False)


def evaluated(module: ModuleOp, inputs: Sequence[torch.Tensor], ctx: EdgeContext) -> list[Any]:
    """The outputs of the function, by the interpreter's kernels."""
    (function,) = functions(module)
    return evaluate(function, [to_numpy(x) for x in inputs], ctx.weights)


def operators(module: ModuleOp) -> list[str]:
    """The schema keys of the operators in a module, in order."""
    return [op.SCHEMA.key for op in module.walk() if isinstance(op, SchemaOp)]
