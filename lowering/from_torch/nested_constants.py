"""Constants that branches and loops make, `torch.tensor(3.0)` in a branch.

`torch.export` leaves them as attributes of the nested graphs, and then cannot decompose these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

_MOST_ELEMENTS = 64
"""Larger constants are no numbers that somebody wrote down in a branch."""


def write_out_constants(program: ExportedProgram) -> bool:
    """Let operators make the small constants of nested graphs; whether there were any.

    The graphs compute the same afterwards.
    """
    found = [
        (module, node, constant)
        for module in program.graph_module.modules()
        if isinstance(module, GraphModule) and module is not program.graph_module
        for node, constant in list(_constants(module))
    ]
    for module, node, constant in found:
        _write_out(module, node, constant)
    for module in {id(module): module for module, _, _ in found}.values():
        module.graph.eliminate_dead_code()
        module.recompile()
    return bool(found)


def _constants(module: GraphModule) -> Iterator[tuple[Node, torch.Tensor]]:
    for node in module.graph.nodes:
        if node.op == "get_attr":
            value: Any = getattr(module, str(node.target), None)
            if isinstance(value, torch.Tensor) and value.numel() <= _MOST_ELEMENTS:
                yield node, value


def _write_out(module: GraphModule, node: Node, constant: torch.Tensor) -> None:
    """Replace what reads an attribute by a tensor that is filled with its elements."""
    aten: Any = torch.ops.aten
    options: Any = {"dtype": constant.dtype}
    numbers: list[Any] = cast(Any, constant.reshape(-1)).tolist()
    with module.graph.inserting_before(node):
        rows = [
            module.graph.call_function(aten.full.default, ([], number), options)
            for number in numbers
        ]
        new = rows[0] if constant.dim() == 0 else None
        if new is None:
            stacked = (
                module.graph.call_function(aten.stack.default, (rows,))
                if rows
                else module.graph.call_function(aten.full.default, ([0], 0), options)
            )
            new = module.graph.call_function(aten.reshape.default, (stacked, [*constant.shape]))
    new.meta["val"] = node.meta.get("val", constant)
    for reader in [node, *_copies(node)]:
        reader.replace_all_uses_with(new)
        if reader is not node:
            module.graph.erase_node(reader)
    module.graph.erase_node(node)
    delattr(module, str(node.target))


def _copies(node: Node) -> list[Node]:
    """The nodes that only copy or detach a constant, users before what they use."""
    aten: Any = torch.ops.aten
    trivial = (aten.lift_fresh_copy.default, aten.detach_.default, aten.detach.default)
    copies: list[Node] = []
    for user in list(node.users):
        if user.target in trivial:
            copies += [*_copies(user), user]
    return copies
