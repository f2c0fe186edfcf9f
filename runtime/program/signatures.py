"""The arguments of the operators that ExecuTorch's runtime registers, for the verifier.

`signatures.txt` has one operator a line: its name, then the kind of each argument of a call in
order. Kinds are those of PyTorch's schemas (dtype, layout and memory format are ints); `!` marks an
argument that the operator writes, `=` the trailing slot for the return value.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Signature:
    """What a kernel call must pass: one kind for each argument, and which ones are written."""

    kinds: tuple[str, ...]
    written: frozenset[int]

    @classmethod
    def parse(cls, words: list[str]) -> "Signature":
        """The signature that the words of a line, after the name, spell."""
        written = frozenset(i for i, word in enumerate(words) if word.endswith("!"))
        return cls(tuple(word.rstrip("!") for word in words), written)


@cache
def stock_signatures() -> dict[str, Signature]:
    """The signatures by operator name (`aten::add.out`), read once."""
    text = Path(__file__).with_name("signatures.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines())
    return {name: Signature.parse(words) for name, *words in lines}
