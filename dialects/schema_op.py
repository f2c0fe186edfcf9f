"""Operation classes made from operator schemas.

A schema gives everything: the class, its constructor, accessors, verifier and syntax. Tensor
arguments are operands, all others are properties; `operation_class` makes the class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, cast

from xdsl.dialects.builtin import DenseArrayBase, TensorType, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrSizedOperandSegments,
    BaseAttr,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryWriteEffect, OpTrait, Pure
from xdsl.utils.exceptions import VerifyException

from .layout import verify_tensor_layout
from .schema import Argument, OpEntry, Schema
from .schema_syntax import Operand, flat_operands, parse_arguments, print_arguments
from .schema_values import (
    Value,
    accepts,
    default_of,
    from_attribute,
    is_dropped,
    to_attribute,
)

_TENSOR = BaseAttr(TensorType)
_MASK = "_mask"


class SchemaOp(IRDLOperation):
    """Base of the operations made from a schema."""

    ENTRY: ClassVar[OpEntry]
    SCHEMA: ClassVar[Schema]

    def __init__(
        self,
        /,
        *args: SSAValue | Sequence[SSAValue | None] | Value,
        result_types: Sequence[Attribute],
        **kwargs: SSAValue | Sequence[SSAValue | None] | Value,
    ) -> None:
        """Build from Python values in schema order; what is left out takes its default."""
        schema = self.SCHEMA
        kept = [a for a in schema.arguments if not is_dropped(a)]
        assert len(args) <= len(kept), f"{schema.key} takes {len(kept)} arguments"
        given = dict(zip((a.name for a in kept), args, strict=False)) | kwargs
        unknown = given.keys() - {a.name for a in kept}
        assert not unknown, f"{schema.key} has no argument {unknown}"
        operands: list[Any] = []
        properties: dict[str, Attribute | None] = {}
        for argument in kept:
            value = given.get(argument.name, _MISSING)
            if argument.is_tensor:
                operand = cast(Operand, None if value is _MISSING else value)
                operands.append(_operand_field(argument, operand))
                if argument.item_optional:
                    mask = [int(item is not None) for item in cast(Sequence[Any], operand or ())]
                    properties[field_name(argument.name) + _MASK] = DenseArrayBase.from_list(
                        i1, mask
                    )
            else:
                constant = default_of(argument) if value is _MISSING else cast(Value, value)
                if isinstance(constant, tuple):
                    constant = list(cast(tuple[Value, ...], constant))
                properties[field_name(argument.name)] = to_attribute(argument, constant)
        results: list[Any] = list(result_types)
        if any(result.is_list for result in schema.results):
            results = [results]
        super().__init__(operands=operands, properties=properties, result_types=results)

    @classmethod
    def kept_arguments(cls) -> Iterator[Argument]:
        """The schema's arguments that the IR holds."""
        return (a for a in cls.SCHEMA.arguments if not is_dropped(a))

    def operand_of(self, name: str) -> Operand:
        """A tensor argument: a value, None, or a list of values with None for holes."""
        argument = next(a for a in self.SCHEMA.arguments if a.name == name)
        operand = getattr(self, field_name(name))
        if not argument.item_optional:
            return list(operand) if argument.is_list else operand
        values = iter(operand)
        mask = from_attribute(self.properties[field_name(name) + _MASK])
        return [next(values) if present else None for present in cast(list[int], mask)]

    def value_of(self, name: str) -> Value:
        """A constant argument as a Python value."""
        return from_attribute(self.properties.get(field_name(name)))

    def arguments(self) -> dict[str, Operand | Value]:
        """All arguments that the IR holds, by name in schema order."""
        return {
            a.name: self.operand_of(a.name) if a.is_tensor else self.value_of(a.name)
            for a in self.kept_arguments()
        }

    def kernel_arguments(self) -> list[tuple[Argument, Operand | Value]]:
        """What the out variant takes before its outs, in order; what the IR drops is a default."""
        return [
            (
                a,
                default_of(a)
                if is_dropped(a)
                else self.operand_of(a.name)
                if a.is_tensor
                else self.value_of(a.name),
            )
            for a in self.SCHEMA.out_arguments
        ]

    def verify_(self) -> None:
        """Check constants against the schema and the layouts of the results."""
        for argument in self.kept_arguments():
            if argument.is_tensor:
                self._verify_holes(argument)
                continue
            attribute = self.properties.get(field_name(argument.name))
            if attribute is not None and not accepts(argument, attribute):
                raise VerifyException(
                    f"{self.name}: argument {argument.name} is {attribute}; "
                    f"expected {argument.base}{'[]' if argument.is_list else ''}"
                )
        for result in self.results:
            if isinstance(result.type, TensorType):
                verify_tensor_layout(cast(TensorType[Attribute], result.type))

    def _verify_holes(self, argument: Argument) -> None:
        if not argument.item_optional:
            return
        field = field_name(argument.name)
        mask = self.properties[field + _MASK]
        present = sum(map(bool, cast(list[int], from_attribute(mask))))
        if present != (given := len(getattr(self, field))):
            raise VerifyException(
                f"{self.name}: {argument.name}{_MASK} has {present} tensors, there are {given}"
            )

    def print(self, printer: Printer) -> None:
        """Print the custom syntax."""
        operands: dict[str, Operand] = {}
        values: dict[str, Value] = {}
        for argument in self.kept_arguments():
            if argument.is_tensor:
                operands[argument.name] = self.operand_of(argument.name)
            else:
                values[argument.name] = self.value_of(argument.name)
        print_arguments(printer, self.SCHEMA, operands, values)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" : ")
        # Not print_operation_type: that prints the location, which print_op does again.
        printer.print_function_type(self.operand_types, self.result_types)

    @classmethod
    def parse(cls, parser: Parser) -> SchemaOp:
        """Parse the custom syntax."""
        unresolved, values = parse_arguments(parser, cls.SCHEMA)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation(":")
        position = parser.pos
        function = parser.parse_function_type()
        order = [unresolved.get(a.name) for a in cls.kept_arguments() if a.is_tensor]
        for argument in cls.kept_arguments():
            operand = unresolved.get(argument.name)
            if operand is not None and isinstance(operand, list) != argument.is_list:
                parser.raise_error(
                    f"{cls.name}: argument {argument.name!r} is "
                    + ("a list: write [%a, %b]" if argument.is_list else "one tensor, not a list"),
                    position,
                )
        flat: list[Any] = []
        for operand in order:
            if isinstance(operand, list):
                flat.extend(item for item in operand if item is not None)
            elif operand is not None:
                flat.append(operand)
        if len(flat) != len(function.inputs):
            parser.raise_error(
                f"{len(flat)} operands but {len(function.inputs)} operand types", position
            )
        # The types stand in schema order, whatever the order of the arguments in the text.
        operands: dict[str, Operand] = {}
        resolved = iter(
            [parser.resolve_operand(o, t) for o, t in zip(flat, function.inputs, strict=True)]
        )
        for argument in cls.kept_arguments():
            operand = unresolved.get(argument.name)
            if isinstance(operand, list):
                operands[argument.name] = [
                    None if item is None else next(resolved) for item in operand
                ]
            elif operand is not None:
                operands[argument.name] = next(resolved)
        try:
            op = cls(**operands, **values, result_types=function.outputs.data)
        except (TypeError, ValueError) as error:
            parser.raise_error(f"{cls.name}: {error}", position)
        if attributes is not None:
            op.attributes |= attributes.data
        return op


