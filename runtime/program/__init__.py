"""The ExecuTorch program format: schema, reader, verifier and writer."""

from .program_file import ProgramFile
from .reader import read_program
from .segments import SegmentsBuilder
from .verifier import Violation, find_violations, verify_program
from .writer import write_program

__all__ = [
    "ProgramFile",
    "SegmentsBuilder",
    "Violation",
    "find_violations",
    "read_program",
    "verify_program",
    "write_program",
]
