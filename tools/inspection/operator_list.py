"""The operators of a program as the YAML that ExecuTorch's selective build takes.

The form is that of `executorch.codegen.tools.gen_oplist` (`selected_operators.yaml`): a library
built from it has the kernels of this program only. The kernel metadata says for each operator with
which dtypes and dim orders it is called, `v1/6;0,1|6;0,1`: for each tensor argument in order, outs
and return slot included, the number of its scalar type and its dim order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from ...runtime.program.schema import (
    ExecutionPlan,
    KernelCall,
    OptionalTensorList,
    Tensor,
    TensorList,
)
from .places import steps_of

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:;,|+-]*[A-Za-z0-9_./;]")


def operator_list(path: str, plans: Iterable[ExecutionPlan]) -> str:
    """The YAML text; `path` names the program as the origin of each operator."""
    keys: dict[str, set[str]] = {}
    for plan in plans:
        for operator in plan.operators:
            keys.setdefault(operator.full_name, set())
        for name, key in _calls(plan):
            keys[name].add(key)
    lines = ["build_features: []", "custom_classes: []"]
    # An operator that is in the table but not called has no combination.
    lines += _mapping("et_kernel_metadata", keys)
    for name in sorted(keys):
        if keys[name]:
            lines += [f"  {_scalar(name)}:", *(f"  - {_scalar(key)}" for key in sorted(keys[name]))]
        else:
            lines.append(f"  {_scalar(name)}: []")
    lines += ["include_all_non_op_selectives: false", "include_all_operators: false"]
    lines += ["kernel_metadata: {}", *_mapping("operators", keys)]
    for name in sorted(keys):
        lines += [
            f"  {_scalar(name)}:",
            "    debug_info:",
            f"    - {_scalar(path)}",
            "    include_all_overloads: false",
            "    is_root_operator: true",
            "    is_used_for_training: true",
        ]
    return "\n".join(lines) + "\n"


def _calls(plan: ExecutionPlan) -> Iterator[tuple[str, str]]:
    """The operator and the kernel key of each kernel call."""
    for step in steps_of(plan):
        if isinstance(step.instruction, KernelCall):
            described = (_described(plan, slot) for slot in step.instruction.args)
            tensors = "|".join(text for text in described if text is not None)
            key = f"v1/{tensors}" if tensors else "v1"
            yield plan.operators[step.instruction.op_index].full_name, key


def _described(plan: ExecutionPlan, slot: int) -> str | None:
    """The dtype and dim order of a tensor, or of the first tensor of a list."""
    match plan.values[slot]:
        case Tensor() as tensor:
            return f"{tensor.scalar_type};{','.join(map(str, tensor.dim_order))}"
        case TensorList(items=items) | OptionalTensorList(items=items):
            texts = (_described(plan, item) for item in items if item >= 0)
            return next((text for text in texts if text is not None), None)
        case _:
            return None


def _mapping(name: str, entries: dict[str, set[str]]) -> list[str]:
    return [f"{name}:" if entries else f"{name}: {{}}"]


def _scalar(text: str) -> str:
    """A string as a YAML scalar; a quoted one is as JSON has it."""
    plain = _PLAIN.fullmatch(text) is not None and not re.fullmatch(r"[0-9.+-]*", text)
    return text if plain and any(mark in text for mark in ("::", "/", "v1")) else json.dumps(text)
