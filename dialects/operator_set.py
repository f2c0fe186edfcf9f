"""The operation classes of a table, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xdsl.traits import OpTrait

from .schema import OpEntry
from .schema_op import SchemaOp, operation_class, operation_name


class OperatorSet:
    """The operations of one dialect that come from a table, by schema key and by class name."""

    def __init__(
        self,
        dialect: str,
        module: str,
        entries: Iterable[OpEntry],
        traits: Sequence[OpTrait] = (),
    ) -> None:
        self._dialect = dialect
        self._module = module
        self._traits = traits
        self.entries: Mapping[str, OpEntry] = {entry.schema.key: entry for entry in entries}
        self._keys = {entry.schema.class_name: key for key, entry in self.entries.items()}
        self._classes: dict[str, type[SchemaOp]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __getitem__(self, key: str) -> type[SchemaOp]:
        """The class of the schema `key`, for example `aten::add.Tensor`."""
        if key not in self._classes:
            entry = self.entries[key]
            name = operation_name(entry.schema, self._dialect)
            made = operation_class(entry, name, self._module, self._traits)
            self._classes[key] = made
        return self._classes[key]

    def __iter__(self) -> Iterator[type[SchemaOp]]:
        return (self[key] for key in self.entries)

    def class_named(self, name: str) -> type[SchemaOp]:
        """The class called `name`, for a module's `__getattr__`."""
        if name not in self._keys:
            raise AttributeError(f"module {self._module!r} has no attribute {name!r}")
        return self[self._keys[name]]
