"""A region as a static aarch64 program for Linux: data in the file, outputs to stdout.

No assembler, linker or C library is needed, so that `qemu-aarch64` can run it anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeir.dialects import kernel
from edgeir.lowering.llvm.emit.entry import weight_keys
from edgeir.lowering.llvm.link import AARCH64
from edgeir.lowering.llvm.payload import link_program
from edgeir.lowering.llvm.target import Target

Array = np.ndarray[Any, Any]

CODE, DATA = 0x400000, 0x10000000
"""Where the two segments are loaded."""
PAGE = 4096
WRITE, EXIT = 64, 93
"""Numbers of system calls."""
READABLE, WRITABLE, EXECUTABLE = 4, 2, 1

BRANCH_X9, SYSTEM_CALL = 0xD63F0120, 0xD4000001
"""The instructions `blr x9` and `svc #0`."""


def standalone_elf(
    program: kernel.ProgramOp,
    target: Target,
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    weights: Mapping[str, Array],
) -> bytes:
    """A program that runs the region once and writes its outputs, which are like `outputs`."""
    image = link_program(program, target)
    assert image.machine == AARCH64
    data = bytearray()

    def place(content: bytes) -> int:
        data.extend(bytes(-len(data) % 64) + content)
        return DATA + len(data) - len(content)

    results = place(b"".join(array.tobytes() for array in outputs))
    starts = np.cumsum([0, *(array.nbytes for array in outputs)])
    pointers = [place(array.tobytes()) for array in inputs]
    pointers += [results + int(start) for start in starts[:-1]]
    pointers += [place(np.ascontiguousarray(weights[k]).tobytes()) for k in weight_keys(program)]
    arguments = place(struct.pack(f"<{len(pointers)}Q", *pointers))
    arena = place(b"\xff" * (program.arena.value.data + program.scratch.value.data))
    start = -(-len(image.code) // PAGE) * PAGE
    code = image.code.ljust(start, b"\0") + b"".join(
        [
            _set(0, arena) + _set(1, arguments) + _set(2, 0),
            _set(9, CODE + PAGE + image.symbols["run"]) + struct.pack("<I", BRANCH_X9),
            _set(8, WRITE) + _set(0, 1) + _set(1, results) + _set(2, int(starts[-1])),
            struct.pack("<I", SYSTEM_CALL),
            _set(8, EXIT) + _set(0, 0) + struct.pack("<I", SYSTEM_CALL),
        ]
    )
    return _elf(code, CODE + PAGE + start, bytes(data))


def _set(register: int, value: int) -> bytes:
    """`movz` and three `movk`: a 64-bit constant into a register."""
    parts = [(value >> 16 * n) & 0xFFFF for n in range(4)]
    return b"".join(
        struct.pack("<I", (0xF2800000 if n else 0xD2800000) | n << 21 | part << 5 | register)
        for n, part in enumerate(parts)
    )


def _elf(code: bytes, entry: int, data: bytes) -> bytes:
    """An executable of two segments; the file's first page has the headers."""
    data_offset = PAGE + -(-len(code) // PAGE) * PAGE
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,
        AARCH64,
        1,
        entry,
        64,
        0,
        0,
        64,
        56,
        2,
        0,
        0,
        0,
    )
    for flags, offset, address, size in (
        (READABLE | EXECUTABLE, PAGE, CODE + PAGE, len(code)),
        (READABLE | WRITABLE, data_offset, DATA, len(data)),
    ):
        head += struct.pack("<IIQQQQQQ", 1, flags, offset, address, address, size, size, PAGE)
    return (head.ljust(PAGE, b"\0") + code).ljust(data_offset, b"\0") + data
