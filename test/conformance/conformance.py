"""Runs samples through the compiler and the interpreter and compares with eager."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from eager import to_numpy, to_torch
from samples import Sample, expected
from torch._ops import OpOverload
from torch.fx import Node
from torch.testing._comparison import default_tolerances
from torch.utils._pytree import tree_leaves
from tracing import TraceError, trace, unknown, uses

from edgeir.dialects.context import edge_context
from edgeir.dialects.diagnostic import DiagnosticsError
from edgeir.lowering.compile_program import CompileError, Program, compile_module
from edgeir.lowering.from_torch.importer import import_programs
from edgeir.runtime.errors import ProgramError
from edgeir.runtime.module import Module, load

TARGETS: tuple[str | None, ...] = ("edgeir", None)
"""Each sample is compiled for both: composites whole, and decomposed as far as can be."""

UNINITIALISED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty")
"""OpInfos whose results have any values at all, by the start of the name."""


OUTSIDE_TOLERANCE = "outside the tolerance, and as near to the exact result as eager"


@dataclass(frozen=True)
class Run:
    """A program for ExecuTorch's runtime, inputs and what the interpreter makes of them."""

    program: bytes
    inputs: tuple[torch.Tensor, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a sample.

    `kind` is `pass`; `fail`; `outside`, where the traced program has operators that are not in our
    table; `untraceable`, where PyTorch itself gives no program; `no reference`, where eager
    refuses the sample. `detail` says why, for what passes outside OpInfo's tolerance (see
    `Comparison`) that it does; `uses` tells which operators the program has, each with the
    dtype of its first tensor; `run` is set if ExecuTorch's runtime should do the same.
    """

    kind: str
    detail: str = ""
    uses: tuple[tuple[str, str], ...] = ()
    run: Run | None = None

    @property
    def overloads(self) -> set[str]:
        """The operators of the program: `aten::add.Tensor`."""
        return {key for key, _ in self.uses}


@dataclass
class Checker:
    """Checks samples; equal programs are compiled once, each sample runs with its own values."""

    decompositions: Any
    targets: tuple[str | None, ...] = TARGETS
    keep_runs: bool = False
    strict: bool = False
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
        used = tuple(uses(program))
        if others := unknown(program):
            return Outcome("outside", ", ".join(others), used)
        compare = Comparison(sample, program, tolerance, self.strict)
        try:
            modules, portable = self._modules(program)
            results: Any = ()
            for module in modules:
                inputs = [to_numpy(tensor) for tensor in sample.tensors]
                results = module.run("forward", *inputs)
                results = results if isinstance(results, tuple) else (results,)
                compare(results, reference)
        except AssertionError as error:
            return Outcome("fail", _one_line(error), used)
        except (DiagnosticsError, CompileError, ProgramError) as error:
            return Outcome("fail", f"{type(error).__name__}: {_one_line(error)}", used)
        except Exception as error:
            return Outcome("fail", f"crash {type(error).__name__}: {_one_line(error)}", used)
        run = None
        if self.keep_runs and portable and not compare.only_shapes():
            outputs = tuple(to_torch(r) if isinstance(r, np.ndarray) else r for r in results)
            run = Run(portable, tuple(_dense(t) for t in sample.tensors), outputs)
        return Outcome("pass", OUTSIDE_TOLERANCE if compare.outside_tolerance else "", used, run)

    def _modules(self, program: Any) -> tuple[list[Module], bytes | None]:
        """What to run, and the program if it is one for ExecuTorch's runtime too."""
        key = _text(program)
        if key not in self._compiled:
            try:
                programs = [compiled(program, target) for target in self.targets]
                buffers = dict.fromkeys(compiled.buffer for compiled in programs)
                portable = None if programs[-1].warnings else programs[-1].buffer
                self._compiled[key] = [load(buffer) for buffer in buffers], portable
            except Exception as error:
                self._compiled[key] = error
        if isinstance(self._compiled[key], Exception):
            raise self._compiled[key]
        return self._compiled[key]


def compiled(program: Any, target: str | None) -> Program:
    """The `.pte` program of a traced program."""
    context = edge_context()
    module = import_programs({"forward": program}, context.weights)
    return compile_module(module, context, target_runtime=target)


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


_MANY_ORDERS = tuple(
    f"aten.{name}" for name in ("sort", "topk", "median", "nanmedian", "mode", "kthvalue")
)
"""Operators whose indices may be those of any of equal elements."""

_FREE_SIGNS = ("aten._linalg_svd", "aten._linalg_eigh", "aten.linalg_eig.")
"""Operators whose results have columns that are determined up to a sign, or phase, only."""

_WIDER = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}


