"""Reading programs: mapped, zero copy, and checked before anything is believed."""

import os

from ..errors import ProgramError
from .container import read_container, read_segments
from .program_file import ProgramFile
from .schema import BytesLike, Program
from .source_bytes import source_bytes, source_name
from .table_reader import read_tables
from .verifier import verify_program


def read_program(source: str | os.PathLike[str] | BytesLike, *, verify: bool = True) -> ProgramFile:
    """Read a program from a path (which is mapped, not loaded) or from bytes.

    The result holds views into the file, which must not change while it is in use. Whatever is
    wrong with the file is one `ProgramError`. `verify=False` leaves out `verify_program`: the
    tables are then well-formed, but indices in them may point anywhere.
    """
    name = source_name(source, "program")
    data = source_bytes(source, "program", ".pte")
    try:
        container = read_container(data)
        program = read_tables(data[: container.program_size], Program)
        file = ProgramFile(program, list(read_segments(data, container, program.segments)))
        if verify:
            verify_program(file)
    except ProgramError as error:
        raise ProgramError(f"{name}: {error}") from None
    return file
