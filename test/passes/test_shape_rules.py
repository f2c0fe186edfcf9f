"""The shape rules agree with PyTorch: what torch.export captures passes, other results do not."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from xdsl.dialects.builtin import TensorType
from xdsl.ir import OpResult

from edgeir.dialects.context import edge_context
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.from_torch.capture import capture
from edgeir.lowering.from_torch.importer import import_programs
from edgeir.lowering.pass_registry import all_passes
from edgeir.passes.shape_rules import RULES, shape_problem

SHAPES = {
    "vector": (6,),
    "matrix": (4, 6),
    "other": (6, 5),
    "batch": (3, 4, 6),
    "image": (2, 4, 9, 10),
    "kernel": (8, 4, 3, 3),
    "grouped": (8, 2, 3, 3),
    "transposed": (4, 3, 2, 3),
    "line": (2, 4, 11),
    "line_kernel": (8, 4, 3),
    "volume": (1, 2, 6, 7, 8),
    "volume_kernel": (4, 2, 3, 2, 2),
    "heads": (2, 4, 7, 8),
    "keys": (2, 4, 5, 8),
    "few_keys": (2, 2, 5, 8),
    "mask": (7, 5),
    "channels": (4,),
    "scalar": (),
}

CALLS = {
    "products": lambda t: [
        t.matrix @ t.other, t.vector @ t.other, t.matrix @ t.vector, t.vector @ t.vector,
        t.batch @ t.other, t.image @ t.other.new_ones(10, 3), torch.bmm(t.batch, t.batch.mT),
        torch.addmm(t.other[0], t.matrix, t.other), torch.baddbmm(t.scalar, t.batch, t.batch.mT),
        F.linear(t.batch, t.matrix, t.channels), F.linear(t.vector, t.matrix),
    ],
    "attention": lambda t: [
        F.scaled_dot_product_attention(t.heads, t.keys, t.keys),
        F.scaled_dot_product_attention(t.heads, t.keys, t.keys, attn_mask=t.mask),
        F.scaled_dot_product_attention(t.heads, t.few_keys, t.few_keys, enable_gqa=True),
        F.scaled_dot_product_attention(t.batch, t.batch, t.batch, is_causal=True),
    ],
    "convolutions": lambda t: [
        F.conv2d(t.image, t.kernel, stride=2, padding=1, dilation=(1, 2)),
        F.conv2d(t.image[0], t.kernel), F.conv2d(t.image, t.grouped, groups=2),
        F.conv1d(t.line, t.line_kernel, padding=2), F.conv3d(t.volume, t.volume_kernel),
        F.conv_transpose2d(t.image, t.transposed, stride=2, padding=1, output_padding=1),
        F.conv2d(t.image, t.kernel, padding="same"),
    ],
    "pools": lambda t: [
        F.max_pool2d(t.image, 3, 2, 1, ceil_mode=True), F.max_pool2d(t.image[0], (2, 3)),
        F.max_pool2d(t.image, 2, dilation=2), F.max_pool1d(t.line, 2, ceil_mode=True),
        F.max_pool3d(t.volume, 2), F.avg_pool2d(t.image, 2, 2, 1, ceil_mode=True),
        F.avg_pool1d(t.line, 3), F.avg_pool3d(t.volume, 2), F.adaptive_avg_pool2d(t.image, (3, 5)),
        F.adaptive_avg_pool1d(t.line, 3),
    ],
    "norms": lambda t: [
        F.layer_norm(t.batch, (6,)), F.layer_norm(t.batch, (4, 6), t.matrix, t.matrix),
        F.rms_norm(t.batch, (6,), t.vector), F.group_norm(t.image, 2, t.channels, t.channels),
        F.batch_norm(t.line, t.channels, t.channels), F.softmax(t.image, 1),
        F.log_softmax(t.matrix, -1), F.softmax(t.scalar, 0),
    ],
    "views": lambda t: [
        t.image.reshape(2, -1), t.image.flatten(1, 2) * 1, t.image.permute(0, -1, 1, 2),
        t.matrix.t(), t.vector.t(), t.batch.transpose(-1, 0), t.matrix.unsqueeze(-1),
        t.matrix[:, None].squeeze(1), t.matrix[:, None].squeeze(0), t.vector.expand(2, -1),
        t.scalar.expand(3), t.image[:, 1:-1, ::2], t.image[:, -1], t.image[5:],
        *t.image.split(3, 1),
        *t.batch.unbind(), *t.image.chunk(2, 2), t.image.roll(1, 0), t.batch.flip(0, -1),
    ],
    "joins": lambda t: [
        torch.cat([t.matrix, t.batch[0], t.matrix[:0]], 0), torch.cat([t.matrix, t.matrix], -1),
        torch.stack([t.matrix, t.batch[0]], -1), t.matrix.repeat(2, 1, 3),
        F.pad(t.image, (1, 2, -1, 0)),
        torch.cat([t.matrix, torch.zeros(0)]),
    ],
    "reductions": lambda t: [
        t.image.mean((2, 3)), t.image.sum(-1, keepdim=True), t.image.amax((0, 2)), t.image.mean(),
        t.image.var(1), *torch.var_mean(t.image, (0, 1)), *t.image.max(2), t.image.argmax(),
        t.image.argmin(-1, keepdim=True), (t.image > 0).any(1), t.vector.sum(0), t.scalar.sum(),
        t.image.prod(2), t.matrix.norm(dim=1), t.image.cumsum(1), t.image.max(),
    ],
    "indexing": lambda t: [
        F.embedding(torch.tensor([[1, 2]]), t.matrix),
        t.image.index_select(1, torch.tensor([0, 3])),
        t.matrix.gather(1, torch.tensor([[0], [1]])), t.matrix.tril(), torch.full((2, 3), 1.0),
        t.matrix.index_select(0, torch.tensor(1)),
    ],
    "broadcasts": lambda t: [
        t.batch + t.vector, t.batch * t.scalar, t.batch.where(t.vector > 0, t.scalar),
        t.vector[:, None] - t.vector, t.batch.masked_fill(t.matrix > 0, 1.0),
        t.matrix[:0] + t.vector,
        t.image.clamp(0, 1), t.image.relu(), 2**t.image, t.batch.lt(t.vector),
    ],
}  # fmt: skip


class Calls(nn.Module):
    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def forward(self, *tensors):
        named = type("Tensors", (), dict(zip(SHAPES, tensors, strict=True)))
        return tuple(self.calls(named))


@pytest.fixture(scope="module", params=CALLS)
def operators(request):
    inputs = tuple(torch.ones(shape) for shape in SHAPES.values())
    ctx = edge_context()
    module = import_programs(capture(Calls(CALLS[request.param]), inputs), ctx.weights)
    all_passes()["verify-aten"]()().apply(ctx, module)
    return [op for op in module.walk() if isinstance(op, SchemaOp)]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_as_pytorch(operators):
    ruled = [op for op in operators if op.SCHEMA.key in RULES or op.ENTRY.promotion]
    assert ruled
    for op in ruled:
        assert shape_problem(op) is None


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_other_results_are_refused(operators):
    for op in operators:
        if op.SCHEMA.key not in RULES and not op.ENTRY.promotion:
            continue
        type = op.results[0].type
        bent = TensorType(type.element_type, [*type.get_shape(), 7])
        other = op.__class__.create(
            operands=op.operands, result_types=[bent], properties=op.properties.copy()
        )
        assert isinstance(other.results[0], OpResult)
        problem = shape_problem(other)
        assert problem is not None, op
        assert "(operands: " in problem
