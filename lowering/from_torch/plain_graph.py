"""Captured graphs that can be imported as they are, without torch decomposing them.

`run_decompositions` traces the model again, which takes most of the time of a compilation. It is
not needed where every operator of the graph is in our table, except for operators in place: those
are the same as their functional forms where nothing else sees the tensor that they write.
"""

from __future__ import annotations

import operator
from typing import Any, cast

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node

from ...dialects.aten import TABLE

_IGNORED = frozenset({"aten::_assert_tensor_metadata", "aten::sym_size.int"})

_NEW_RESULTS = frozenset(
    f"aten::{name}"
    for name in "batch_norm conv1d conv2d conv3d group_norm layer_norm linear".split()
)
"""Composites whose result is a new tensor; others may give views without saying so."""

_OF_PRIMS = {"prims::scalar_tensor": "aten::scalar_tensor"}
"""Operators that only PyTorch's decompositions use, and those of the table that do the same."""

_TRAINING_FLAGS = {"aten::batch_norm": 5, "aten::dropout": 2}
"""The argument that makes an operator draw numbers or change its statistics."""


_COMPOSITE: Any = cast(Any, torch)._C.DispatchKey.CompositeImplicitAutograd


def is_plain(program: ExportedProgram) -> bool:
    """Whether every node of a captured graph is an operator of the table, or in place on a tensor
    that nothing else sees.
    """
    return all(_is_plain_node(node) for node in program.graph.nodes)


def functional_key(target: Any) -> str:
    """The table key of an operator, of its functional form if it works in place or copies a view.

    `aten::relu_` is imported as `aten::relu`, `aten::view_copy` as `aten::view`.
    """
    schema = target._schema
    name: str = schema.name
    name = _OF_PRIMS.get(name, name)
    if schema.is_mutable and name.endswith("_"):
        name = name[:-1]
    overload = f".{schema.overload_name}" if schema.overload_name else ""
    if name.endswith("_copy") and name + overload not in TABLE:
        # What it copies is a value here.
        view = name.removesuffix("_copy") + overload
        return view if view in TABLE else name + overload
    return f"{name}.{schema.overload_name}" if schema.overload_name else name


def _is_plain_node(node: Node) -> bool:
    if node.op in ("placeholder", "output"):
        return True
    if node.op != "call_function" or node.target is operator.getitem:
        return node.op == "call_function"
    if not isinstance(node.target, OpOverload):
        return False
    target: Any = cast(Any, node).target
    schema = target._schema
    key = functional_key(target)
    if key in _IGNORED:
        return True
    if key not in TABLE:
        return False
    if key in _TRAINING_FLAGS and node.args[_TRAINING_FLAGS[key]]:
        return False
    return not schema.is_mutable or _writes_unseen(node)


def _writes_unseen(node: Node) -> bool:
    """Whether an operator in place can be replaced by its functional form: it alone uses the
    tensor that it writes, which is a new one, and the dtypes agree.
    """
    written = node.args[0]
    if not isinstance(written, Node) or len(written.users) != 1:
        return False
    if not isinstance(written.target, OpOverload) or _aliases(cast(Any, written).target):
        return False
    dtypes = {value.dtype for value in _tensors(node)}
    return len(dtypes) == 1 and node.meta["val"].shape == written.meta["val"].shape


def _aliases(target: Any) -> bool:
    """Whether a result of an operator may share memory with an operand that others see.

    An operator in place was checked itself: its result is a tensor that only it has seen.
    """
    schema = target._schema
    if schema.is_mutable or functional_key(target) in _NEW_RESULTS:
        return False
    composite = target.has_kernel_for_dispatch_key(_COMPOSITE)
    return composite or any(result.alias_info is not None for result in schema.returns)


def _tensors(node: Node) -> list[torch.Tensor]:
    values = [argument.meta.get("val") for argument in node.all_input_nodes]
    return [value for value in values if isinstance(value, torch.Tensor)]
