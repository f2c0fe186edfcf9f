"""Floats that the program computes: arithmetic on sizes and on numbers out of tensors.

Where PyTorch takes a tensor, such a number (`x / x.shape[0] ** 0.5`) is a tensor without
dimensions, computed by operators; it takes part in type promotion as the number does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import sympy  # pyright: ignore[reportMissingTypeStubs]
from torch.utils._sympy.functions import FloatPow, FloatTrueDiv, IntTrueDiv, ToFloat
from xdsl.dialects.builtin import AnyFloat, TensorType
from xdsl.ir import Operation, SSAValue

from ...dialects.aten import OPERATORS
from .types import SymbolNames

_UNARY = {"OpaqueUnaryFn_sqrt": "aten::sqrt", "OpaqueUnaryFn_exp": "aten::exp"}


class FloatNumbers:
    """Makes the tensors; `add` puts an operation behind those before."""

    def __init__(self, symbols: SymbolNames, add: Callable[[Operation], None]) -> None:
        self._symbols = symbols
        self._add = add

    def tensor(self, number: Any, element: AnyFloat) -> SSAValue:
        """The value of a sympy expression as a tensor of this element type.

        Raises UnsupportedValue for what no operator computes.
        """
        match number:
            case sympy.Float() | sympy.Rational():
                return self._leaf(float(number), element)
            case ToFloat():
                return self.tensor(number.args[0], element)
            case sympy.Add():
                return self._fold("aten::add.Tensor", number.args, element)
            case sympy.Mul():
                return self._fold("aten::mul.Tensor", number.args, element)
            case FloatPow() | sympy.Pow():
                return self._fold("aten::pow.Tensor_Tensor", number.args, element)
            case FloatTrueDiv() | IntTrueDiv():
                return self._fold("aten::div.Tensor", number.args, element)
            case _ if (key := _UNARY.get(type(number).__name__)) is not None:
                return self._apply(key, [self.tensor(number.args[0], element)], element)
            case _:
                return self._leaf(self._symbols.expr(number), element)

    def _leaf(self, value: Any, element: AnyFloat) -> SSAValue:
        op = OPERATORS["aten::scalar_tensor"](
            s=value, dtype=element, result_types=[TensorType(element, [])]
        )
        self._add(op)
        return op.results[0]

    def _fold(self, key: str, numbers: Any, element: AnyFloat) -> SSAValue:
        values = [self.tensor(number, element) for number in numbers]
        return reduce(lambda a, b: self._apply(key, [a, b], element), values)

    def _apply(self, key: str, operands: list[SSAValue], element: AnyFloat) -> SSAValue:
        op_class = OPERATORS[key]
        names = [argument.name for argument in op_class.SCHEMA.arguments]
        arguments: dict[str, Any] = dict(zip(names, operands, strict=False))
        op = op_class(**arguments, result_types=[TensorType(element, [])])
        self._add(op)
        return op.results[0]
