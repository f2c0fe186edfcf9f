"""Finds out what ExecuTorch's stock runtime can run: makes `lowering/targets/executorch_1_5.txt`.

    python test/lowering/probe_executorch.py > lowering/targets/executorch_1_5.txt

Each sample of `executorch_samples.py` becomes a program of one operator, for every dtype that the
edge dialect allows, several ranks and dim orders, and runs in a process of its own, for kernels may
abort. It runs if the result is that of PyTorch. Dtypes are concluded from that; the bounds of
`CONSTRAINTS` are checked: where the table says other than an experiment, the program fails.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from executorch_samples import RANDOM, SAMPLES, Maker, Sample
from single_op import SingleOp, program_bytes
from stock_runtime import load_method

from edgeir.dialects import aten
from edgeir.dialects.edge.dtypes import check
from edgeir.dialects.schema_op import SchemaOp
from edgeir.lowering.targets.table import parse_row

CONSTRAINTS: Mapping[str, Sequence[str]] = {
    "_log_softmax": ["elements >= 1"],
    "cat": ["elements >= 1"],
    "constant_pad_nd": ["pad >= 0"],
    "convolution": ["rank <= 4"],
    "cumsum": ["rank >= 1"],
    "roll": ["len(dims) >= 1"],
    "sum.dim_IntList": ["rank >= 1"],
    "var_mean.correction": ["rank >= 1"],
}
"""What kernels refuse besides dtypes, by operator of the edge dialect."""

DTYPES = {
    "f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16,
    "ui8": torch.uint8, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32,
    "i64": torch.int64, "i1": torch.bool, "complex<f32>": torch.complex64,
    "complex<f64>": torch.complex128,
}  # fmt: skip
REAL = [name for name in DTYPES if not name.startswith("complex")]
NO_EXPERIMENT = ("not eager", "not edge")
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Experiment:
    """One call of one sample; the tensors have these dtypes and, where the sample varies, rank."""

    key: str
    sample: int
    dtype: str
    index: str | None = None
    out: str | None = None
    rank: int | None = None
    empty: bool = False
    channels_last: bool = False

    def call(self) -> SingleOp:
        """The call, with PyTorch's results. Raises what PyTorch raises."""
        made = self.maker()
        args = SAMPLES[self.key][self.sample](made)
        kwargs: dict[str, Any] = {}
        if isinstance(args[-1], dict):
            *args, kwargs = args
        return SingleOp(self.key, args, kwargs, channels_last=self.channels_last)

    def maker(self) -> Maker:
        """What makes the tensors."""
        return Maker(
            DTYPES[self.dtype],
            2 if self.rank is None else self.rank,
            DTYPES[self.index or "i64"],
            DTYPES[self.out] if self.out else None,
            self.empty,
        )


def experiments(key: str) -> Iterator[Experiment]:
    """The experiments with an operator: all dtypes with every sample; ranks and orders in f32."""
    for number, sample in enumerate(SAMPLES[key]):
        uses = _uses(sample)
        indices = ("i64", "i32") if uses.uses_index else [None]
        for dtype in DTYPES:
            outs: list[str | None] = [None]
            if uses.uses_out_dtype:
                outs = [*REAL] if dtype == "f32" else [dtype, "f32", "i64"]
            for out in outs:
                for index in indices:
                    yield Experiment(key, number, dtype, index, out)
        for dtype in ("f32", "i64", "i1"):
            out = dtype if uses.uses_out_dtype else None
            first = Experiment(key, number, dtype, indices[0], out)
            yield replace(first, channels_last=True)
            if uses.uses_rank:
                yield replace(first, empty=True)
                yield replace(first, rank=4, channels_last=True)
                for rank in (0, 1, 3, 4, 5, 8):
                    yield replace(first, rank=rank)


def _uses(sample: Sample) -> Maker:
    maker = Maker(torch.float32)
    sample(maker)
    return maker


