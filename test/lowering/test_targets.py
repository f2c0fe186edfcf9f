"""The table of ExecuTorch's stock kernels against that runtime, and how targets are named."""

from __future__ import annotations

import pytest
import torch
from executorch_samples import SAMPLES
from probe_executorch import NO_EXPERIMENT, experiments, operation, outcomes, table_line
from single_op import SingleOp, operators
from stock_runtime import operator_names
from xdsl.utils.exceptions import PassFailedException

from edgeir.dialects import aten
from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.legalize import LegalizePass
from edgeir.lowering.targets.table import TargetTableError, read_target_table
from edgeir.lowering.targets.target import EXECUTORCH_TABLE, TARGETS

PROBED = (
    "_log_softmax add.Tensor arange.start_step cat constant_pad_nd convolution gather hardtanh"
    " index_put max_pool2d_with_indices native_layer_norm remainder.Tensor roll sum.dim_IntList"
    " topk upsample_nearest2d.vec"
).split()


def test_every_operator_of_the_table_is_registered():
    assert set(read_target_table(EXECUTORCH_TABLE)) <= operator_names()


def test_every_registered_operator_of_the_dialect_is_probed():
    registered = {key for key, entry in aten.TABLE.items() if entry.out in operator_names()}
    # A copy takes its source in any dtype, and becomes a cast before it comes to this; zeros and
    # ones become full.
    unprobed = {"aten::_local_scalar_dense", "aten::copy", "aten::ones", "aten::zeros"}
    assert registered - SAMPLES.keys() == unprobed


@pytest.mark.parametrize("name", PROBED)
def test_table_line_is_what_experiments_say(name: str):
    key = f"aten::{name}"
    found = outcomes(experiments(key))
    assert table_line(key, found) in EXECUTORCH_TABLE.read_text().splitlines()
    problem = TARGETS["executorch-1.5"].problem
    for experiment, outcome in found.items():
        if outcome not in NO_EXPERIMENT and outcome != "runs":
            assert problem(operation(experiment)) is not None, experiment


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (SingleOp("aten::silu", [torch.ones(2)]), "has no kernel aten::silu.out"),
        (SingleOp("aten::topk", [torch.ones(2), 1]), None),
        (
            SingleOp(
                "aten::convolution",
                [torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 1), None,
                 [1] * 3, [0] * 3, [1] * 3, False, [0] * 3, 1],
            ),
            "runs aten::convolution.out with rank <= 4 only, not 5",
        ),
        (
            SingleOp("aten::gather", [torch.ones(2), 0, torch.zeros(1, dtype=torch.int32)]),
            "runs aten::gather.out not on i32",
        ),
        (
            SingleOp("aten::constant_pad_nd", [torch.ones(3), [-1, 2]]),
            "runs aten::constant_pad_nd.out with pad >= 0 only, not -1, 2",
        ),
        (
            SingleOp("aten::_log_softmax", [torch.ones(0, 2), 0, False]),
            "runs aten::_log_softmax.out with elements >= 1 only, not 0",
        ),
        (
            SingleOp(
                "aten::native_layer_norm",
                [torch.ones(2, 3).half(), [3], torch.ones(3), torch.ones(3), 1e-5],
            ),
            "runs aten::native_layer_norm.out not on f16 and f32 together",
        ),
        (
            SingleOp("aten::_adaptive_avg_pool2d", [torch.ones(1, 2, 3, 3), [2, 2]],
                     channels_last=True),
            "runs aten::_adaptive_avg_pool2d.out not in the dim orders [0, 2, 3, 1]",
        ),
        (SingleOp("aten::relu", [torch.ones(1, 2, 3, 3)], channels_last=True), None),
    ],
    ids=lambda value: value.key if isinstance(value, SingleOp) else "",
)  # fmt: skip
def test_reasons(call: SingleOp, reason: str | None):
    op = next(op for op in call.module().walk() if isinstance(op, SchemaOp))
    expected = None if reason is None else f"executorch-1.5 {reason}"
    assert TARGETS["executorch-1.5"].problem(op) == expected


def stable_sort() -> SingleOp:
    return SingleOp("aten::sort.stable", [torch.ones(3)], {"stable": True})


def test_a_named_runtime_refuses():
    with pytest.raises(DiagnosticsError, match=r"no kernel aten::sort\.values_stable") as caught:
        LegalizePass("executorch-1.5").apply(edge_context(), stable_sort().module())
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.operation == "edge.sort.stable"
    assert diagnostic.severity == "error"


def test_an_unnamed_runtime_warns():
    ctx, module = edge_context(), stable_sort().module()
    LegalizePass().apply(ctx, module)
    (warning,) = ctx.warnings
    assert warning.severity == "warning"
    assert "edgeir's interpreter only" in warning.message
    assert operators(module) == ["aten::sort.stable"]


def test_edgeir_keeps_composites_whole():
    ctx, module = edge_context(), SingleOp("aten::silu", [torch.ones(2)]).module()
    LegalizePass("edgeir").apply(ctx, module)
    assert operators(module) == ["aten::silu"]
    assert not ctx.warnings


def test_an_unknown_runtime():
    with pytest.raises(PassFailedException, match=r"'tflite'; known: edgeir, executorch-1\.5"):
        LegalizePass("tflite").apply(edge_context(), stable_sort().module())


def test_a_malformed_table(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("real = f32\naten::add.out real; rank < 4\n")
    with pytest.raises(TargetTableError, match=r"table\.txt:2: unknown column 'rank < 4'"):
        read_target_table(path)
