"""The pipelines of the compiler, as data; `edge-compile --print-pipeline` prints them."""

from collections.abc import Mapping, Sequence

from xdsl.utils.arg_spec import ArgSpec, ParameterListType

BackendOptions = Mapping[str, str | Mapping[str, str]]
"""Compile options of backends: by name for all that have them, or under a backend's name."""

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


def delegation(
    backends: Sequence[str],
    options: BackendOptions | None = None,
    *,
    require_full: bool = False,
) -> tuple[str, ...]:
    """From an optimized edge module to calls of what the backends took, the first preferred."""
    if not backends:
        return ()
    names = (backends,) if isinstance(backends, str) else tuple(backends)
    partition: dict[str, ParameterListType] = {"backend": names}
    if require_full:
        partition["require-full-delegation"] = (True,)
    lower: dict[str, ParameterListType] = {}
    for name, value in (options or {}).items():
        own = (value,) if isinstance(value, str) else tuple(f"{k}={v}" for k, v in value.items())
        lower[name] = own
    return str(ArgSpec("partition", partition)), str(ArgSpec("lower-delegates", lower))


def default_pipeline(
    target_runtime: str | None = None,
    *,
    backends: Sequence[str] = (),
    backend_options: BackendOptions | None = None,
    require_full_delegation: bool = False,
    external_weights: bool = False,
) -> tuple[str, ...]:
    """The pass specs that compile an aten module; a runtime is enforced only if named.

    `external_weights` leaves the weights to a data file beside the program.
    """
    delegate = delegation(backends, backend_options, require_full=require_full_delegation)
    options = f'{{target-runtime="{target_runtime}"}}' if target_runtime else ""
    legalize = tuple(spec + options if spec == "legalize" else spec for spec in LEGALIZE)
    external = ("externalize-weights",) if external_weights else ()
    return (*OPTIMIZE, *delegate, *legalize, *EMIT, *external)
