"""Runs samples through the compiler and the interpreter and compares with eager."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from eager import to_numpy, to_torch
from samples import Sample, expected
from tracing import TraceError, overloads, trace, unknown
from xdsl.dialects.builtin import ModuleOp

from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.compile_program import CompileError, compile_module
from edgeir.lowering.from_torch.importer import FunctionImporter, WeightKeys
from edgeir.runtime.errors import ProgramError
from edgeir.runtime.module import Module, load

TARGETS: tuple[str | None, ...] = ("edgeir", None)
"""Each sample is compiled for both: composites whole, and decomposed as far as can be."""

UNINITIALISED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty")
"""OpInfos whose results have any values at all, by the start of the name."""


@dataclass(frozen=True)
class Outcome:
    """What came of a sample.

    `kind` is `pass`; `fail`; `outside`, where the traced program has operators that are not in our
    table; `untraceable`, where PyTorch itself gives no program; `no reference`, where eager
    refuses the sample. `detail` says why, `overloads` which operators the program has.
    """

    kind: str
    detail: str = ""
    overloads: tuple[str, ...] = ()


@dataclass
class Checker:
    """Checks samples; equal programs are compiled once, each sample runs with its own values."""

    decompositions: Any
    targets: tuple[str | None, ...] = TARGETS
    _compiled: dict[str, Any] = field(default_factory=dict)

    def check(self, sample: Sample, tolerance: Mapping[str, float]) -> Outcome:
        """Compile and run a sample."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = expected(sample)
            if reference is None:
                return Outcome("no reference")
            try:
                program = trace(sample.function, sample.tensors, self.decompositions)
            except TraceError as error:
                return Outcome("untraceable", str(error))
        used = tuple(overloads(program))
        if others := unknown(program):
            return Outcome("outside", ", ".join(others), used)
        values_matter = not _random(program) and not sample.op.startswith(UNINITIALISED)
        try:
            for module in self._modules(program):
                inputs = [to_numpy(tensor) for tensor in sample.tensors]
                results = module.run("forward", *inputs)
                results = results if isinstance(results, tuple) else (results,)
                _compare(results, reference, tolerance, values_matter)
        except AssertionError as error:
            return Outcome("fail", _one_line(error), used)
        except (DiagnosticsError, CompileError, ProgramError) as error:
            return Outcome("fail", f"{type(error).__name__}: {_one_line(error)}", used)
        except Exception as error:
            return Outcome("fail", f"crash {type(error).__name__}: {_one_line(error)}", used)
        return Outcome("pass", "", used)

    def _modules(self, program: Any) -> list[Module]:
        key = _text(program)
        if key not in self._compiled:
            self._compiled[key] = None
            buffers = dict.fromkeys(compiled(program, target) for target in self.targets)
            self._compiled[key] = [load(buffer) for buffer in buffers]
        if self._compiled[key] is None:
            raise ProgramError("the same program failed before")
        return self._compiled[key]


def compiled(program: Any, target: str | None) -> bytes:
    """The `.pte` file of a traced program."""
    context = edge_context()
    importer = FunctionImporter("forward", program, WeightKeys(context.weights))
    function = importer.run()
    if problems := importer.problems.diagnostics():
        raise DiagnosticsError(problems)
    return compile_module(ModuleOp([function]), context, target_runtime=target).buffer


def _text(program: Any) -> str:
    """What programs that compile to the same file have in common."""
    lines = []
    for node in program.graph.nodes:
        value = node.meta.get("val")
        lines.append(f"{node.name} {node.target} {node.args} {node.kwargs} {_type(value)}")
    lines += [f"{name} {tensor.tolist()}" for name, tensor in program.constants.items()]
    return "\n".join(lines)


def _type(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{list(value.shape)}"
    return [_type(item) for item in value] if isinstance(value, list | tuple) else value


def _random(program: Any) -> bool:
    return any(
        torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        for node in program.graph.nodes
    )


def _compare(
    results: Any, reference: list[Any], tolerance: Mapping[str, float], values_matter: bool
) -> None:
    assert len(results) == len(reference), f"{len(results)} results, not {len(reference)}"
    for result, wanted in zip(results, reference, strict=True):
        if not isinstance(wanted, torch.Tensor):
            assert type(result) is type(wanted) and result == wanted, f"{result!r}, not {wanted!r}"
            continue
        wanted = wanted.detach().resolve_conj().resolve_neg().contiguous()
        assert isinstance(result, np.ndarray), f"{result!r}, not a tensor"
        if not values_matter:
            assert result.shape == tuple(wanted.shape), f"shape {result.shape}, {wanted.shape}"
            assert to_torch(result).dtype == wanted.dtype
            continue
        torch.testing.assert_close(to_torch(result), wanted, equal_nan=True, **tolerance)


def _one_line(error: Exception) -> str:
    return " | ".join(line.strip() for line in str(error).splitlines() if line.strip())[:300]
