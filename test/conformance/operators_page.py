"""The page of operators: which dtypes of each operator run, and where."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from run import Result

from edgeir.dialects import aten

DTYPES = ("f32", "f64", "f16", "bf16", "i64", "i32", "i16", "i8", "ui8", "i1", "complex<f32>")

_HEAD = """# Operators

Made by `python test/conformance --full --samples 2 --variant function --executorch --coverage
docs/operators.md`; do not edit.

What the table of the aten dialect has, and for which dtypes a sample of PyTorch's OpInfo database
passes: ● in edgeir's interpreter and on ExecuTorch's runtime, ○ in the interpreter, ✗ nowhere.
A dtype is that of an operator's first tensor. Where nothing stands, PyTorch has no sample or does
not support the dtype itself. ExecuTorch's runtime runs what the default pipeline makes of an
operator, which may be several kernels.

"""


def coverage_page(results: Sequence[Result], on_executorch: Mapping[str, bool]) -> str:
    """The page; `on_executorch` tells by a result's name whether that runtime agreed."""
    marks: dict[tuple[str, str], str] = defaultdict(str)
    for result in results:
        mark = {"pass": "○", "fail": "✗"}.get(result.outcome.kind)
        if mark is None:
            continue
        if on_executorch.get(result.name):
            mark = "●"
        for use in result.outcome.uses:
            marks[use] = max(marks[use], mark, key=" ✗○●".find)
    passed = sum(result.outcome.kind == "pass" for result in results)
    ran = passed + sum(result.outcome.kind == "fail" for result in results)
    agreed = sum(on_executorch.values())
    summary = (
        f"{len(aten.TABLE)} operators. {passed} of {ran} samples pass in the interpreter; "
        f"of {len(on_executorch)} programs for ExecuTorch's runtime {agreed} agree.\n\n"
    )
    rows = [
        f"| `{key.removeprefix('aten::')}` | "
        + " | ".join(marks.get((key, dtype), "") for dtype in DTYPES)
        + " |"
        for key in sorted(aten.TABLE)
    ]
    names = [{"i1": "bool", "complex<f32>": "c64"}.get(dtype, dtype) for dtype in DTYPES]
    head = f"| operator | {' | '.join(names)} |\n|---|{':-:|' * len(names)}\n"
    return _HEAD + summary + head + "\n".join(rows) + "\n"
