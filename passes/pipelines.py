"""The pipelines of the compiler, as data; `edge-compile --print-pipeline` prints them."""

OPTIMIZE: tuple[str, ...] = (
    "verify-aten",
    "convert-aten-to-edge",
    "canonicalize",
    "cse",
    "fold-constants",
    "fold-batch-norm",
    "simplify-views",
    "canonicalize",
    "cse",
    "dce",
    "verify-edge",
)
"""From the aten dialect to an optimized edge module."""

LEGALIZE: tuple[str, ...] = (
    "legalize",
    "canonicalize",
    "simplify-views",
    "cse",
    "dce",
)
"""From what no backend took to what the target runtime has."""

EMIT: tuple[str, ...] = (
    "convert-edge-to-memory",
    "update-in-place",
    "plan-memory",
    "verify-memory",
)
"""To the program before bytes."""


def default_pipeline(
    target_runtime: str | None = None, *, external_weights: bool = False
) -> tuple[str, ...]:
    """The pass specs that compile an aten module; a runtime is enforced only if named.

    `external_weights` leaves the weights to a data file beside the program.
    """
    options = f'{{target-runtime="{target_runtime}"}}' if target_runtime else ""
    legalize = tuple(spec + options if spec == "legalize" else spec for spec in LEGALIZE)
    external = ("externalize-weights",) if external_weights else ()
    return (*OPTIMIZE, *legalize, *EMIT, *external)