def outcomes(experiments: Iterable[Experiment]) -> dict[Experiment, str]:
    """What becomes of experiments, in order.

    `runs`; `wrong`, `fails` or `aborts`; or why it is no experiment: `not eager`, `not edge`.
    """
    found: dict[Experiment, str] = {}
    trials: list[tuple[Experiment, SingleOp, bytes]] = []
    for experiment in experiments:
        prepared = _prepare(experiment)
        if isinstance(prepared, str):
            found[experiment] = prepared
        else:
            trials.append((experiment, *prepared))
    while trials:
        ran = _run_in_own_process(trials)
        found |= dict(zip((trial[0] for trial in trials), ran, strict=False))
        trials = trials[len(ran) :]
    return found


def _prepare(experiment: Experiment) -> tuple[SingleOp, bytes] | str:
    """The call and its program, or why there is none."""
    try:
        call = experiment.call()
        call.eager  # noqa: B018 - PyTorch may refuse.
    except Exception:
        return "not eager"
    if not call.eager:
        return "not edge"
    if experiment.channels_last and not any(t.dim() == 4 for t in (*call.inputs, *call.eager)):
        return "not edge"
    operands = [_name(a) for a in _tensor_arguments(call)]
    results: list[Any] = [_name(tensor) for tensor in call.eager]
    if aten.TABLE[call.key].schema.results[0].is_list:
        results = [results]
    if check(experiment.key, operands, results) is not None:
        return "not edge"
    try:
        return call, program_bytes(call.module())
    except Exception as error:
        raise AssertionError(f"{experiment}: {error}") from error


def _tensor_arguments(call: SingleOp) -> list[Any]:
    """The tensor arguments in schema order, None where one is absent."""
    arguments = aten.TABLE[call.key].schema.arguments
    given = dict(zip((a.name for a in arguments), call.args, strict=False)) | dict(call.kwargs)
    return [given.get(a.name) for a in arguments if a.is_tensor]


def _name(value: Any) -> Any:
    if isinstance(value, list):
        return [_name(item) for item in value]
    return None if value is None else NAMES[value.dtype]


def _run(experiment: Experiment, call: SingleOp, program: bytes) -> str:
    try:
        outs = load_method(program).execute(call.inputs)
    except Exception:
        return "fails"
    if experiment.key in RANDOM:
        return "runs"
    return "runs" if all(map(_close, call.eager, outs)) else "wrong"


def _close(expected: torch.Tensor, got: torch.Tensor) -> bool:
    if expected.shape != got.shape or expected.dtype != got.dtype:
        return False
    tolerance = {torch.float16: 1e-2, torch.bfloat16: 5e-2}.get(expected.dtype, 1e-4)
    return torch.allclose(expected, got, rtol=tolerance, atol=tolerance, equal_nan=True)


def _run_in_own_process(trials: Sequence[tuple[Experiment, SingleOp, bytes]]) -> list[str]:
    """The outcomes of programs run in a fork of this process, up to the one that kills it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        faulthandler.disable()  # pytest's would print a traceback where a kernel aborts.
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        for experiment, call, program in trials:
            os.write(write, (_run(experiment, call, program) + "\n").encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        ran = pipe.read().decode().splitlines()
    os.waitpid(pid, 0)
    return ran if len(ran) == len(trials) else [*ran, "aborts"]


def operation(experiment: Experiment) -> SchemaOp:
    """The operation of an experiment."""
    return next(op for op in experiment.call().module().walk() if isinstance(op, SchemaOp))


def table_line(key: str, found: Mapping[Experiment, str]) -> str:
    """The table's line for an operator; raises AssertionError where it promises too much."""
    tried = {e: o == "runs" for e, o in found.items() if o not in NO_EXPERIMENT}
    ops = {experiment: operation(experiment) for experiment in tried}
    columns = list(CONSTRAINTS.get(key.removeprefix("aten::"), ()))
    bounds = parse_row("; ".join(["", *columns]), {}).bounds
    plain = {
        e: runs
        for e, runs in tried.items()
        if not e.channels_last and not any(bound.problem(ops[e]) for bound in bounds)
    }
    usual = {
        e: runs for e, runs in plain.items() if e.index != "i32" and len(_own_dtypes(ops[e])) <= 1
    }
    dtypes = _all_run((dtype, runs) for e, runs in usual.items() for dtype in _own_dtypes(ops[e]))
    for name in ("index", "indices"):
        if any(a.name == name and a.is_tensor for a in aten.TABLE[key].schema.arguments):
            allowed = _all_run(
                (dtype, runs)
                for e, runs in plain.items()
                if set(_own_dtypes(ops[e])) <= set(dtypes)
                for dtype in _dtypes_of(ops[e], name)
            )
            columns.insert(0, f"{name}: {_class_names(allowed)}")
    results = _all_run(
        (e.out, runs)
        for e, runs in usual.items()
        if e.out and set(_own_dtypes(ops[e])) <= set(dtypes)
    )
    if results and (not dtypes or len(results) < len(REAL)):
        columns.insert(0, f"result: {_class_names(results)}")
    first = _class_names(dtypes)
    row = parse_row("; ".join([first, *columns, "channels-last"]), _CLASSES)
    promised = [tried[e] for e in tried if e.channels_last and row.problem(ops[e]) is None]
    if promised and all(promised):
        columns.append("channels-last")
    text = "; ".join([first, *columns])
    row = parse_row(text, _CLASSES)
    broken = [e for e in tried if not tried[e] and row.problem(ops[e]) is None]
    assert not broken, f"{key}: {text!r} promises {broken[:3]}"
    return f"{aten.TABLE[key].out:<50} {text}"


