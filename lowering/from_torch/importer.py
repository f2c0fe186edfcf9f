"""Imports decomposed exported programs into the aten dialect."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx import Graph, GraphModule, Node
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    ModuleOp,
    NoneType,
    StringAttr,
    TensorType,
    f32,
    f64,
    i64,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ...dialects import aten
from ...dialects.aten.control_flow import YieldOp
from ...dialects.aten.numbers import NumberOp
from ...dialects.custom_operator import custom_operation
from ...dialects.diagnostic import DiagnosticsError
from ...dialects.edge.ops import LiteralOp, StateOp, SymbolOp, WeightOp
from ...dialects.function import INPUTS, MUTATES, NAME, OUTPUTS, SYMBOLS, VALUE
from ...dialects.layout import dims_of, named_symbols, tensor_type
from ...dialects.schema import Argument, SchemaError
from ...dialects.schema_op import SchemaOp, operation_name
from ...dialects.schema_values import Value, is_dropped, to_attribute
from ...dialects.weights import WeightsStore
from ...runtime.structure import parse_structure
from .buffers import MUTATION, MutableBuffers, stored_tensor
from .control_flow import HIGHER_ORDER, ControlFlowImporter, nested_graph, truth_value
from .float_numbers import FloatNumbers
from .locations import node_location
from .plain_graph import functional_key
from .problems import Problems
from .structure import structure_text
from .types import ELEMENT_TYPES, SymbolNames, UnsupportedValue
from .weight_keys import WeightKeys

ASSERTIONS = frozenset(
    {
        "aten::_assert_tensor_metadata",
        "aten::_assert_scalar",
        "aten::_assert_async.msg",
        "aten::sym_constrain_range",
        "aten::sym_constrain_range_for_size",
    }
)
"""Checks that torch.export leaves in the graph; they compute nothing."""

_TORCH_LEAST = 2
"""What torch takes a size to be at least while it captures, whatever its user allows."""

_UNBOUNDED = 2**62
"""Bounds from here on are torch's way to say that a size has none."""

_PYTORCH = frozenset({"aten", "prim", "prims"})
"""Namespaces of PyTorch's own operators: what the table lacks of them is no custom operator."""

_COPIES = frozenset({"aten.lift_fresh_copy.default", "aten.clone.default", "aten._to_copy.default"})
"""Operators whose result has the values of their operand."""

_NOTHING = TensorType(f32, [0])
"""The type of a gradient that was not asked for: PyTorch gives None there."""


def import_programs(programs: Mapping[str, ExportedProgram], weights: WeightsStore) -> ModuleOp:
    """A module of the aten dialect with one function a method; tensors go into `weights`.

    Raises DiagnosticsError that lists all that cannot be imported.
    """
    keys = WeightKeys(weights)
    buffers = MutableBuffers(programs.values(), keys)
    importers = [
        FunctionImporter(name, program, keys, buffers) for name, program in programs.items()
    ]
    functions = [importer.run() for importer in importers]
    problems = [d for importer in importers for d in importer.problems.diagnostics()]
    if problems:
        raise DiagnosticsError(problems)
    return ModuleOp(cast(list[Operation], functions))


