"""Imports decomposed exported programs into the aten dialect."""

from __future__ import annotations

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
)
from torch.fx import Graph, GraphModule, Node
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    NoneType,
    StringAttr,
    TensorType,
    f32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, Region, SSAValue

from ...dialects import aten
from ...dialects.aten.control_flow import YieldOp
from ...dialects.custom_operator import custom_operation
from ...dialects.diagnostic import DiagnosticsError
from ...dialects.edge.ops import WeightOp
from ...dialects.function import INPUTS, NAME, OUTPUTS, SYMBOLS, VALUE
from ...dialects.layout import dims_of, tensor_type
from ...dialects.schema import Argument, SchemaError
from ...dialects.schema_op import SchemaOp, operation_name
from ...dialects.schema_values import Value, is_dropped, to_attribute
from ...dialects.weights import WeightsStore
from .buffers import MutableBuffers
from .control_flow import HIGHER_ORDER, ControlFlowImporter, nested_graph
from .graph_nodes import is_item, schema_key
from .graph_values import GraphValues, hint_of
from .outputs import OutputImporter
from .plain_graph import functional_key
from .problems import Problems
from .size_ranges import SizeRanges
from .structure import structure_text
from .types import UnsupportedValue
from .weight_keys import WeightKeys

ASSERTIONS = frozenset(
    {
        "aten::_assert_tensor_metadata",
        "aten::_assert_scalar",
        "aten::_assert_async.msg",
        "aten::_linalg_check_errors",
        "aten::_print",
        "aten::sym_constrain_range",
        "aten::sym_constrain_range_for_size",
    }
)
"""Checks and messages that torch.export leaves in the graph; they compute nothing."""