@dataclass
class Comparison:
    """Compares results with those of eager.

    Random and uninitialised values are compared by shape and dtype only. The indices of equal
    elements that a sort may order as it likes must lead to the same elements. Singular and
    eigenvectors are compared by their absolute values. What differs
    by rounding is judged as PyTorch's own test_decomp does: a result outside the tolerance must be
    about as near to that of 64 bits as eager's result is, whose roundings are not ours; not where
    `strict`.
    """

    sample: Sample
    program: Any
    tolerance: Mapping[str, float]
    strict: bool = False
    outside_tolerance: bool = False

    def __call__(self, results: Any, reference: list[Any]) -> None:
        """Raises AssertionError where they differ."""
        assert len(results) == len(reference), f"{len(results)} results, not {len(reference)}"
        traced = _traced_results(self.program)
        for position, (result, wanted) in enumerate(zip(results, reference, strict=True)):
            if traced[position] is None:
                # Some of eager's kernels compute gradients that an output mask denies.
                wanted = None
            if not isinstance(wanted, torch.Tensor):
                same = type(result) is type(wanted) and result == wanted
                assert same, f"{result!r}, not {wanted!r}"
                continue
            assert isinstance(result, np.ndarray), f"{result!r}, not a tensor"
            self._compare_tensors(position, to_torch(result), _plain(wanted))

    def _compare_tensors(self, position: int, result: Any, wanted: torch.Tensor) -> None:
        if self.only_shapes():
            result, wanted = torch.empty_like(result).zero_(), torch.zeros_like(wanted)
        try:
            rtol, atol = default_tolerances(wanted.dtype)
            rtol = max(rtol, self.tolerance.get("rtol", 0))
            atol = max(atol, self.tolerance.get("atol", 0))
            torch.testing.assert_close(
                _comparable(result), _comparable(wanted), rtol=rtol, atol=atol, equal_nan=True
            )
        except AssertionError:
            if result.shape != wanted.shape or result.dtype != wanted.dtype:
                raise
            if self._has_free_signs():
                if result.ndim > 1 and result.shape[-1] == result.shape[-2]:
                    # What a full basis has besides those vectors is free, but orthogonal.
                    result, wanted = result.mH @ result, wanted.mH @ wanted
                result, wanted = result.abs(), wanted.abs()
                torch.testing.assert_close(result, wanted, rtol=max(rtol, 1e-5), atol=1e-5)
            elif wanted.dtype in _WIDER:
                if self.strict or not self._as_good(position, result, wanted):
                    raise
                self.outside_tolerance = True
            elif wanted.dtype != torch.int64 or not self._same_elements(result, wanted):
                raise

    def _has_free_signs(self) -> bool:
        """Whether columns of the results are determined up to a sign, or phase, only."""
        targets = [str(node.target) for node in self.program.graph.nodes]
        return any(t.startswith(_FREE_SIGNS) for t in targets)

    def only_shapes(self) -> bool:
        """Whether values are as they may be."""
        nodes = self.program.graph.nodes
        return self.sample.op.startswith(UNINITIALISED) or any(map(_is_random, nodes))

    def _as_good(self, position: int, result: torch.Tensor, wanted: torch.Tensor) -> bool:
        """Whether no element is farther from the exact one than twice eager's worst."""
        tensors = [
            t.to(_WIDER[t.dtype]) if t.dtype in _WIDER else t.clone() for t in self.sample.tensors
        ]
        try:
            exact = _plain(tree_leaves(self.sample.function(*tensors))[position])
        except Exception:
            return False
        close = torch.isclose(result, wanted, equal_nan=True)
        error = _distance(result, exact)[~close]
        return bool((error <= 2 * _distance(wanted, exact).max()).all())

    def _same_elements(self, result: torch.Tensor, wanted: torch.Tensor) -> bool:
        """Whether indices, of a sort or of an order statistic, lead to equal elements."""
        sorts = [n for n in self.program.graph.nodes if isinstance(n.target, OpOverload)]
        if len(sorts) != 1 or not str(sorts[0].target).startswith(_MANY_ORDERS):
            return False
        given = _arguments(sorts[0])
        source, dim = self.sample.tensors[0], given.get("dim", -1)
        if not source.ndim or given.get("stable"):
            return False
        extent = source.shape[dim]
        if not bool(((result >= 0) & (result < extent)).all()):
            return False
        if result.ndim < source.ndim:
            result, wanted = result.unsqueeze(dim), wanted.unsqueeze(dim)
        return torch.equal(
            *(torch.take_along_dim(source, index, dim).nan_to_num(7) for index in (result, wanted))
        )


def _traced_results(program: Any) -> Any:
    """What the program returns: nodes, numbers, None."""
    return next(node for node in program.graph.nodes if node.op == "output").args[0]


def _is_random(node: Node) -> bool:
    """Whether a node draws random numbers; dropout does only in training."""
    if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
        return False
    given = _arguments(node)
    unused = given.get("p") == 0 or given.get("dropout_p", 1) == 0 or given.get("dropout") == 0
    return not unused and given.get("train", True) is not False


def _arguments(node: Node) -> dict[str, Any]:
    """The arguments of an operator by name, defaults included."""
    arguments = node.target._schema.arguments
    given = {a.name: a.default_value for a in arguments if a.has_default_value()}
    given |= zip((a.name for a in arguments), node.args, strict=False)
    return given | node.kwargs


def _comparable(tensor: torch.Tensor) -> torch.Tensor:
    """complex32 as its parts, for PyTorch does not subtract it."""
    return torch.view_as_real(tensor) if tensor.dtype == torch.complex32 else tensor


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().resolve_conj().resolve_neg().contiguous()


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    # contiguous() leaves odd strides where a size is 1, which ExecuTorch's runtime does not take.
    return _plain(tensor).clone(memory_format=torch.contiguous_format)


def _distance(tensor: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    wide = torch.complex128 if tensor.is_complex() else torch.float64
    distance = (tensor.to(wide) - exact.to(wide)).abs()
    same = (tensor.to(wide) == exact) | (tensor.isnan() & exact.isnan())
    return torch.where(same, 0.0, distance.nan_to_num(torch.inf))


def _one_line(error: Exception) -> str:
    return " | ".join(line.strip() for line in str(error).splitlines() if line.strip())[:300]
