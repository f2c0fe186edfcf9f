"""From one call to what the importer takes, without the fixed cost of `torch.export`."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._ops import OpOverload
from torch._subclasses import FakeTensorMode
from torch._subclasses.functional_tensor import FunctionalTensorMode, dispatch_functionalize
from torch.export import exported_program
from torch.export._trace import _ignore_backend_decomps
from torch.export.graph_signature import (
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._pytree import tree_leaves

from edgeir.dialects import aten
from edgeir.lowering.from_torch.capture import decomposition_table
from edgeir.lowering.from_torch.graph_nodes import schema_key
from edgeir.lowering.from_torch.importer import ASSERTIONS
from edgeir.lowering.from_torch.plain_graph import functional_key
from edgeir.lowering.from_torch.types import ELEMENT_TYPES


class TraceError(Exception):
    """A call that PyTorch cannot trace; the message is its own."""


@contextmanager
def decomposing_as_export() -> Iterator[dict[Any, Any]]:
    """Inside, composite operators of our table stay whole; gives the other decompositions.

    `ExportedProgram.run_decompositions` does the same for every program, at 0.15 s each.
    """
    composite, table = exported_program._split_decomp_table_to_cia_and_python_decomp(
        decomposition_table()
    )
    with (
        warnings.catch_warnings(),
        _ignore_backend_decomps(),
        exported_program._override_composite_implicit_decomp(composite),
        enable_python_dispatcher(),
    ):
        warnings.simplefilter("ignore")
        yield table


def trace(function: Callable[..., Any], tensors: tuple[torch.Tensor, ...], table: Any) -> Any:
    """A decomposed program of a call, with what FunctionImporter reads of an ExportedProgram.

    Raises TraceError.
    """
    shapes = ShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
    fake_mode = FakeTensorMode(shape_env=shapes, allow_non_fake_inputs=True)
    try:
        with fake_mode:
            fakes = [fake_mode.from_tensor(t, static_shapes=True) for t in tensors]
            functional = dispatch_functionalize(
                lambda *args: tree_leaves(function(*args)),
                FunctionalTensorMode(export=True),
            )
            module = make_fx(functional, decomposition_table=table)(*fakes)
    except Exception as error:
        raise TraceError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    module.graph.eliminate_dead_code()
    return _program(module, shapes)


def _program(module: GraphModule, shapes: ShapeEnv) -> Any:
    graph = module.graph
    inputs = [
        InputSpec(InputKind.USER_INPUT, TensorArgument(node.name), None)
        for node in graph.nodes
        if node.op == "placeholder"
    ]
    constants: dict[str, torch.Tensor] = {}
    first = next(iter(graph.nodes))
    for node in [n for n in graph.nodes if n.op == "get_attr"]:
        constants[node.target] = getattr(module, node.target)
        with graph.inserting_before(first):
            lifted = graph.placeholder(node.target)
        lifted.meta["val"] = constants[node.target]
        node.replace_all_uses_with(lifted)
        graph.erase_node(node)
        spec = InputSpec(InputKind.CONSTANT_TENSOR, TensorArgument(lifted.name), lifted.target)
        inputs.insert(len(constants) - 1, spec)
    results = next(n for n in graph.nodes if n.op == "output").args[0]
    outputs = [
        OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(getattr(result, "name", "")), None)
        for result in results
    ]
    return SimpleNamespace(
        graph=graph,
        graph_signature=SimpleNamespace(input_specs=inputs, output_specs=outputs),
        state_dict={},
        constants=constants,
        call_spec=SimpleNamespace(in_spec=None, out_spec=None),
        range_constraints=shapes.var_to_range,
    )


def uses(program: Any) -> list[tuple[str, str]]:
    """The operators of a program, each with the dtype of its first tensor: `aten::add.Tensor`."""
    found = set()
    for node in program.graph.nodes:
        if node.op == "call_function" and _computes(node):
            target = node.target
            key = functional_key(target) if isinstance(target, OpOverload) else str(target)
            found.add((key, _dtype(node)))
    return sorted(found)


def _dtype(node: Node) -> str:
    values = [node.meta.get("val") for node in node.all_input_nodes] + [node.meta.get("val")]
    for value in tree_leaves(values):
        if isinstance(value, torch.Tensor):
            return str(ELEMENT_TYPES.get(value.dtype, value.dtype))
    return "-"


def _computes(node: Node) -> bool:
    if not isinstance(node.target, OpOverload):
        return "getitem" not in str(node.target)
    key = schema_key(node.target)
    return key not in ASSERTIONS and not key.startswith("aten::sym_")


def unknown(program: Any) -> list[str]:
    """The operators of a program that are not in the table."""
    return sorted({key for key, _ in uses(program)} - set(aten.TABLE))