_PYTORCH = frozenset({"aten", "prim", "prims"})
"""Namespaces of PyTorch's own operators: what the table lacks of them is no custom operator."""

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
        self.problems = Problems()
        self._values = GraphValues(program, weights, buffers, self.problems)
        self._ranges = SizeRanges(program, self._values.symbols, self._values.constant_tensor)
        self._control_flow = ControlFlowImporter(self._values.operand, self._region)
        self._inputs: dict[str, int] = {}
        """The numbers of the function's arguments, by the names of their nodes."""

    def run(self) -> FuncOp:
        """The function; what could not be imported is in `problems`."""
        placeholders = [n for n in self._program.graph.nodes if n.op == "placeholder"]
        specs = self._program.graph_signature.input_specs
        argument_attributes: list[DictionaryAttr] = []
        for node, spec in zip(placeholders, specs, strict=True):
            if spec.kind is InputKind.USER_INPUT:
                argument_attributes.append(self._add_input(node, spec))
            else:
                self._values.pending[node] = spec
        self._import_nodes(self._program.graph)
        outputs = OutputImporter(self._program, self._values, self._inputs, self._buffers)
        results, result_attributes = outputs.results()
        self._values.define_symbols()
        if not self.problems.diagnostics():
            self._values.block.add_op(ReturnOp(*results))
        function = FuncOp(
            self._name,
            FunctionType.from_lists(
                [a.type for a in self._values.block.args], [value.type for value in results]
            ),
            Region(self._values.block),
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
        """Say how the function is called."""
        call_spec = self._program.call_spec
        if call_spec.in_spec is not None and call_spec.out_spec is not None:
            function.attributes[INPUTS] = StringAttr(structure_text(call_spec.in_spec))
            function.attributes[OUTPUTS] = StringAttr(structure_text(call_spec.out_spec))
        if (ranges := self._ranges.attribute()).data:
            function.attributes[SYMBOLS] = ranges

    def _add_input(self, node: Node, spec: InputSpec) -> DictionaryAttr:
        attributes: dict[str, Attribute] = {NAME: StringAttr(node.name)}
        argument = spec.arg
        if isinstance(argument, ConstantArgument):
            value = argument.value
            type = self._values.symbols.type_of(value) if not isinstance(value, str) else NoneType()
            literal = to_attribute(Argument("", "Scalar"), cast(Value, value))
            if literal is not None:
                attributes[VALUE] = literal
        else:
            type = self._values.type_of(node, node.meta["val"])
        value = self._values.argument_of(node, type)
        self._values[node] = value
        self._values.note_symbols(node, node.meta.get("val"), [value])
        self._inputs[node.name] = value.index
        return DictionaryAttr(attributes)

    def _import_node(self, node: Node) -> None:
        target = node.target
        if target is operator.getitem:
            source = cast(Node, node.args[0])
            if source in self._values:
                values = cast(list[SSAValue], self._values[source])
                self._values[node] = values[cast(int, node.args[1])]
            return
        tensors = isinstance(node.meta.get("val"), torch.Tensor | list | tuple)
        if not tensors and not is_item(node):
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
        if _is_effect(node):
            return
        if str(node.target) not in HIGHER_ORDER:
            self.problems.add(
                str(node.target),
                node,
                "is a higher-order operator that edgeir does not know",
                "write it with torch.cond, while_loop, map or scan",
            )
            return
        metas = cast(list[Any], node.meta["val"])
        types = [self._values.type_of(node, meta) for meta in metas]
        try:
            op = self._control_flow.operation(node, types)
        except UnsupportedValue as error:
            self.problems.add(str(node.target), node, f"takes {error}", "")
            return
        except KeyError:
            # It takes the result of an operator that is already reported.
            return
        self._values.add(op, node)
        for value in op.results:
            value.name_hint = hint_of(node.name)
        self._values[node] = list(op.results)
        self._values.note_symbols(node, metas, op.results)

    def _import_attribute(self, node: Node) -> None:
        """A constant of a nested graph; nested graphs themselves are imported where they run."""
        attribute: Any = nested_graph(node)
        if isinstance(attribute, torch.Tensor):
            key = self._weights.key(str(node.target), attribute)
            op = WeightOp(key, cast(TensorType[Attribute], self._values.type_of(node, attribute)))
            self._values.add(op, node)
            self._values[node] = op.result

    def _region(self, graph: GraphModule, count: int, closure: Sequence[Any], user: Node) -> Region:
        """The region of a nested graph: its first `count` placeholders are arguments of the block,
        the others stand for the values of `closure`.
        """
        placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
        values = [
            self._values.value(value, user)
            if isinstance(value, Node) and isinstance(value.meta.get("val"), torch.Tensor)
            else value
            for value in closure
        ]
        with self._values.region(user) as block:
            for node in placeholders[:count]:
                meta = node.meta["val"]
                argument = self._values.argument_of(node, self._values.type_of(node, meta))
                self._values[node] = argument
                self._values.note_symbols(node, meta, [argument])
            for node, value in zip(placeholders[count:], values, strict=True):
                if isinstance(value, SSAValue):
                    self._values[node] = value
                else:
                    self._bind_number(node, value, user)
            self._import_nodes(graph.graph)
            output = next(node for node in graph.graph.nodes if node.op == "output")
            (returned,) = cast(tuple[Any], output.args)
            many = isinstance(returned, list | tuple)
            results = cast(list[Any], returned) if many else [returned]
            yielded = [self._values.operand(result, output) for result in results]
            self._values.define_symbols()
            self._values.add(YieldOp(*yielded), output)
        return Region(block)

    def _bind_number(self, node: Node, value: Any, user: Node) -> None:
        """A number that a nested graph takes under a symbol of its own."""
        meta = node.meta["val"]
        given = value.meta["val"] if isinstance(value, Node) else value
        if isinstance(meta, torch.SymInt) and str(meta) != str(given):
            self._values.note_symbols(node, meta, [self._values.operand(value, user)])

    def _import_operator(self, node: Node, op_class: type[SchemaOp]) -> None:
        schema = op_class.SCHEMA
        given = dict(zip((a.name for a in schema.arguments), node.args, strict=False))
        given |= node.kwargs
        arguments: dict[str, Any] = {}
        try:
            for argument in schema.arguments:
                if argument.name in given and not is_dropped(argument):
                    value = given[argument.name]
                    arguments[argument.name] = self._values.argument(node, argument, value)
        except UnsupportedValue as error:
            self.problems.add(operation_name(schema, "aten"), node, f"takes {error}", "")
            return
        except KeyError:
            # An operand is the result of an operator that is already reported.
            return
        result = node.meta["val"]
        many = isinstance(result, list | tuple)
        types = [
            self._values.type_of(node, value) if value is not None else _NOTHING
            for value in (cast(list[Any], result) if many else [result])
        ]
        if schema.key == "aten::unique_consecutive":
            self._correct_runs(node, types)
        self._ranges.limit(schema.key, node, types[0])
        op = op_class(**arguments, result_types=types)
        self._values.add(op, node)
        for value in op.results:
            value.name_hint = hint_of(node.name)
        self._values[node] = list(op.results) if many else op.results[0]
        self._values.note_symbols(node, result, op.results)

    def _correct_runs(self, node: Node, types: list[Attribute]) -> None:
        """The types of the runs along dim -1 and of their counts, which torch itself has wrong."""
        given: Any = node.args[0]
        dim = node.kwargs.get("dim", node.args[3] if len(node.args) > 3 else None)
        if dim != -1:
            return
        runs, _, counts = cast("list[TensorType[Attribute]]", types)
        type = cast(TensorType[Attribute], self._values.type_of(given, given.meta["val"]))
        outer = dims_of(type)[:-1]
        # torch puts all sizes of the input behind the number of runs.
        count = dims_of(runs)[len(outer)]
        types[0] = tensor_type(runs.element_type, [*outer, count])
        types[2] = tensor_type(counts.element_type, [count])


def _is_effect(node: Node) -> bool:
    """Whether a node only checks or prints something, in order with others of its kind."""
    wrapped = node.args[1] if str(node.target) == "with_effects" else None
    return isinstance(wrapped, OpOverload) and schema_key(wrapped) in ASSERTIONS


def _unless_empty(attributes: list[DictionaryAttr]) -> ArrayAttr[DictionaryAttr] | None:
    return ArrayAttr(attributes) if any(entry.data for entry in attributes) else None
