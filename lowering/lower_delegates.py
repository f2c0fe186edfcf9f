"""Compiles the regions that backends own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.arg_spec import ArgSpec, ParameterListType
from xdsl.utils.exceptions import PassFailedException

from ..dialects import memory
from ..dialects.context import weights_of
from ..dialects.delegate import ASKED, CallOp, RegionOp
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.weights import WeightsStore
from ..runtime.program.schema import BytesLike
from .backends import (
    Backend,
    BackendError,
    CompileOptions,
    Payload,
    backend_options,
    find_backend,
)
from .delegation_table import TABLE_KEY, DelegationTable
from .describe_delegation import describe_delegation


@dataclass(frozen=True)
class LowerDelegatesPass(ModulePass):
    """Compile every delegated region to a payload of its backend, and leave a call of it.

    Payloads are bytes in the weights store, under a hash of their content. What they look up by
    name becomes `memory.named_data`, and so does the table of what was delegated.

    The pass takes the options of the backends, `lower-delegates{target-cpu=x86-64-v3}`; those for
    one of several stand behind its name, `lower-delegates{llvm="target-cpu=x86-64-v3","opt=2"}`.

    Before:
    ```mlir
    %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
      delegate.yield %1 : tensor<4xf32>
    }
    ```
    After:
    ```mlir
    %0 = delegate.call "numpy" "sha256:5a…"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "lower-delegates"

    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_spec(cls, spec: ArgSpec) -> Self:
        """The pass with all options of the spec: it is the backends that know their names."""
        return cls(
            tuple((key, text) for key, values in spec.parameters.items() for text in _texts(values))
        )

    def spec(self, *, include_default: bool = False) -> ArgSpec:
        """The spec that gives the same options."""
        parameters: dict[str, ParameterListType] = {}
        for key, value in self.options:
            parameters[key] = (*parameters.get(key, ()), value)
        return ArgSpec(self.name, parameters)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Compile all regions; DiagnosticsError has what every backend refuses."""
        regions = [inner for inner in op.walk() if isinstance(inner, RegionOp)]
        backends = _backends(op, regions)
        options = _options_by_backend(self.options, backends)
        if not backends:
            return
        weights = weights_of(ctx)
        named = _NamedData(op, weights)
        table = describe_delegation(op).after(named.take_table())
        problems: list[Diagnostic] = []
        for region in regions:
            name = region.backend.data
            try:
                payload = _compile(backends[name], region, CompileOptions(options[name], ctx))
                named.add(payload.data)
            except BackendError as error:
                problems.append(Diagnostic.at(region, f"{name}: {error}"))
                continue
            key = weights.put(_array(payload.code))
            types = [output.type for output in region.outputs]
            call = CallOp(name, key, region.inputs, types, options[name])
            call.location = region.location
            for old, new in zip(region.outputs, call.outputs, strict=True):
                new.name_hint = old.name_hint
            Rewriter.replace_op(region, call)
        if problems:
            raise DiagnosticsError(problems)
        named.add({TABLE_KEY: table.to_json().encode()})


def _texts(values: ParameterListType) -> list[str]:
    """The values of an option as texts; an option without a value is on."""
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values or (True,)]


def _backends(module: ModuleOp, regions: list[RegionOp]) -> dict[str, Backend]:
    """The backends of the regions, and those that were asked and took nothing, by name."""
    found: dict[str, Backend] = {}
    asked = cast(ArrayAttr[StringAttr], module.attributes.pop(ASKED, ArrayAttr([])))
    users: list[tuple[str, Operation]] = [(name.data, module) for name in asked]
    for name, user in users + [(region.backend.data, region) for region in regions]:
        if name not in found:
            try:
                found[name] = find_backend(name)
            except BackendError as error:
                raise DiagnosticsError([Diagnostic.at(user, str(error))]) from error
    return found


def _options_by_backend(
    given: tuple[tuple[str, str], ...], backends: Mapping[str, Backend]
) -> dict[str, dict[str, str]]:
    """The options of each backend; PassFailedException for one that no backend takes."""
    common = {key: value for key, value in given if key not in backends}
    options = {name: backend_options(backend, common) for name, backend in backends.items()}
    unknown = common.keys() - {key for taken in options.values() for key in taken}
    for name, text in given:
        if name in backends:
            key, equals, value = text.partition("=")
            own = {key: value if equals else "true"}
            options[name] |= backend_options(backends[name], own)
            unknown |= own.keys() - options[name].keys()
    if unknown and backends:
        raise PassFailedException(
            f"lower-delegates: no backend takes the option {', '.join(sorted(unknown))}; "
            + "; ".join(_known_options(backend) for backend in backends.values())
        )
    return options


def _known_options(backend: Backend) -> str:
    names: Mapping[str, str] = getattr(backend, "options", None) or {}
    return f"{backend.name} has {', '.join(names) or 'no options'}"


def _compile(backend: Backend, region: RegionOp, options: CompileOptions) -> Payload:
    try:
        payload = backend.compile(region, options)
    except BackendError:
        raise
    except Exception as error:
        message = f"the backend {backend.name!r} fails: {type(error).__name__}: {error}"
        raise DiagnosticsError(
            [Diagnostic.at(region, message, "the backend is at fault")]
        ) from error
    return payload if isinstance(payload, Payload) else Payload(bytes(payload))


class _NamedData:
    """The named data of a module; equal keys must have equal bytes."""

    def __init__(self, module: ModuleOp, weights: WeightsStore):
        self._module = module
        self._weights = weights
        self._payloads = {
            op.key.data: op.payload.data for op in module.ops if isinstance(op, memory.NamedDataOp)
        }

    def take_table(self) -> DelegationTable:
        """The table of regions that were lowered before, taken out of the module."""
        for op in self._module.ops:
            if isinstance(op, memory.NamedDataOp) and op.key.data == TABLE_KEY:
                del self._payloads[TABLE_KEY]
                Rewriter.erase_op(op)
                text = self._weights[op.payload.data].tobytes().decode()
                return DelegationTable.from_json(text)
        return DelegationTable((), ())

    def add(self, data: Mapping[str, BytesLike | NDArray[Any]]) -> None:
        """Add what is new; BackendError for a key that has other bytes."""
        for key, value in data.items():
            if (known := self._payloads.get(key)) is not None:
                stored = self._weights[known]
                if stored is not value and not np.array_equal(_array(stored), _array(value)):
                    raise BackendError(f"two payloads give different bytes the key {key!r}")
                continue
            # Hashing what the store has under that key already would take long.
            stored = key in self._weights and self._weights[key] is value
            payload = key if stored else self._weights.put(_array(value))
            self._payloads[key] = payload
            self._module.body.block.add_op(memory.NamedDataOp(key, payload))


def _array(data: BytesLike | NDArray[Any]) -> NDArray[np.uint8]:
    if isinstance(data, np.ndarray):
        return np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return np.frombuffer(data, np.uint8)
