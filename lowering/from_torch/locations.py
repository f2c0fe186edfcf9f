"""Where in the user's model a node of the graph comes from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from torch.fx import Node
from xdsl.dialects.builtin import LocationAttr

from ...dialects.location import make_location

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in ')
_TORCH = re.compile(r"[/\\]torch[/\\]")


def node_location(node: Node, around: Node | None = None) -> LocationAttr:
    """The module path and the source line of a node.

    What a node of a nested graph does not know is that of the node that has the graph, `around`.
    """
    file, line = _innermost_user_frame(node.meta.get("stack_trace") or "")
    module = _module_path(node)
    if around is not None:
        module = module or _module_path(around)
        if not file:
            file, line = _innermost_user_frame(around.meta.get("stack_trace") or "")
    return _location(module, file, line)


@cache
def _location(module: str, file: str, line: int) -> LocationAttr:
    return make_location(module, file, line)


@cache
def _innermost_user_frame(trace: str) -> tuple[str, int]:
    """The last frame outside torch itself; in a library model that is the library's line."""
    best = ("", 0)
    for match in _FRAME.finditer(trace):
        file = match["file"]
        if file.startswith("<") or ("site-packages" in file and _TORCH.search(file)):
            continue
        best = (_relative(file), int(match["line"]))
    return best


@cache
def _relative(file: str) -> str:
    """The path from the top of the file's package; the bare name for a file in no package.

    Absolute paths would make the same model compile to different bytes elsewhere.
    """
    path = Path(file)
    top = path.parent
    while (top / "__init__.py").exists() and top.parent != top:
        top = top.parent
    return str(PurePath(path.relative_to(top)).as_posix())


def _module_path(node: Node) -> str:
    stack: dict[str, Any] = node.meta.get("nn_module_stack") or {}
    if not stack:
        return ""
    path = str(list(stack.values())[-1][0])
    # Strict capture spells paths as Dynamo sources: L['self'].layers[0].
    path = re.sub(r"^(L\['self'\]|_export_root)\.?", "", path)
    path = re.sub(r"_modules\['([^']+)'\]", r"\1", path)
    return re.sub(r"\[['\"]?(\w+)['\"]?\]", r".\1", path).lstrip(".")