_MISSING: Any = object()


def _operand_field(argument: Argument, operand: Operand) -> SSAValue | list[SSAValue] | None:
    if not argument.is_list:
        assert not isinstance(operand, Sequence)
        return operand
    return flat_operands([operand])


@cache
def field_name(name: str) -> str:
    """The field that holds the argument or result `name`: that, or `name_` if it is taken."""
    return f"{name}_" if hasattr(SchemaOp, name) or name in _TAKEN else name


_TAKEN = frozenset(
    {"ENTRY", "SCHEMA", "irdl_options", "name", "schema", "traits", *Operation.__annotations__}
)
"""Fields of the classes themselves."""


def _fields(argument: Argument) -> dict[str, Any]:
    name = field_name(argument.name)
    if argument.is_tensor:
        if argument.is_list:
            fields: dict[str, Any] = {name: var_operand_def(_TENSOR)}
            if argument.item_optional:
                fields[name + _MASK] = prop_def(BaseAttr(DenseArrayBase))
            return fields
        return {name: (opt_operand_def if argument.optional else operand_def)(_TENSOR)}
    optional = argument.optional or (argument.has_default and argument.default is None)
    return {name: (opt_prop_def if optional else prop_def)(AnyAttr())}


def _result_fields(schema: Schema, taken: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for index, result in enumerate(schema.results):
        name = result.name or ("result" if len(schema.results) == 1 else f"result{index}")
        name = field_name(name)
        if name in taken:
            name += "_out"
        if not result.is_tensor:
            fields[name] = result_def(AnyAttr())
        else:
            fields[name] = (var_result_def if result.is_list else result_def)(_TENSOR)
    return fields


def operation_class(
    entry: OpEntry,
    name: str,
    module: str,
    traits: Sequence[OpTrait] = (),
    base: type[SchemaOp] = SchemaOp,
    fields: Mapping[str, Any] | None = None,
) -> type[SchemaOp]:
    """The operation class of a table line, called `name`, as if defined in `module`.

    It derives from `base`, and has `fields` besides those of the schema.
    """
    schema = entry.schema
    namespace: dict[str, Any] = {
        **(fields or {}),
        "__doc__": schema.text,
        "__module__": module,
        "__annotations__": {"ENTRY": ClassVar[OpEntry], "SCHEMA": ClassVar[Schema]},
        "name": name,
        "ENTRY": entry,
        "SCHEMA": schema,
        "traits": traits_def(*_traits(entry), *traits),
    }
    kept = [a for a in schema.arguments if not is_dropped(a)]
    for argument in kept:
        namespace |= _fields(argument)
    if sum(a.is_tensor and (a.is_list or a.optional) for a in kept) > 1:
        namespace["irdl_options"] = (AttrSizedOperandSegments(as_property=True),)
    namespace |= _result_fields(schema, set(namespace))
    return irdl_op_definition(type(schema.class_name, (base,), namespace))


def operation_name(schema: Schema, dialect: str) -> str:
    """The IR name of a schema's operation: `aten.add.Tensor`, `aten.my_ns.op` elsewhere."""
    prefix = "" if schema.namespace == "aten" else f"{schema.namespace}."
    return f"{dialect}.{prefix}{schema.op_name}"


def _traits(entry: OpEntry) -> list[OpTrait]:
    # A draw is no other draw: two are not merged, and none is computed at compile time.
    return [MemoryWriteEffect()] if entry.schema.key in RANDOM else [Pure()]


RANDOM = frozenset(
    {
        "aten::bernoulli",
        "aten::bernoulli.p",
        "aten::native_dropout",
        "aten::rand",
        "aten::randint",
        "aten::randint.low",
        "aten::randn",
        "aten::randperm",
    }
)
"""Operators that draw random numbers."""


def is_schema_op(op: Operation, *keys: str) -> bool:
    """Whether an operation is made from one of the schemas, in whatever dialect."""
    return isinstance(op, SchemaOp) and op.SCHEMA.key in keys
