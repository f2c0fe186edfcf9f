"""Whether this CPU is one that code was made for."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

from ...errors import ProgramError
from .executable import Executable

MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}
"""ELF's numbers of what Python calls the machine."""
NAMES = {62: "x86-64", 183: "aarch64"}

EAX, EBX, ECX, EDX = range(4)
X86_FEATURES: dict[str, tuple[int, int, int]] = {
    "sse3": (1, ECX, 0),
    "ssse3": (1, ECX, 9),
    "fma": (1, ECX, 12),
    "cx16": (1, ECX, 13),
    "sse4.1": (1, ECX, 19),
    "sse4.2": (1, ECX, 20),
    "movbe": (1, ECX, 22),
    "popcnt": (1, ECX, 23),
    "avx": (1, ECX, 28),
    "f16c": (1, ECX, 29),
    "bmi": (7, EBX, 3),
    "avx2": (7, EBX, 5),
    "bmi2": (7, EBX, 8),
    "avx512f": (7, EBX, 16),
    "avx512dq": (7, EBX, 17),
    "avx512cd": (7, EBX, 28),
    "avx512bw": (7, EBX, 30),
    "avx512vl": (7, EBX, 31),
    "sahf": (0x80000001, ECX, 0),
    "lzcnt": (0x80000001, ECX, 5),
}
"""Leaf, register and bit of the `cpuid` instruction that tell of a feature, by LLVM's names."""

_OSXSAVE = (1, ECX, 27)
_YMM_STATE, _ZMM_STATE = 0x06, 0xE6
"""What the system must save of a thread's registers, in the bits that `xgetbv` gives."""

# void cpuid(u32 leaf, u32 *out): push rbx; mov r8, rsi; mov eax, edi; xor ecx, ecx; cpuid;
# mov [r8], eax; mov [r8+4], ebx; mov [r8+8], ecx; mov [r8+12], edx; pop rbx; ret
_CPUID = bytes.fromhex("53 4989f0 89f8 31c9 0fa2 418900 41895804 41894808 4189500c 5b c3")
# u32 xgetbv(): xor ecx, ecx; xgetbv; ret
_XGETBV = bytes.fromhex("31c9 0f01d0 c3")


def check_cpu(machine: int, cpu: str, features: tuple[str, ...]) -> None:
    """ProgramError, with what is missing, if this CPU cannot run code for another."""
    own = platform.machine()
    advice = "compile the model for this one"
    if MACHINES.get(own.lower()) != machine:
        wanted = NAMES.get(machine, f"machine {machine}")
        raise ProgramError(f"its code is for {wanted} ({cpu}), this CPU is {own}; {advice}")
    missing = [feature for feature in features if feature not in cpu_features()]
    if missing:
        raise ProgramError(f"its code is for {cpu}, this CPU has no {', '.join(missing)}; {advice}")


@cache
def cpu_features() -> frozenset[str]:
    """The features of the table that this CPU has and the system lets programs use."""
    if MACHINES.get(platform.machine().lower()) != 62:
        return frozenset()
    code = Executable(_CPUID.ljust(64, b"\0") + _XGETBV)
    cpuid = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_void_p)(code.address)
    xgetbv = ctypes.CFUNCTYPE(ctypes.c_uint32)(code.address + 64)
    leaves: dict[int, list[int]] = {}

    def has(leaf: int, register: int, bit: int) -> bool:
        if leaf not in leaves:
            out = (ctypes.c_uint32 * 4)()
            cpuid(leaf & 0x80000000, out)
            largest = out[EAX]
            cpuid(leaf, out)
            leaves[leaf] = list(out) if leaf <= largest else [0] * 4
        return bool(leaves[leaf][register] >> bit & 1)

    state = xgetbv() if has(*_OSXSAVE) else 0
    found: set[str] = set()
    for name, place in X86_FEATURES.items():
        wide = _ZMM_STATE if name.startswith("avx512") else _YMM_STATE
        vector = name.startswith("avx") or name in ("fma", "f16c")
        if has(*place) and (not vector or state & wide == wide):
            found.add(name)
    return frozenset(found)
