"""Nested structures of a method's inputs and outputs, from the pytree strings of the format.

A program stores two such strings a method, in one of two dialects: torch's JSON
(`[1, {"type": "builtins.tuple", "context": "null", "children_spec": [...]}]`) and a compact form
(`T2#1#1($,D1#1('a':$))`). Only builtin containers are rebuilt: a name in a file is never imported,
so any other node becomes a dict of its fields where the string names them, otherwise a tuple.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

Kind = Literal["leaf", "none", "list", "tuple", "dict"]
Key = str | int

SEQUENCES: dict[str, Kind] = {
    "builtins.list": "list",
    "builtins.tuple": "tuple",
    "collections.deque": "list",
    "torch.Size": "tuple",
    "torch.fx.immutable_collections.immutable_list": "list",
}
"""Node types of the JSON dialect whose children have no names."""

MAX_DEPTH = 100
"""Deeper strings are taken for damaged."""


@dataclass(frozen=True)
class Structure:
    """A tree of containers; `keys` name the children of a dict, `absent` its fields that are None.

    `str()` shows it with `*` for a leaf: `(*, {'mask': *})`.
    """

    kind: Kind
    children: tuple["Structure", ...] = ()
    keys: tuple[Key, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def leaf_count(self) -> int:
        """The number of values in the structure."""
        return 1 if self.kind == "leaf" else sum(child.leaf_count for child in self.children)

    def leaf_names(self) -> list[str]:
        """A name for every leaf from the keys on its way, `state.0`; empty without keys."""
        return [".".join(map(str, path)) if _has_key(path) else "" for path in self._paths(())]

    def _paths(self, path: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
        if self.kind == "leaf":
            yield path
        keys = self.keys if self.kind == "dict" else range(len(self.children))
        for key, child in zip(keys, self.children, strict=True):
            yield from child._paths((*path, key))

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """The structure with its leaves, `leaf_count` of them, put in."""
        return self._take(iter(leaves))

    def _take(self, leaves: Iterator[Any]) -> Any:
        if self.kind == "leaf":
            return next(leaves)
        if self.kind == "none":
            return None
        items = [child._take(leaves) for child in self.children]
        if self.kind == "dict":
            return dict(zip(self.keys, items, strict=True)) | dict.fromkeys(self.absent)
        return items if self.kind == "list" else tuple(items)

    def flatten(self, value: Any, name: str = "input") -> list[Any]:
        """The leaves of `value`, which must have this structure; ValueError says where it has not.

        `name` is what messages call the value. A list may stand for a tuple and the reverse; for
        a dict, any object that has its keys as attributes (a dataclass, a named tuple).
        """
        leaves: list[Any] = []
        self._flatten(value, leaves, name)
        return leaves

    def _flatten(self, value: Any, leaves: list[Any], path: str) -> None:
        if self.kind == "leaf":
            leaves.append(value)
            return
        if self.kind == "none":
            if value is not None:
                raise ValueError(f"{path} must be None")
            return
        for child, (name, item) in zip(self.children, self._items(value, path), strict=True):
            child._flatten(item, leaves, name)

    def _items(self, value: Any, path: str) -> list[tuple[str, Any]]:
        if self.kind == "dict":
            return self._fields(value, path)
        if not isinstance(value, list | tuple):
            raise ValueError(f"{path} must be {self}, not {type(value).__name__}")
        items = cast("Sequence[Any]", value)
        if len(items) != len(self.children):
            raise ValueError(f"{path} must be {self}, {len(self.children)} items, not {len(items)}")
        return [(f"{path}[{index}]", item) for index, item in enumerate(items)]

    def _fields(self, value: Any, path: str) -> list[tuple[str, Any]]:
        if isinstance(value, Mapping):
            fields = cast("Mapping[Any, Any]", value)
            given = {key for key in fields if key not in self.absent or fields[key] is not None}
            if given != set(self.keys):
                raise ValueError(f"{path} must have the keys {list(self.keys)}, not {list(fields)}")
            return [(f"{path}[{key!r}]", fields[key]) for key in self.keys]
        names = [key for key in self.keys if isinstance(key, str)]
        if len(names) == len(self.keys) and all(hasattr(value, name) for name in names):
            return [(f"{path}.{name}", getattr(value, name)) for name in names]
        raise ValueError(f"{path} must be {self}, not {type(value).__name__}")

    def __str__(self) -> str:
        if self.kind == "leaf":
            return "*"
        if self.kind == "none":
            return "None"
        items = [str(child) for child in self.children]
        if self.kind == "list":
            return f"[{', '.join(items)}]"
        if self.kind == "tuple":
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        pairs = zip(self.keys, items, strict=True)
        return f"{{{', '.join(f'{key!r}: {item}' for key, item in pairs)}}}"


def _has_key(path: Sequence[Key]) -> bool:
    return any(not str(key).isdigit() for key in path)


LEAF = Structure("leaf")
NONE = Structure("none")


def parse_structure(text: str) -> Structure | None:
    """The structure that `text` describes, in either dialect; None if it is empty or damaged."""
    try:
        if text.startswith("["):
            version, root = json.loads(text)
            return _from_json(root, 0) if version == 1 else None
        return _Compact(text).parse() if text else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _from_json(node: Mapping[str, Any], depth: int) -> Structure:
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    name = node["type"]
    if name is None:
        return LEAF
    children = tuple(_from_json(child, depth + 1) for child in node["children_spec"])
    if name in SEQUENCES:
        return Structure(SEQUENCES[name], children)
    keys, absent = _field_names(node["context"], len(children))
    if keys is None:
        return Structure("tuple", children)
    return Structure("dict", children, keys, absent)


def _field_names(context: Any, count: int) -> tuple[tuple[Key, ...] | None, tuple[str, ...]]:
    """The names of a node's `count` children in its context, and of its fields that are None.

    Contexts: a list of keys (dict, OrderedDict, ModelOutput), `{"dict_context": keys}`
    (defaultdict), and `[names, names that are None]` (dataclass). (None, ()) if there are none.
    """
    if isinstance(context, str):
        try:
            context = json.loads(context)
        except ValueError:
            return None, ()
    if isinstance(context, dict):
        context = cast("dict[str, Any]", context).get("dict_context")
    if _are_keys(context, count):
        return tuple(context), ()
    match context:
        case [names, absent] if _are_keys(names, count) and _are_keys(absent, len(absent)):
            return tuple(names), tuple(str(name) for name in absent)
        case _:
            return None, ()


def _are_keys(names: Any, count: int) -> bool:
    if not isinstance(names, list):
        return False
    keys = cast("list[Any]", names)
    valid = all(isinstance(key, str | int) for key in keys)
    return valid and len(keys) == count == len(set(keys))


class _Compact:
    """A parser of the compact dialect.

    A node is a letter (T tuple, N named tuple, L list, D dict, C custom), for C the type's name in
    parentheses, the number of children, `#` and the leaf count of each, the children in
    parentheses; a dict's child has its key before it (`'name':` or a number); `$` is a leaf and
    nothing at all is None.
    """

    LETTERS: Mapping[str, Kind] = {
        "T": "tuple",
        "N": "tuple",
        "L": "list",
        "D": "dict",
        "C": "tuple",
    }
    HEAD = re.compile(r"([TNLD]|C\([^()]*\))(\d+)((?:#\d+)*)\(")
    KEY = re.compile(r"(?:'(.*?)'|(-?\d+)):")

    def __init__(self, text: str):
        self.text = text
        self.position = 0

    def parse(self) -> Structure:
        structure = self._node(0)
        if self.position != len(self.text):
            raise ValueError("text after the structure")
        return structure

    def _node(self, depth: int) -> Structure:
        if depth > MAX_DEPTH:
            raise ValueError("too deep")
        if self._skip("$"):
            return LEAF
        head = self.HEAD.match(self.text, self.position)
        if head is None:
            if self.text[self.position : self.position + 1] in ("", ",", ")"):
                return NONE
            raise ValueError("neither a node nor a leaf")
        self.position = head.end()
        kind, count = self.LETTERS[head[1][0]], int(head[2])
        if count != head[3].count("#"):
            raise ValueError("the number of leaf counts is not the number of children")
        children: list[Structure] = []
        keys: list[Key] = []
        for index in range(count):
            if index and not self._skip(","):
                raise ValueError("too few children")
            if kind == "dict":
                keys.append(self._key())
            children.append(self._node(depth + 1))
        if not self._skip(")"):
            raise ValueError("too many children")
        return Structure(kind, tuple(children), tuple(keys))

    def _key(self) -> Key:
        key = self.KEY.match(self.text, self.position)
        if key is None:
            raise ValueError("a dict entry without a key")
        self.position = key.end()
        return key[1] if key[1] is not None else int(key[2])

    def _skip(self, token: str) -> bool:
        found = self.text.startswith(token, self.position)
        self.position += len(token) if found else 0
        return found