class FunctionImporter:
    """Imports one exported program as one function."""

    def __init__(
        self, name: str, program: ExportedProgram, weights: WeightKeys, buffers: MutableBuffers
    ) -> None:
        self._name = name
        self._program = program
        self._weights = weights
        self._buffers = buffers
        self._symbols = SymbolNames()
        self._types: dict[Any, Attribute] = {}
        self._limits: dict[str, int] = {}
        self._definitions: dict[str, tuple[SSAValue, int | None]] = {}
        self._block = self._entry = Block()
        self._values: dict[Node, SSAValue | list[SSAValue]] = {}
        self._pending_weights: dict[Node, InputSpec] = {}
        self._input_index: dict[str, int] = {}
        self._control_flow = ControlFlowImporter(self._operand, self._region)
        self._around: Node | None = None
        self.problems = Problems()

    def run(self) -> FuncOp:
        """The function; what could not be imported is in `problems`."""
        placeholders = [n for n in self._program.graph.nodes if n.op == "placeholder"]
        specs = self._program.graph_signature.input_specs
        argument_attributes: list[DictionaryAttr] = []
        for node, spec in zip(placeholders, specs, strict=True):
            if spec.kind is InputKind.USER_INPUT:
                argument_attributes.append(self._add_input(node, spec))
            else:
                self._pending_weights[node] = spec
        self._import_nodes(self._program.graph)
        results, result_attributes = self._outputs()
        self._define_symbols()
        if not self.problems.diagnostics():
            self._block.add_op(ReturnOp(*results))
        function = FuncOp(
            self._name,
            FunctionType.from_lists(
                [a.type for a in self._block.args], [value.type for value in results]
            ),
            Region(self._block),
            arg_attrs=_unless_empty(argument_attributes),
            res_attrs=_unless_empty(result_attributes),
        )
        self._describe(function)
        return function

    def _import_nodes(self, graph: Graph) -> None:
        for node in graph.nodes:
            if node.op == "call_function":
                self._import_node(node)
            elif node.op == "get_attr":
                self._import_attribute(node)

    def _describe(self, function: FuncOp) -> None:
        call_spec = self._program.call_spec
        if call_spec.in_spec is not None and call_spec.out_spec is not None:
            function.attributes[INPUTS] = StringAttr(structure_text(call_spec.in_spec))
            function.attributes[OUTPUTS] = StringAttr(structure_text(call_spec.out_spec))
        ranges: dict[str, Attribute] = {}
        found = cast(dict[Any, Any], self._program.range_constraints)
        constraints = {str(symbol): bounds for symbol, bounds in found.items()}
        derived = self._derived_least(found)
        for torch_name, name in list(self._symbols.names.items()):
            if name.startswith("f"):
                continue
            bounds = constraints.get(torch_name)
            low = _least(bounds)
            high = bounds.upper if bounds is not None else None
            low = derived.get(name, low) if low == _TORCH_LEAST else low
            items: list[Attribute] = [IntegerAttr(int(low), i64)]
            if name in self._limits:
                items.append(IntegerAttr(self._limits[name], i64))
            elif high is not None and high.is_Integer and high < _UNBOUNDED:
                items.append(IntegerAttr(int(high), i64))
            ranges[name] = ArrayAttr(items)
        if ranges:
            function.attributes[SYMBOLS] = DictionaryAttr(ranges)

    def _derived_least(self, constraints: dict[Any, Any]) -> dict[str, int]:
        """The least value of symbols that torch has bounds for as parts of sizes, `2 * s0`."""
        least: dict[str, int] = {}
        for size, bounds in constraints.items():
            if not size.is_Symbol and bounds.lower.is_Integer:
                linear = self._symbols.expr(size).linear()
                if linear is not None and linear[1] > 0:
                    symbol, factor, offset = linear
                    least[symbol] = max(0, -(-(int(bounds.lower) - offset) // factor))
        return least

    def _add_input(self, node: Node, spec: InputSpec) -> DictionaryAttr:
        attributes: dict[str, Attribute] = {NAME: StringAttr(node.name)}
        argument = spec.arg
        if isinstance(argument, ConstantArgument):
            value = argument.value
            type = self._symbols.type_of(value) if not isinstance(value, str) else NoneType()
            literal = to_attribute(Argument("", "Scalar"), cast(Value, value))
            if literal is not None:
                attributes[VALUE] = literal
        else:
            type = self._type(node, node.meta["val"])
        value = self._block.insert_arg(type, len(self._block.args))
        value.name_hint = _hint(node.name)
        meta = node.meta.get("val")
        if isinstance(meta, torch.SymInt | torch.SymFloat) and _is_symbol(meta):
            self._definitions[str(self._symbols.expr(meta))] = (value, None)
        self._values[node] = value
        self._input_index[node.name] = value.index
        return DictionaryAttr(attributes)

    def _type(self, node: Node, value: Any) -> Attribute:
        key = (value.dtype, tuple(map(str, value.shape))) if isinstance(value, torch.Tensor) else 0
        if key and key in self._types:
            return self._types[key]
        try:
            type = self._symbols.type_of(value)
        except UnsupportedValue as error:
            self.problems.add(
                str(node.target), node, f"produces {error}, which has no type here", ""
            )
            return TensorType(i64, [])
        if key:
            self._types[key] = type
        return type

    def _add(self, op: Operation, node: Node) -> None:
        op.location = node_location(node, self._around)
        self._block.add_op(op)

    def _value(self, node: Node, user: Node) -> SSAValue:
        """The value of a tensor node; weights are read where they are first used."""
        if node not in self._values:
            spec = self._pending_weights[node]
            name = cast(str, spec.target)
            tensor = self._stored(spec)
            type = cast(TensorType[Attribute], self._type(node, tensor))
            buffer = self._buffers.find(name, tensor)
            op = (
                WeightOp(self._weights.key(name, tensor), type)
                if buffer is None
                else StateOp(buffer, type)
            )
            op.result.name_hint = _hint(name.replace(".", "_"))
            self._add(op, user)
            self._values[node] = op.result
        return cast(SSAValue, self._values[node])

    def _stored(self, spec: InputSpec) -> torch.Tensor:
        lifted = spec.kind is InputKind.CONSTANT_TENSOR
        return stored_tensor(self._program, cast(str, spec.target), lifted=lifted)

    def _import_node(self, node: Node) -> None:
        target = node.target
        if target is operator.getitem:
            source = cast(Node, node.args[0])
            if source in self._values:
                values = cast(list[SSAValue], self._values[source])
                self._values[node] = values[cast(int, node.args[1])]
            return
        tensors = isinstance(node.meta.get("val"), torch.Tensor | list | tuple)
        if not tensors and not _is_item(node):
            self._check_ignored(node)
            return
        if not isinstance(target, OpOverload):
            if str(target).startswith("auto_functionalized"):
                self._refuse_mutation(node)
            else:
                self._import_control_flow(node)
            return
        key = functional_key(target)
        if key not in aten.OPERATORS and target.namespace not in _PYTORCH:
            self._import_custom(node, cast(Any, target))
            return
        if key not in aten.OPERATORS:
            self.problems.add(
                key,
                node,
                "is not an operator that edgeir knows",
                "replace it in the model, or give torch.export a decomposition for it",
            )
            return
        self._import_operator(node, aten.OPERATORS[key])

    def _import_custom(self, node: Node, target: Any) -> None:
        if torch.Tag.nondeterministic_seeded in target.tags:
            self.problems.add(
                schema_key(target),
                node,
                "draws random numbers, which custom operators cannot do here",
                "draw them outside the operator and pass them to it",
            )
            return
        try:
            op_class = custom_operation("aten", str(target._schema))
        except SchemaError as error:
            self.problems.add(
                schema_key(target),
                node,
                f"cannot be a custom operator: {error}",
                "give it other arguments and results, or a decomposition",
            )
            return
        self._import_operator(node, op_class)

    def _refuse_mutation(self, node: Node) -> None:
        """A custom operator with an argument `Tensor(a!)`; torch wraps its calls."""
        operator = cast(OpOverload, node.args[0])
        written = [a.name for a in cast(Any, operator)._schema.arguments if a.is_write]
        self.problems.add(
            schema_key(operator),
            node,
            f"writes its argument {', '.join(written)}, which custom operators cannot do here",
            "let it return the new value instead (mutates_args=())",
        )

    def _check_ignored(self, node: Node) -> None:
        """Sizes are expressions in types, assertions compute nothing; the rest has no place."""
        target = node.target
        if not isinstance(target, OpOverload):
            return
        key = schema_key(target)
        if key in ASSERTIONS or key.startswith("aten::sym_") or node.meta.get("val") is None:
            return
        self.problems.add(
            key,
            node,
            "computes a number from the values of a tensor, which is not supported yet",
            "keep the value in a tensor, or compute it outside the model",
        )

    def _import_control_flow(self, node: Node) -> None:
        """A branch or loop, its nested graphs as regions."""
        if str(node.target) not in HIGHER_ORDER:
            self.problems.add(
                str(node.target),
                node,
                "is a higher-order operator that edgeir does not know",
                "write it with torch.cond, while_loop, map or scan",
            )
            return
        metas = cast(list[Any], node.meta["val"])
        types = [self._type(node, meta) for meta in metas]
        try:
            op = self._control_flow.operation(node, types)
        except UnsupportedValue as error:
            self.problems.add(str(node.target), node, f"takes {error}", "")
            return
        except KeyError:
            # It takes the result of an operator that is already reported.
            return
        self._add(op, node)
        for value in op.results:
            value.name_hint = _hint(node.name)
        self._values[node] = list(op.results)
        self._note_symbols(node, metas, op.results)

    def _import_attribute(self, node: Node) -> None:
        """A constant of a nested graph; nested graphs themselves are imported where they run."""
        attribute: Any = nested_graph(node)
        if isinstance(attribute, torch.Tensor):
            key = self._weights.key(str(node.target), attribute)
            op = WeightOp(key, cast(TensorType[Attribute], self._type(node, attribute)))
            self._add(op, node)
            self._values[node] = op.result

    def _operand(self, value: Any, user: Node) -> SSAValue:
        """The value of what a branch, a loop or a yield takes: a tensor, a number, a condition."""
        meta = value.meta.get("val") if isinstance(value, Node) else value
        if isinstance(value, Node) and isinstance(meta, torch.Tensor):
            return self._value(value, user)
        if isinstance(value, Node) and value in self._values:
            return cast(SSAValue, self._values[value])
        if isinstance(meta, torch.SymBool):
            return truth_value(meta, self._symbols, lambda op: self._add(op, user))
        op = LiteralOp(self._symbols.expr(meta) if isinstance(meta, torch.SymInt) else meta)
        self._add(op, user)
        return op.result

    def _region(self, graph: GraphModule, count: int, closure: Sequence[Any], user: Node) -> Region:
        """The region of a nested graph: its first `count` placeholders are arguments of the block,
        the others stand for the values of `closure`.
        """
        placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
        outer = self._block, self._definitions, self._around
        values = [
            self._value(value, user)
            if isinstance(value, Node) and isinstance(value.meta.get("val"), torch.Tensor)
            else value
            for value in closure
        ]
        self._block, self._definitions = Block(), {}
        self._around = self._around or user
        for node in placeholders[:count]:
            meta = node.meta["val"]
            argument = self._block.insert_arg(self._type(node, meta), len(self._block.args))
            argument.name_hint = _hint(node.name)
            self._values[node] = argument
            self._note_symbols(node, meta, [argument])
        for node, value in zip(placeholders[count:], values, strict=True):
            if isinstance(value, SSAValue):
                self._values[node] = value
            else:
                self._bind_number(node, value, user)
        self._import_nodes(graph.graph)
        output = next(node for node in graph.graph.nodes if node.op == "output")
        (returned,) = cast(tuple[Any], output.args)
        results = cast(list[Any], returned) if isinstance(returned, list | tuple) else [returned]
        yielded = [self._operand(result, output) for result in results]
        self._define_symbols()
        block = self._block
        self._add(YieldOp(*yielded), output)
        self._block, self._definitions, self._around = outer
        return Region(block)

    def _bind_number(self, node: Node, value: Any, user: Node) -> None:
        """A number that a nested graph takes under a symbol of its own."""
        meta = node.meta["val"]
        given = value.meta["val"] if isinstance(value, Node) else value
        if isinstance(meta, torch.SymInt) and str(meta) != str(given):
            self._note_symbols(node, meta, [self._operand(value, user)])

    def _import_operator(self, node: Node, op_class: type[SchemaOp]) -> None:
        schema = op_class.SCHEMA
        given = dict(zip((a.name for a in schema.arguments), node.args, strict=False))
        given |= node.kwargs
        arguments: dict[str, Any] = {}
        try:
            for argument in schema.arguments:
                if argument.name in given and not is_dropped(argument):
                    arguments[argument.name] = self._argument(node, argument, given[argument.name])
        except UnsupportedValue as error:
            self.problems.add(operation_name(schema, "aten"), node, f"takes {error}", "")
            return
        except KeyError:
            # An operand is the result of an operator that is already reported.
            return
        result = node.meta["val"]
        many = isinstance(result, list | tuple)
        types = [
            self._type(node, value) if value is not None else _NOTHING
            for value in (cast(list[Any], result) if many else [result])
        ]
        if schema.key == "aten::unique_consecutive":
            self._correct_runs(node, types)
        self._limit_count(schema.key, node, types[0])
        op = op_class(**arguments, result_types=types)
        self._add(op, node)
        for value in op.results:
            value.name_hint = _hint(node.name)
        self._values[node] = list(op.results) if many else op.results[0]
        self._note_symbols(node, result, op.results)

    def _note_symbols(self, node: Node, result: Any, values: Sequence[SSAValue]) -> None:
        """Remember which values give symbols that depend on data: numbers, and sizes."""
        metas = cast(list[Any], result) if isinstance(result, list | tuple) else [result]
        for value, meta in zip(values, metas, strict=True):
            if isinstance(meta, torch.SymInt | torch.SymFloat):
                if _is_symbol(meta):
                    self._definitions.setdefault(str(self._symbols.expr(meta)), (value, None))
                continue
            for dim, size in enumerate(meta.shape if isinstance(meta, torch.Tensor) else ()):
                if isinstance(size, torch.SymInt) and _is_symbol(size) and is_unbacked(size):
                    self._definitions.setdefault(str(self._symbols.expr(size)), (value, dim))

    def _define_symbols(self) -> None:
        """Say where those symbols come from that attributes name, and the inputs that are such."""
        named = {
            s
            for op in self._block.walk()
            for value in op.properties.values()
            for s in named_symbols(value)
        }
        for symbol, (value, dim) in self._definitions.items():
            owner = value.owner
            if symbol not in named and (
                isinstance(owner, Operation) or self._block is not self._entry
            ):
                continue
            if isinstance(owner, Operation) and owner.parent is self._block:
                self._block.insert_op_after(SymbolOp(symbol, value, dim), owner)
            elif (first := self._block.first_op) is not None:
                self._block.insert_op_before(SymbolOp(symbol, value, dim), first)

    def _limit_count(self, key: str, node: Node, type: Attribute) -> None:
        """At most all elements are selected; torch's own bound ignores broadcasting."""
        if key in ("aten::_unique2", "aten::unique_dim", "aten::unique_consecutive"):
            self._limit_distinct(key, node, type)
        if key == "aten::repeat_interleave.Tensor":
            self._limit_repeats(node, type)
        if key not in ("aten::nonzero", "aten::masked_select"):
            return
        shapes = [cast(Node, argument).meta["val"].shape for argument in node.args]
        shape = cast("tuple[Any, ...]", cast(Any, torch).broadcast_shapes(*shapes))
        linear = dims_of(cast(TensorType[Attribute], type))[0].linear()
        if linear is not None and all(isinstance(size, int) for size in shape):
            self._limits[linear[0]] = math.prod(shape)

    def _limit_repeats(self, node: Node, type: Attribute) -> None:
        """Numbers of repetitions that are constant say how many there are in all."""
        source = cast(Node, node.args[0])
        while str(source.target) in _COPIES:
            source = cast(Node, source.args[0])
        linear = dims_of(cast(TensorType[Attribute], type))[0].linear()
        spec = self._pending_weights.get(source)
        if spec is None or linear is None:
            return
        repeats = self._stored(spec)
        if self._buffers.find(cast(str, spec.target), repeats) is None:
            self._limits[linear[0]] = int(repeats.sum())

    def _correct_runs(self, node: Node, types: list[Attribute]) -> None:
        """The types of the runs along dim -1 and of their counts, which torch itself has wrong."""
        given: Any = node.args[0]
        dim = node.kwargs.get("dim", node.args[3] if len(node.args) > 3 else None)
        if dim != -1:
            return
        runs, _, counts = cast("list[TensorType[Attribute]]", types)
        outer = dims_of(cast(TensorType[Attribute], self._type(given, given.meta["val"])))[:-1]
        # torch puts all sizes of the input behind the number of runs.
        count = dims_of(runs)[len(outer)]
        types[0] = tensor_type(runs.element_type, [*outer, count])
        types[2] = tensor_type(counts.element_type, [count])

    def _limit_distinct(self, key: str, node: Node, type: Attribute) -> None:
        """There are at most as many distinct elements, or slices, as all."""
        shape = cast("tuple[Any, ...]", cast(Node, node.args[0]).meta["val"].shape)
        position = 3 if key == "aten::unique_consecutive" else 1
        dim = node.kwargs.get("dim", node.args[position] if len(node.args) > position else None)
        if key == "aten::_unique2" or dim is None:
            count: Any = math.prod(shape)
        else:
            count = shape[cast(int, dim)]
        sizes = dims_of(cast(TensorType[Attribute], type))
        for linear in (size.linear() for size in sizes):
            if linear is not None and isinstance(count, int):
                self._limits.setdefault(linear[0], count)

    def _argument(self, node: Node, argument: Argument, value: Any) -> Any:
        if not argument.is_tensor:
            return self._constant(value)
        if argument.is_list:
            return [None if v is None else self._tensor(node, v) for v in value]
        return None if value is None else self._tensor(node, value)

    def _tensor(self, node: Node, value: Any) -> SSAValue:
        if isinstance(value, Node) and isinstance(value.meta.get("val"), torch.Tensor):
            return self._value(value, node)
        if isinstance(value, Node) and _is_float_arithmetic(value.meta.get("val")):
            return self._float_tensor(node, value)
        number = NumberOp(self._constant(value))
        self._add(number, node)
        return number.result

    def _float_tensor(self, node: Node, number: Node) -> SSAValue:
        """The value of arithmetic on run-time numbers, for a user that takes a tensor."""
        result = node.meta["val"]
        double = isinstance(result, torch.Tensor) and result.dtype is torch.float64
        numbers = FloatNumbers(self._symbols, lambda op: self._add(op, node))
        return numbers.tensor(number.meta["val"].node.expr, f64 if double else f32)

    def _constant(self, value: Any) -> Value:
        if isinstance(value, Node):
            value = value.meta["val"]
        match value:
            case torch.SymInt() | torch.SymFloat():
                return self._symbols.expr(value)
            case torch.dtype() if value in ELEMENT_TYPES:
                return ELEMENT_TYPES[value]
            case list() | tuple():
                return [self._constant(item) for item in cast(list[Any], value)]
            case None | bool() | int() | float() | complex() | str():
                return value
            case _:
                raise UnsupportedValue(f"the {type(value).__name__} {value}")

    def _outputs(self) -> tuple[list[SSAValue], list[DictionaryAttr]]:
        output = next(n for n in self._program.graph.nodes if n.op == "output")
        specs = self._program.graph_signature.output_specs
        names = self._output_names(specs)
        results: list[SSAValue] = []
        attributes: list[DictionaryAttr] = []
        for spec, value in zip(specs, cast(list[Any], output.args[0]), strict=True):
            result = self._output(output, spec, value)
            if result is None:
                continue
            results.append(result)
            if spec.kind is OutputKind.USER_OUTPUT:
                name = next(names)
                attributes.append(DictionaryAttr({NAME: StringAttr(name)} if name else {}))
            elif (target := self._mutation_target(output, spec)) is not None:
                attributes.append(DictionaryAttr({MUTATES: target}))
        return results, attributes

    def _mutation_target(self, output: Node, spec: OutputSpec) -> Attribute | None:
        """What a result is the new value of: the name of a buffer, or the index of an argument."""
        name = cast(str, spec.target)
        if spec.kind in MUTATION:
            buffer = self._buffers.find(name, stored_tensor(self._program, name))
            assert buffer is not None, "all mutated buffers are known"
            return StringAttr(buffer)
        if spec.kind is OutputKind.USER_INPUT_MUTATION:
            return IntegerAttr(self._input_index[name], i64)
        kind = spec.kind.name.lower().replace("_", " ")
        self.problems.add(f"{kind} {name}", output, "is no result that a program can have", "")
        return None

    def _output_names(self, specs: list[OutputSpec]) -> Any:
        spec = self._program.call_spec.out_spec
        # As the runtime names them when it reads the same text.
        structure = parse_structure(structure_text(spec)) if spec is not None else None
        names = structure.leaf_names() if structure is not None else []
        return iter(names + [""] * (len(specs) - len(names)))

    def _output(self, output: Node, spec: OutputSpec, value: Any) -> SSAValue | None:
        if isinstance(value, Node) and value.meta.get("val") is None:
            value = None
        if isinstance(value, Node) and _is_item(value):
            return cast("SSAValue | None", self._values.get(value))
        if isinstance(spec.arg, TensorArgument) and isinstance(value, Node):
            if value in self._values or value in self._pending_weights:
                return self._value(value, output)
            return None
        if isinstance(value, Node) and isinstance(
            value.meta.get("val"), torch.SymInt | torch.SymFloat
        ):
            try:
                literal: Any = self._symbols.expr(value.meta["val"])
            except UnsupportedValue as error:
                self.problems.add("output", output, f"is {error}, which is no output", "")
                return None
        else:
            literal = value
        if isinstance(literal, str):
            self.problems.add("output", output, f"the string {literal!r} is no output", "drop it")
            return None
        op = LiteralOp(literal)
        self._block.add_op(op)
        return op.result


def _least(bounds: Any) -> int:
    """The lower bound of a symbol; only a number out of a tensor may be negative."""
    if bounds is None or bounds.lower.is_Integer:
        return 0 if bounds is None else int(bounds.lower)
    return -_UNBOUNDED


def _is_float_arithmetic(number: Any) -> bool:
    return isinstance(number, torch.SymFloat) and not _is_symbol(number)


def _is_symbol(number: torch.SymInt | torch.SymFloat) -> bool:
    return cast(Any, number).node.expr.is_Symbol


def is_unbacked(number: torch.SymInt) -> bool:
    """Whether a size depends on data, not on the sizes of inputs."""
    return not cast(Any, number).node.has_hint()


def _is_item(node: Node) -> bool:
    """Whether a node takes a number out of a tensor."""
    return str(node.target) == "aten._local_scalar_dense.default"


def schema_key(target: Any) -> str:
    """The table key of an `OpOverload`: `aten::add.Tensor`."""
    schema = target._schema
    return f"{schema.name}.{schema.overload_name}" if schema.overload_name else schema.name


def _unless_empty(attributes: list[DictionaryAttr]) -> ArrayAttr[DictionaryAttr] | None:
    return ArrayAttr(attributes) if any(entry.data for entry in attributes) else None


def _hint(name: str) -> str | None:
    return name if SSAValue.is_valid_name(name) else None
