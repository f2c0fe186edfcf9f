"""The delegate dialect: regions that a backend owns, and calls with a backend's payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import DictionaryAttr, StringAttr
from xdsl.ir import Attribute, Dialect, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

REASON = "delegate.reason"
"""On an operation: why no backend took it, each of the asked backends with its reason."""

ASKED = "delegate.backends"
"""On a partitioned module: the names of the backends that were asked, in order of preference."""


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a region and gives its results: `delegate.yield %0 : tensor<4xf32>`."""

    name = "delegate.yield"

    values = var_operand_def(AnyAttr())

    assembly_format = "attr-dict ($values^ `:` type($values))?"
    traits = traits_def(IsTerminator())

    def __init__(self, *values: SSAValue) -> None:
        super().__init__(operands=[values])


@irdl_op_definition
class RegionOp(IRDLOperation):
    """Edge operations that one backend compiles as a whole; all they use comes in as operands.

    ```mlir
    %1 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %0 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
      delegate.yield %0 : tensor<4xf32>
    }
    ```
    """

    name = "delegate.region"

    backend = prop_def(StringAttr)
    inputs = var_operand_def(AnyAttr())
    outputs = var_result_def(AnyAttr())
    body = region_def("single_block")

    assembly_format = (
        "$backend `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body"
    )
    traits = traits_def(IsolatedFromAbove(), SingleBlockImplicitTerminator(YieldOp), Pure())

    def __init__(
        self,
        backend: str,
        inputs: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        body: Region,
    ) -> None:
        super().__init__(
            properties={"backend": StringAttr(backend)},
            operands=[inputs],
            result_types=[result_types],
            regions=[body],
        )

    def verify_(self) -> None:
        """The block's arguments are the inputs, what it yields are the results."""
        block = self.body.block
        if [a.type for a in block.args] != [v.type for v in self.inputs]:
            raise VerifyException("delegate.region: block arguments differ from the inputs")
        last = block.last_op
        assert isinstance(last, YieldOp)
        if [v.type for v in last.values] != [v.type for v in self.outputs]:
            raise VerifyException("delegate.region: what is yielded differs from the results")


@irdl_op_definition
class CallOp(IRDLOperation):
    """A call of a compiled region; the payload is a weight (bytes) under `payload`.

    `options`: the compile options of the backend, which it also reads at load.

    ```mlir
    %1 = delegate.call "llvm" "sha256:12ab"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = delegate.call "llvm" "sha256:12ab"(%x) {options = {"target-cpu" = "cortex-a76"}}
      : (tensor<4xf32>) -> tensor<4xf32>
    ```
    """

    name = "delegate.call"

    backend = prop_def(StringAttr)
    payload = prop_def(StringAttr)
    options = opt_prop_def(DictionaryAttr)
    inputs = var_operand_def(AnyAttr())
    outputs = var_result_def(AnyAttr())

    assembly_format = (
        "$backend $payload `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)"
    )
    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)

    def __init__(
        self,
        backend: str,
        payload: str,
        inputs: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        options: Mapping[str, str] | None = None,
    ) -> None:
        given = {key: StringAttr(value) for key, value in (options or {}).items()}
        super().__init__(
            properties={
                "backend": StringAttr(backend),
                "payload": StringAttr(payload),
                "options": DictionaryAttr(given) if given else None,
            },
            operands=[inputs],
            result_types=[result_types],
        )

    @property
    def option_values(self) -> dict[str, str]:
        """The options by name."""
        return {key: cast(StringAttr, value).data for key, value in self._entries.items()}

    @property
    def _entries(self) -> Mapping[str, Attribute]:
        return (self.options or DictionaryAttr({})).data

    def verify_(self) -> None:
        """Options are strings."""
        for key, value in self._entries.items():
            if not isinstance(value, StringAttr):
                raise VerifyException(f"delegate.call: option {key} is {value}, not a string")


Delegate = Dialect("delegate", [CallOp, RegionOp, YieldOp], [])
