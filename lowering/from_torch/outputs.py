"""What a function returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx import Node
from xdsl.dialects.builtin import (
    DictionaryAttr,
    IntegerAttr,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from ...dialects.edge.ops import LiteralOp
from ...dialects.function import MUTATES, NAME
from ...runtime.structure import parse_structure
from .buffers import MUTATION, MutableBuffers, stored_tensor
from .graph_nodes import is_item
from .graph_values import GraphValues
from .structure import structure_text
from .types import UnsupportedValue


class OutputImporter:
    """Imports the outputs of a program."""

    def __init__(
        self,
        program: ExportedProgram,
        values: GraphValues,
        inputs: Mapping[str, int],
        buffers: MutableBuffers,
    ) -> None:
        self._program = program
        self._values = values
        self._inputs = inputs
        self._buffers = buffers

    def results(self) -> tuple[list[SSAValue], list[DictionaryAttr]]:
        """The values that the function returns, and their attributes."""
        output = next(n for n in self._program.graph.nodes if n.op == "output")
        specs = self._program.graph_signature.output_specs
        names = self._output_names(specs)
        results: list[SSAValue] = []
        attributes: list[DictionaryAttr] = []
        for spec, value in zip(specs, cast(list[Any], output.args[0]), strict=True):
            # A token only keeps operators with effects in order.
            result = None if spec.kind is OutputKind.TOKEN else self._output(output, spec, value)
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
            return IntegerAttr(self._inputs[name], i64)
        kind = spec.kind.name.lower().replace("_", " ")
        self._values.problems.add(
            f"{kind} {name}", output, "is no result that a program can have", ""
        )
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
        if isinstance(value, Node) and is_item(value):
            return cast("SSAValue | None", self._values[value] if value in self._values else None)
        if isinstance(spec.arg, TensorArgument) and isinstance(value, Node):
            if value in self._values or value in self._values.pending:
                return self._values.value(value, output)
            return None
        if isinstance(value, Node) and isinstance(
            value.meta.get("val"), torch.SymInt | torch.SymFloat
        ):
            try:
                literal: Any = self._values.symbols.expr(value.meta["val"])
            except UnsupportedValue as error:
                self._values.problems.add("output", output, f"is {error}, which is no output", "")
                return None
        else:
            literal = value
        if isinstance(literal, str):
            self._values.problems.add(
                "output", output, f"the string {literal!r} is no output", "drop it"
            )
            return None
        op = LiteralOp(literal)
        self._values.block.add_op(op)
        return op.result
