"""Reading back: a program becomes a module of `memory.method`s, the inverse of emission.

Values become declarations in the order of the table, instructions operations, jump targets blocks,
stack traces locations. Constants, initial data, delegate payloads and named data go to the weights
store as views of the file, tiny constants into the text. What a program of ours says comes out to
the same bytes again; of other programs is left out what no runtime reads: unused data and operator
entries, gradient flags, source lines of stack frames.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from ..dialects import memory
from ..dialects.weights import WeightsStore
from ..runtime.errors import ProgramError
from ..runtime.program.program_file import ProgramFile
from .program_data import ProgramData
from .read_method import MethodReader


def program_module(file: ProgramFile, weights: WeightsStore) -> ModuleOp:
    """The module of a verified program; its data is added to `weights`.

    Raises ProgramError for a program that the text cannot express.
    """
    data = ProgramData(file, weights)
    names: set[str] = set()
    module = ModuleOp([])
    for plan in file.program.execution_plan:
        if plan.name in names:
            raise ProgramError(
                f"two methods are called {plan.name[:60]!r}; a runtime only finds the first, "
                "export the model again"
            )
        names.add(plan.name)
        module.body.block.add_op(MethodReader(plan, data).method())
    for entry in file.program.named_data or ():
        payload = data.named(entry.key, entry.segment_index)
        module.body.block.add_op(memory.NamedDataOp(entry.key, payload))
    delegates = any(plan.delegates for plan in file.program.execution_plan)
    for name, item in file.external.items():
        if item.layout is None and delegates:
            payload = data.bare(name, item.data)
            module.body.block.add_op(memory.NamedDataOp(name, payload, external=True))
    try:
        module.verify()
    except VerifyException as error:
        raise ProgramError(f"the program has no text: {error}") from None
    return module
