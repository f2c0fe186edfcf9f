"""Damaged programs through reader, loader and interpreter: results, or one `ProgramError` line."""

import random
import struct

import numpy as np
import pytest
from sample_programs import add_program, constant_program, counter_program, rich_program

import edgeir
from edgeir.runtime.program import ProgramFile, write_program
from edgeir.runtime.program.schema import (
    Bool,
    Int,
    JumpFalseCall,
    KernelCall,
    MoveCall,
    Null,
    Tensor,
)

SAMPLES = [add_program, constant_program, counter_program, rich_program]
NUMBERS = (0, 1, 2, 3, 16, 255, 65536, 2**30, 2**31 - 1, -1)


def runs_or_fails(data: bytes) -> bool:
    """Whether a program loads and runs; all else must be one line of `ProgramError`."""
    try:
        module = edgeir.load(data, max_instructions=2000)
        for name, info in module.methods.items():
            inputs = [
                np.zeros(value.shape, value.dtype) if value.is_tensor else value.value
                for value in info.inputs
                if value.nbytes < 2**20
            ]
            module.run(name, *inputs)
    except edgeir.ProgramError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return False
    return True


def flipped(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a few changes, or the first of them."""
    damaged = bytearray(data)
    if rng.random() < 0.1:
        return data[: rng.randrange(len(data))]
    for _ in range(rng.choice((1, 1, 2, 8))):
        position = rng.randrange(len(data))
        if rng.random() < 0.5:
            damaged[position] = rng.randrange(256)
        else:
            position = min(position - position % 4, len(data) - 4)
            struct.pack_into("<I", damaged, position, rng.choice(NUMBERS) & 0xFFFFFFFF)
    return bytes(damaged)


def rewired(file: ProgramFile, rng: random.Random) -> bytes:
    """A program with well-formed tables that say something else."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        plan = rng.choice(file.program.execution_plan)
        slot, other = (rng.randrange(len(plan.values)) for _ in range(2))
        match plan.values[slot]:
            case Tensor() as tensor if rng.random() < 0.5:
                tensor.sizes = [*tensor.sizes[1:], rng.choice(NUMBERS)]
                tensor.dim_order = list(range(len(tensor.sizes)))
            case Tensor() as tensor:
                tensor.scalar_type = rng.randrange(30)
            case _:
                plan.values[slot] = rng.choice((Null(), Int(rng.choice(NUMBERS)), Bool(True)))
        instructions = plan.chains[0].instructions
        for instruction in instructions:
            if rng.random() > 0.3:
                continue
            match instruction:
                case KernelCall(args=args) if args:
                    args[rng.randrange(len(args))] = other
                case MoveCall():
                    instruction.move_to = other
                case JumpFalseCall():
                    instruction.destination_instruction = rng.randrange(-1, len(instructions) + 2)
                case _:
                    pass
        if rng.random() < 0.2:
            plan.non_const_buffer_sizes[-1] = rng.choice((0, 2**40, 2**62))
    try:
        return write_program(file, verify=False)
    except edgeir.ProgramError:
        return b""


@pytest.mark.parametrize("make", SAMPLES)
def test_flipped_bytes(make):
    data, rng = write_program(make()), random.Random(0)
    for _ in range(150):
        runs_or_fails(flipped(data, rng))


@pytest.mark.parametrize("make", SAMPLES)
def test_rewired_tables(make):
    rng = random.Random(1)
    results = [runs_or_fails(rewired(make(), rng)) for _ in range(150)]
    assert not all(results)


def test_names_cannot_break_the_line():
    file = add_program()
    file.program.execution_plan[0].operators[0].name = "aten::add\nrm -rf\x1b[2J"
    with pytest.raises(edgeir.ProgramError, match=r"aten::add\\nrm -rf\\x1b\[2J"):
        edgeir.load(write_program(file))


def test_sizes_are_refused_before_memory_is_taken():
    file = add_program()
    plan = file.program.execution_plan[0]
    for value in plan.values:
        if isinstance(value, Tensor):
            value.sizes, value.dim_order = [2**31 - 1, 2**30], [0, 1]
    plan.non_const_buffer_sizes = [0, 2**63 - 1]
    with pytest.raises(edgeir.ProgramError, match="no memory for"):
        edgeir.load(write_program(file))
    # What is only declared is not allocated.
    file = add_program()
    file.program.execution_plan[0].non_const_buffer_sizes[1] = 2**62
    assert edgeir.load(write_program(file)).methods
