"""Kernel programs to payloads: object code for every kernel, joined with the entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from numpy.typing import NDArray
from xdsl.ir import SSAValue

from ...dialects import kernel
from ...dialects.constant import element_bytes
from ...runtime.backends.llvm.payload import CompiledRegion, write_payload
from ..backends import BackendError, Payload
from .emit.entry import emit_entry, weight_keys
from .emit.function import emit_module
from .emit.team import TEAM_VERSION, emit_team
from .link import Image, LinkError, link
from .object_cache import ObjectCache
from .object_code import object_code, version
from .step import element_type, shape_of
from .target import Target
from .targets import required_features

KERNEL = "kernel"
"""What every kernel is called in its own module, so that equal ones have equal texts."""


def compile_kernel_program(
    program: kernel.ProgramOp,
    target: Target,
    weights: Mapping[str, NDArray[Any]],
    cache: ObjectCache | None,
) -> Payload:
    """The payload of a program, with its weights as named data; BackendError for a target whose
    code cannot be loaded."""
    target = replace(target, triple=loadable_triple(target.triple))
    try:
        image = link_program(program, target, cache)
    except LinkError as error:
        raise BackendError(f"code for {target.triple} cannot be loaded: {error}") from error
    keys = weight_keys(program)
    region = CompiledRegion(
        machine=image.machine,
        cpu=f"{target.cpu}, tuned for {target.tune}" if target.tune else target.cpu,
        features=required_features(target),
        arena=program.arena.value.data,
        scratch=program.scratch.value.data,
        inputs=tuple(map(_bytes, program.inputs)),
        outputs=tuple(map(_bytes, program.outputs)),
        weights=tuple((key, weights[key].nbytes) for key in keys),
        run=image.symbols["run"],
        run_team=image.symbols.get("run_team"),
        worker=image.symbols.get("worker"),
        team_version=TEAM_VERSION,
        image=image.code,
    )
    return Payload(write_payload(region), {key: weights[key] for key in keys})


def link_program(
    program: kernel.ProgramOp, target: Target, cache: ObjectCache | None = None
) -> Image:
    """The code of a program; LinkError if it cannot be joined."""
    entry = emit_entry(program, target)
    objects: list[tuple[bytes, dict[str, str]]] = [(_compile(entry, target, cache), {})]
    if "@share" in entry:
        objects.append((_compile(emit_team(target), target, cache), {}))
    for op in program.body.block.ops:
        if isinstance(op, kernel.FuncOp):
            name = op.sym_name.data
            text = emit_module([op], target).replace(f"void @{name}(", f"void @{KERNEL}(", 1)
            objects.append((_compile(text, target, cache), {KERNEL: name}))
    return link(objects)


def loadable_triple(triple: str) -> str:
    """The triple for code that we load: ELF everywhere, with the calls of the system."""
    foreign = any(name in triple for name in ("apple", "darwin", "macos", "windows"))
    return f"{triple}-elf" if foreign and not triple.endswith("-elf") else triple


def _compile(text: str, target: Target, cache: ObjectCache | None) -> bytes:
    if cache is None:
        return object_code(text, target)
    key = "\n".join((version(), target.cpu, target.features, text))
    code = cache.get(key)
    if code is None:
        code = object_code(text, target)
        cache.put(key, code)
    return code


def _bytes(value: SSAValue) -> int:
    return prod(shape_of(value)) * element_bytes(element_type(value))
