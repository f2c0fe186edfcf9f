"""Kernels for products of matrices of any strides, which linear layers and convolutions are.

A product runs over axes. Those along which B and the bias stay the same are rows, and the last two
of them are cut into tiles; the others are loops around. Columns are cut into panels; a constant B
is packed so that each panel is read from begin to end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import AnyFloat, f32

from .kernel_builder import KernelBuilder
from .product_kernel import Finish, Operands, ProductKernel
from .product_plan import Axis, Plan, Product, merge_axes, product_tile
from .program_builder import ProgramBuilder
from .step import Array
from .target import Target

__all__ = [
    "Axis",
    "Finish",
    "Operands",
    "Product",
    "insert_product",
    "launch_product",
    "pack",
    "panel_columns",
]


def pack(b: Array, columns: int) -> Array:
    """Matrices [..., K, N] as panels [N / columns][K][columns], the last one narrower."""
    *_, inner, width = b.shape
    if not b.size:
        return np.zeros(1, b.dtype)
    matrices = b.reshape(-1, inner, width)
    panels = [
        np.ascontiguousarray(matrix[:, begin : begin + columns]).reshape(-1)
        for matrix in matrices
        for begin in range(0, width, columns)
    ]
    return np.concatenate(panels)


def panel_columns(product: Product, target: Target) -> int:
    """The columns of a panel of B."""
    return product_tile(product, target).columns


def launch_product(
    program: ProgramBuilder,
    name: str,
    product: Product,
    operands: Operands,
    finish: Finish | None = None,
    element: AnyFloat = f32,
) -> None:
    """Add a product to the program; a packed B has panels of `panel_columns`."""
    finish = finish or Finish()
    shape = product_tile(product, program.target)
    product = replace(product, axes=merge_axes(product.axes))
    plan = Plan.of(product, shape, program.target)
    program.remember_cut(operands.c, plan.parts[1] > 1 and not plan.rows_first)
    arguments = [operands.a, operands.b, operands.c, *operands.extras]
    if operands.bias is not None:
        arguments.append(operands.bias)
    if plan.scratch:
        arguments.append(program.scratch(plan.scratch * element.bitwidth // 8, element))

    def build(k: KernelBuilder) -> None:
        rest = list(k.arguments)
        scratch = rest.pop() if plan.scratch else None
        bias = rest.pop() if operands.bias is not None else None
        at = Operands(rest[0], rest[1], rest[2], bias, tuple(rest[3:]))
        ProductKernel(k, plan, at, finish, scratch).build()

    program.launch(name, (plan, finish.key), arguments, plan.tasks, build)


def insert_product(
    k: KernelBuilder,
    product: Product,
    operands: Operands,
    target: Target,
    finish: Finish | None = None,
) -> None:
    """Write a product of a packed B as a part of a larger kernel, by one task."""
    product = replace(product, axes=merge_axes(product.axes))
    plan = Plan.of(product, product_tile(product, target), target)
    plan = replace(plan, parts=(1, 1, 1))
    ProductKernel(k, plan, operands, finish or Finish()).build()
