"""The CPUs that code can be made for, by the names that LLVM has for them.

Code for x86 is made for one of the levels of the psABI, x86-64 to x86-64-v4, and code for aarch64
for what every such CPU has; the CPU that is named only decides how instructions are ordered. So a
program runs on all CPUs of its level, and what it needs of a CPU is known without LLVM.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache

from .object_code import llvm, machine
from .target import Target

X86_TRIPLE = "x86_64-unknown-linux-gnu"
AARCH64_TRIPLE = "aarch64-unknown-linux-gnu"

X86_LEVELS: dict[str, tuple[int, int, bool]] = {
    "x86-64": (16, 16, False),
    "x86-64-v2": (16, 16, False),
    "x86-64-v3": (32, 16, True),
    "x86-64-v4": (64, 32, True),
}
"""The levels of x86: bytes of a vector register, their number, whether they can do fma."""

LEVEL_FEATURES: dict[str, tuple[str, ...]] = {
    "x86-64-v2": ("cx16", "sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"),
    "x86-64-v3": ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
    "x86-64-v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
}
"""What each level adds, in LLVM's names."""

AARCH64_FEATURES = "+neon,+reserve-x18"
"""Register x18 belongs to the system on Android, Darwin and Windows."""

_PROBES = (
    ("x86-64-v4", "<64 x i8>", "zmm"),
    ("x86-64-v3", "<8 x i32>", "ymm"),
)
"""The level of a CPU shows in the registers that code for it uses: AVX512BW, AVX2."""


class TargetError(Exception):
    """A target that LLVM does not know; the message is for the user."""


@cache
def target_for(name: str) -> Target:
    """The target of a name: `host`, a CPU of x86-64 or aarch64, or any `triple:cpu`.

    Raises TargetError for a name that LLVM does not know.
    """
    if name == "host":
        return _host()
    if name in X86_LEVELS:
        return _x86(X86_TRIPLE, name, "")
    triple, separator, cpu = name.rpartition(":")
    if separator:
        return _named(triple, cpu)
    for triple in (X86_TRIPLE, AARCH64_TRIPLE):
        if _knows(triple, name):
            return _named(triple, name)
    raise TargetError(
        f"LLVM knows no CPU {name!r} of x86-64 or aarch64; there are, for example, host,"
        f" {', '.join(X86_LEVELS)}, haswell, cortex-a76, neoverse-n1, apple-m1;"
        " for others give TRIPLE:CPU"
    )


def required_features(target: Target) -> tuple[str, ...]:
    """What a CPU must have to run code for a target, in LLVM's names, besides its architecture."""
    if target.cpu not in X86_LEVELS:
        return ()
    levels = list(X86_LEVELS)[: list(X86_LEVELS).index(target.cpu) + 1]
    return tuple(feature for level in levels for feature in LEVEL_FEATURES.get(level, ()))


def _host() -> Target:
    architecture: str = llvm().get_process_triple().partition("-")[0]
    cpu: str = llvm().get_host_cpu_name()
    if architecture in ("aarch64", "arm64"):
        return _named(AARCH64_TRIPLE, cpu)
    if architecture != "x86_64":
        raise TargetError(f"there is no code for this machine ({architecture}); name a target CPU")
    features: dict[str, bool] = llvm().get_host_cpu_features()
    level = "x86-64"
    for higher, wanted in LEVEL_FEATURES.items():
        if not all(features.get(feature) for feature in wanted):
            break
        level = higher
    return _x86(X86_TRIPLE, level, cpu)


def _named(triple: str, cpu: str) -> Target:
    try:
        known = _knows(triple, cpu)
    except RuntimeError as error:
        raise TargetError(f"LLVM knows no target {triple!r}: {error}") from error
    if not known:
        raise TargetError(f"LLVM knows no CPU {cpu!r} of {triple}")
    architecture = triple.partition("-")[0]
    if architecture == "x86_64":
        level = cpu if cpu in X86_LEVELS else _level(triple, cpu)
        return _x86(triple, level, cpu)
    if architecture in ("aarch64", "arm64"):
        return Target(triple, "generic", AARCH64_FEATURES, 16, 32, tune=cpu)
    return Target(triple, cpu, "", 16, 16, has_fma=not architecture.startswith("wasm"))


def _x86(triple: str, level: str, tune: str) -> Target:
    width, registers, has_fma = X86_LEVELS[level]
    # Lines are fetched to be written; a CPU that cannot takes the instruction for a nop.
    features = "+prfchw"
    if width == 64:
        # Else LLVM splits vectors of 64 bytes.
        features += ",-prefer-256-bit"
    return Target(triple, level, features, width, registers, has_fma, tune)


def _level(triple: str, cpu: str) -> str:
    """The level of a CPU of x86."""
    generator = machine(triple, cpu, "-prefer-256-bit")
    for level, type, register in _PROBES:
        text = (
            f"define void @probe(ptr %p) {{\n%a = load {type}, ptr %p\n"
            f"%b = add {type} %a, %a\nstore {type} %b, ptr %p\nret void\n}}\n"
        )
        if register in generator.emit_assembly(llvm().parse_assembly(text)):
            return level
    return "x86-64"


@cache
def _knows(triple: str, cpu: str) -> bool:
    """Whether LLVM has a CPU; it says so on stderr only, and goes on without.

    Raises RuntimeError for an unknown triple.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        own = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            machine(triple, cpu, "")
        finally:
            os.dup2(own, 2)
            os.close(own)
        said.seek(0)
        return b"not a recognized processor" not in said.read()
