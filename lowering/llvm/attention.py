"""Scaled dot product attention: blocks of queries against all keys, head by head.

A task packs the keys of its head (transposed, in panels) and the values, then goes through its
blocks of queries: a block's scores, their softmax and its product with the values stay in the
cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import cast

from xdsl.dialects.builtin import f32, i1
from xdsl.ir import SSAValue

from ...dialects import edge
from ...dialects.schema_op import SchemaOp
from .attention_kernel import AttentionPlan, AttentionProblem, build_attention
from .family import Order, no_halo
from .program_builder import ProgramBuilder
from .step import Step, Tensor, element_type, shape_of

OPERATIONS = (edge.ScaledDotProductAttentionOp,)
FUSES = False

halo = no_halo


def supports(op: SchemaOp) -> str | None:
    """Attention in f32 without dropout."""
    assert isinstance(op, edge.ScaledDotProductAttentionOp)
    for value in (op.query, op.key, op.value):
        if element_type(value) != f32:
            return f"attention of {element_type(value)}"
    if op.value_of("dropout_p"):
        return "dropout draws random numbers"
    if op.attn_mask is not None:
        mask = element_type(op.attn_mask)
        if mask not in (f32, i1):
            return f"a mask of {mask}"
    return None


def input_order(op: SchemaOp, operand: SSAValue, tensor: Tensor) -> Order | None:
    """Numbers of a query, a key or a value must be side by side; a mask's may be all the same."""
    assert isinstance(op, edge.ScaledDotProductAttentionOp)
    fine = (0, 1) if operand is op.attn_mask else (1,)
    if tensor.shape[-1] == 1 or tensor.strides[-1] in fine:
        return None
    return tuple(range(len(tensor.shape)))


def output_order(op: SchemaOp, inputs: Sequence[Tensor]) -> Order:
    """The heads inside of the sequence, as the projection that follows wants them."""
    rank = len(shape_of(op.results[0]))
    if rank < 4:
        return tuple(range(rank))
    return (*range(rank - 3), rank - 2, rank - 3, rank - 1)


def _problem(step: Step) -> AttentionProblem:
    op = step.op
    assert isinstance(op, edge.ScaledDotProductAttentionOp)
    query, key, value = (step.tensor(v) for v in (op.query, op.key, op.value))
    output, mask = step.output, None if op.attn_mask is None else step.tensor(op.attn_mask)
    heads = output.shape[:-2]
    length, size = query.shape[-2:]
    keys, value_size = value.shape[-2:]
    groups = query.shape[-3] // key.shape[-3] if op.value_of("enable_gqa") else 1
    if groups > 1:
        heads = (*heads[:-1], heads[-1] // groups, groups)

    def strides(tensor: Tensor, shared: bool) -> tuple[int, ...]:
        """The strides of the heads and rows of a tensor that broadcasts."""
        shape = (*output.shape[:-2], *tensor.shape[-2:])
        if groups > 1 and shared:
            shape = (*output.shape[:-3], tensor.shape[-3], *tensor.shape[-2:])
        own = tensor.broadcast(shape)
        lead, inner = own[:-2], own[-2:]
        if groups > 1:
            split = (lead[-1], 0) if shared else (lead[-1] * groups, lead[-1])
            lead = (*lead[:-1], *split)
        return (*lead, *inner)

    scale = cast("float | None", op.value_of("scale"))
    masked = None
    if mask is not None:
        own = mask.broadcast((*output.shape[:-2], length, keys))
        lead = own[:-2]
        if groups > 1:
            lead = (*lead[:-1], lead[-1] * groups, lead[-1])
        masked = (*lead, *own[-2:])

    def one_head(own: tuple[int, ...]) -> tuple[int, ...]:
        return own if heads else (0, *own)

    return AttentionProblem(
        heads or (1,),
        length,
        keys,
        size,
        value_size,
        1 / sqrt(size) if scale is None else scale,
        bool(op.value_of("is_causal")),
        query=one_head(strides(query, False)[:-1]),
        key=one_head(strides(key, True)[:-1]),
        value=one_head(strides(value, True)[:-1]),
        output=one_head(strides(output, False)[:-1]),
        mask=None if masked is None else one_head(masked),
    )


def lower(step: Step, program: ProgramBuilder) -> None:
    """One launch; tasks are heads, and parts of the queries where there are few heads."""
    op = step.op
    assert isinstance(op, edge.ScaledDotProductAttentionOp)
    plan = AttentionPlan(_problem(step), program.target.lanes(), program.target.registers)
    values = [op.query, op.key, op.value, step.results[0]]
    values += [] if op.attn_mask is None else [op.attn_mask]
    arguments = [program.pointer(value) for value in values]
    arguments.append(program.scratch(4 * plan.scratch, f32))
    program.launch(
        "attention", plan.problem, arguments, plan.tasks, lambda k: build_attention(k, plan)
    )
