"""What nodes of a captured graph, and the numbers in them, are."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch.fx import Node


def schema_key(target: Any) -> str:
    """The table key of an `OpOverload`: `aten::add.Tensor`."""
    schema = target._schema
    return f"{schema.name}.{schema.overload_name}" if schema.overload_name else schema.name


def is_item(node: Node) -> bool:
    """Whether a node takes a number out of a tensor."""
    return str(node.target) == "aten._local_scalar_dense.default"


def is_symbol(number: torch.SymInt | torch.SymFloat) -> bool:
    """Whether a number is a symbol, not an expression of some."""
    return cast(Any, number).node.expr.is_Symbol


def is_unbacked(number: torch.SymInt) -> bool:
    """Whether a size depends on data, not on the sizes of inputs."""
    return not cast(Any, number).node.has_hint()


def is_float_arithmetic(number: Any) -> bool:
    """Whether a number is computed from others as a float."""
    return isinstance(number, torch.SymFloat) and not is_symbol(number)
