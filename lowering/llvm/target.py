"""What the emitter and the choice of tiles need to know of a CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A CPU in LLVM's names, and its vector unit.

    `vector_bytes` is the width of a vector register (64 with AVX-512, 32 with AVX2, 16 with NEON),
    `registers` how many there are, `has_fma` whether they have a fused multiply-add. `tune` is the
    CPU for whose pipeline instructions are chosen and ordered, all of which `cpu` has.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    has_fma: bool = True
    tune: str = ""

    def lanes(self, bits: int = 32) -> int:
        """Elements of a number of bits in a vector."""
        return self.vector_bytes * 8 // bits

    @property
    def attributes(self) -> str:
        """What every function says after its parameters."""
        return f'nounwind "tune-cpu"="{self.tune}"' if self.tune else "nounwind"
