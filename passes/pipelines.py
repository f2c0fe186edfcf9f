"""The pipelines of the compiler, as data: what `edge-compile` runs and `--print-pipeline` prints."""

OPTIMIZE: tuple[str, ...] = (
    "convert-aten-to-edge",
    "canonicalize",
    "cse",
    "fold-batch-norm",
    "fold-constants",
    "simplify-views",
    "canonicalize",
    "cse",
    "dce",
    "verify-edge",
)
"""From the aten dialect to an optimized edge module."""

LEGALIZE: tuple[str, ...] = (
    "legalize{{target-runtime={target_runtime}}}",
    "canonicalize",
    "fold-constants",
    "simplify-views",
    "cse",
    "dce",
)
"""From what no backend took to what the target runtime has."""

EMIT: tuple[str, ...] = (
    "convert-edge-to-memory",
    "plan-memory",
    "verify-memory",
)
"""To the program before bytes."""


def default_pipeline(target_runtime: str = "executorch-1.5") -> tuple[str, ...]:
    """The pass specs that compile an aten module for a runtime, in order."""
    legalize = tuple(spec.format(target_runtime=target_runtime) for spec in LEGALIZE)
    return (*OPTIMIZE, *legalize, *EMIT)