def _own_dtypes(op: SchemaOp) -> list[str]:
    """The dtypes of the tensors that have the operator's own."""
    names = {argument.name for argument in op.SCHEMA.arguments if argument.is_tensor}
    names -= {"index", "indices", "condition", "mask"}
    return list(dict.fromkeys(d for name in sorted(names) for d in _dtypes_of(op, name)))


def _dtypes_of(op: SchemaOp, name: str) -> list[str]:
    operand = op.operand_of(name)
    values = operand if isinstance(operand, list) else [operand]
    return [str(value.type.element_type) for value in values if value is not None]


def _all_run(trials: Iterable[tuple[str, bool]]) -> list[str]:
    """The names whose trials all ran."""
    ran: dict[str, bool] = {}
    for name, runs in trials:
        ran[name] = ran.get(name, True) and runs
    return [name for name, runs in ran.items() if runs]


CLASSES = {
    "int": "ui8 i8 i16 i32 i64",
    "float": "f16 bf16 f32 f64",
    "number": "int float",
    "real": "number i1",
    "any": "real complex<f32> complex<f64>",
}
"""The classes of dtypes that the table begins with."""

_CLASSES: dict[str, frozenset[str]] = {}
for _name_of_class, _members in CLASSES.items():
    _CLASSES[_name_of_class] = frozenset[str]().union(
        *(_CLASSES.get(member, {member}) for member in _members.split())
    )


def _class_names(dtypes: Iterable[str]) -> str:
    """The shortest names of some dtypes: the largest classes in them, then what is left."""
    left, names = set(dtypes), []
    for name, members in sorted(_CLASSES.items(), key=lambda item: -len(item[1])):
        if members <= left:
            names.append(name)
            left -= members
    return " ".join([*names, *sorted(left)])


HEADER = """\
# What ExecuTorch 1.5's stock kernels run with PyTorch's results, as table.py reads it. Found by
# experiment: test/lowering/probe_executorch.py makes this file. aten::linear.out is not in it, for
# only the optimized kernel library has it; _fft_c2r and _fft_r2c are, although that is so too,
# because they cannot be decomposed.
"""

OMITTED = frozenset({"aten::linear"})

PRIMITIVES = """\
aten::_local_scalar_dense                          real
"""
"""What the runtime's core runs; no tensor comes out of it."""


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(HEADER)
    for name, members in CLASSES.items():
        print(f"{name} = {members}")
    print()
    for key in sys.argv[1:] or (key for key in aten.TABLE if key in SAMPLES):
        if key in OMITTED:
            continue
        found = outcomes(experiments(key))
        if "runs" in found.values():
            print(table_line(key, found), flush=True)
        else:
            print(f"{key}: nothing runs", file=sys.stderr)
    print(PRIMITIVES, end="")


if __name__ == "__main__":
    main()
