"""The structure of inputs and outputs, as the program's strings spell it.

Builtin containers stay what they are; any other pytree node becomes a dict of its fields, so that
no reader of the program needs the class.
"""

from __future__ import annotations

import json
from typing import Any, cast

from torch.utils._pytree import TreeSpec

_LEAF: dict[str, Any] = {"type": None, "context": None, "children_spec": []}


def structure_text(spec: TreeSpec) -> str:
    """The JSON treespec of PyTorch, restricted to tuples, lists and dicts."""
    return json.dumps([1, _node(spec)])


def _node(spec: TreeSpec) -> dict[str, Any]:
    if spec.type is None:
        return _LEAF
    children = [_node(child) for child in _children(spec)]
    keys = _keys(spec)
    if keys is not None:
        kind, context = "builtins.dict", json.dumps(keys)
    else:
        kind = "builtins.list" if spec.type is list else "builtins.tuple"
        context = "null"
    return {"type": kind, "context": context, "children_spec": children}


def _children(spec: TreeSpec) -> list[TreeSpec]:
    return list(spec.children())


def _keys(spec: TreeSpec) -> list[str] | None:
    """The keys of a dict, or the field names of another node; None for a sequence."""
    if spec.type in (tuple, list):
        return None
    context: Any = spec.context
    if hasattr(context, "_fields"):  # A namedtuple class.
        return list(context._fields)
    names = _names_in(context, len(_children(spec)))
    if names is not None:
        return names
    return [f"field_{index}" for index in range(len(_children(spec)))]


def _names_in(context: Any, count: int) -> list[str] | None:
    """The list of `count` names that a node's context is, or holds."""
    if isinstance(context, list | tuple):
        items = list(cast(list[Any], context))
        if len(items) == count and all(isinstance(item, str | int) for item in items):
            return [str(item) for item in items]
        for item in items:
            if (names := _names_in(item, count)) is not None:
                return names
    return None
