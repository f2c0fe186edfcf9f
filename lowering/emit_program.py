"""Emission: a module of `memory.method`s becomes the bytes of a program.

Values stand in the order of the declarations, operators in the order of their first use, methods in
the order of their names; constants with equal bytes are stored once. `read_program` is the inverse.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from ..dialects import memory
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..runtime.errors import ProgramError
from ..runtime.program.program_file import ProgramFile
from ..runtime.program.segments import SegmentsBuilder
from ..runtime.program.writer import write_program
from .delegation_table import TABLE_KEY
from .emit_method import MethodEmitter
from .stored_bytes import Weights, stored_bytes


def emit_program(module: ModuleOp, weights: Weights, *, locations: bool = True) -> bytes:
    """The bytes of a `.pte` file for a planned module.

    Raises DiagnosticsError with everything that the format cannot take, found in the whole module.
    """
    try:
        return write_program(build_program(module, weights, locations=locations))
    except ProgramError as error:
        raise DiagnosticsError([Diagnostic.at(module, str(error))]) from None


def build_program(module: ModuleOp, weights: Weights, *, locations: bool = True) -> ProgramFile:
    """The tables and segments of a planned module; raises as `emit_program` does."""
    diagnostics: list[Diagnostic] = []
    segments = SegmentsBuilder()
    methods: list[memory.MethodOp] = []
    for op in module.ops:
        if isinstance(op, memory.MethodOp):
            methods.append(op)
        elif not isinstance(op, memory.NamedDataOp):
            diagnostics.append(
                Diagnostic.at(op, "only memory.method can be emitted", "run convert-edge-to-memory")
            )
    if not methods:
        diagnostics.append(Diagnostic.at(module, "there is no memory.method to emit"))
    emitters = [
        MethodEmitter(method, weights, segments, diagnostics)
        for method in sorted(methods, key=lambda method: method.sym_name.data)
    ]
    plans = [emitter.plan(locations) for emitter in emitters]
    for op in module.ops:
        if not isinstance(op, memory.NamedDataOp) or op.external is not None:
            continue
        # The table of what was delegated names source lines.
        if locations or op.key.data != TABLE_KEY:
            data = stored_bytes(op, op.payload, weights, diagnostics, f'"{op.key.data}"')
            segments.add_named(op.key.data, b"" if data is None else data)
    if diagnostics:
        raise DiagnosticsError(diagnostics)
    return segments.build(plans)
