"""What the emitter and the choice of tiles need to know of a CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A CPU in LLVM's names, and its vector unit.

    `vector_bytes` is the width of a vector register (64 with AVX-512, 32 with AVX2, 16 with NEON),
    `registers` how many there are.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int

    def lanes(self, bits: int = 32) -> int:
        """Elements of a number of bits in a vector."""
        return self.vector_bytes * 8 // bits
