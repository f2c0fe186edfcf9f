"""From a module, an ExportedProgram or a .pt2 file to decomposed exported programs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import torch
from torch.export import ExportedProgram

from ...dialects.aten import TABLE
from .buffers import mutated_constants
from .decompositions import narrow_decompositions
from .nested_constants import write_out_constants
from .plain_graph import is_plain
from .unregistered import unregistered_operators

Source: TypeAlias = (
    "torch.nn.Module | ExportedProgram | Mapping[str, ExportedProgram] | str | os.PathLike[str]"
)


class CaptureError(Exception):
    """A model that `torch.export` does not capture, or a file that is no exported program."""


def capture(
    source: Source | Any,
    example_inputs: Sequence[Any] | None = None,
    example_kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> dict[str, ExportedProgram]:
    """The exported programs of a source, by method name, decomposed to the operators of the table.

    Raises CaptureError with torch's own words for what cannot be captured.
    """
    match source:
        case torch.nn.Module():
            if example_inputs is None and example_kwargs is None:
                raise CaptureError("a module needs example_inputs, a tuple of its arguments")
            program = _export(source, example_inputs or (), example_kwargs, dynamic_shapes)
            programs = {"forward": program}
        case ExportedProgram():
            programs = {"forward": source}
        case Mapping():
            programs = dict(cast(Mapping[str, ExportedProgram], source))
        case str() | os.PathLike():
            programs = {"forward": _load(cast("str | os.PathLike[str]", source))}
        case _:
            raise CaptureError(
                f"cannot compile a {type(source).__name__}; expected a torch.nn.Module, an "
                "ExportedProgram, a dict of them by method name, or the path of a .pt2 file"
            )
    return {name: _decompose(program) for name, program in programs.items()}


def _export(
    module: torch.nn.Module,
    inputs: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    dynamic_shapes: Any,
) -> ExportedProgram:
    if isinstance(inputs, torch.Tensor):
        inputs = (inputs,)
    try:
        with _without_torch_warnings():
            return torch.export.export(
                module, tuple(inputs), dict(kwargs or {}), dynamic_shapes=dynamic_shapes
            )
    except Exception as error:
        raise CaptureError(f"torch.export cannot capture the model: {error}") from error


def _load(path: str | os.PathLike[str]) -> ExportedProgram:
    try:
        program = torch.export.load(os.fspath(path))
        _drop_ranges_of_expressions(program)
        return program
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file") from None
    except Exception as error:
        if unknown := unregistered_operators(path):
            raise CaptureError(
                f"{path}: uses {', '.join(unknown)}, which torch does not know here; import the "
                "file that registers it (tools: --load FILE.py)"
            ) from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaptureError(
            f"{path}: not an exported program ({reason}); write one with torch.export.save"
        ) from None


def _drop_ranges_of_expressions(program: ExportedProgram) -> None:
    """Loading puts the bounds of sizes like `2 * s0` among those of symbols: torch then fails."""
    values = (node.meta.get("val") for node in program.graph.nodes)
    tensor: Any = next((value for value in values if isinstance(value, torch.Tensor)), None)
    environment = getattr(getattr(tensor, "fake_mode", None), "shape_env", None)
    ranges: dict[Any, Any] = getattr(environment, "var_to_range", {})
    for size in [size for size in ranges if not size.is_Symbol]:
        del ranges[size]


def _decompose(program: ExportedProgram) -> ExportedProgram:
    if is_plain(program):
        return program
    try:
        with _without_torch_warnings():
            return cast(Any, program).run_decompositions(decomposition_table())
    except Exception as error:
        if write_out_constants(program):
            return _decompose(program)
        if constants := mutated_constants(program):
            raise CaptureError(
                f"the model writes to {', '.join(constants)}, tensors that are neither buffers nor "
                "inputs; register them as buffers, or, for a static cache of transformers, export "
                "with strict=True"
            ) from error
        raise CaptureError(f"torch cannot decompose the captured graph: {error}") from error


def decomposition_table() -> dict[Any, Any]:
    """PyTorch's decompositions, some replaced, without those of operators that our table has."""
    table: Any = torch.export.default_decompositions()
    table.update(narrow_decompositions(table))
    for key in TABLE:
        _keep(table, key)
    return cast("dict[Any, Any]", table)


@contextmanager
def _without_torch_warnings() -> Generator[None]:
    """Silence what torch says about its own code; nothing of it is the user's to change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        # Recurrent layers set their list of weights again in every forward.
        warnings.filterwarnings("ignore", "The tensor attribute", UserWarning)
        yield


def _keep(table: Any, key: str) -> None:
    """Let the operator `key` of our table come through whole."""
    namespace, _, name = key.partition("::")
    packet, _, overload = name.partition(".")
    operator = getattr(getattr(getattr(torch.ops, namespace), packet), overload or "default")
    table.pop(operator, None)
