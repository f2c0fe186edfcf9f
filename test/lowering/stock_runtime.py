"""ExecuTorch's own runtime, for tests: `from stock_runtime import load_method, run`."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch

with warnings.catch_warnings():
    # Its import uses deprecated parts of importlib; our tests turn warnings into errors.
    warnings.simplefilter("ignore")
    from executorch.runtime import Method, Runtime


def operator_names() -> frozenset[str]:
    """The operators that have a kernel."""
    return frozenset(Runtime.get().operator_registry.operator_names)


def load_method(program: bytes, name: str = "forward") -> Method:
    """A method of a program, with its own state."""
    return Runtime.get().load_program(program).load_method(name)


def load_methods(program: bytes, names: Sequence[str]) -> dict[str, Method]:
    """Methods of one loaded program, which share its memory; loading sets their initial state."""
    loaded = Runtime.get().load_program(program)
    return {name: loaded.load_method(name) for name in names}


def run(program: bytes, inputs: Sequence[object], name: str = "forward") -> list[np.ndarray]:
    """The outputs of one run; arrays become tensors, other inputs stay as they are."""
    arguments = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in inputs]
    return [out.clone().numpy() for out in load_method(program, name).execute(arguments)]
