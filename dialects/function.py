"""The attributes by which a function says how it is called."""

from collections.abc import Iterator

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from .expr import Bound

INPUTS = "edge.inputs"
"""On a function: the structure of its inputs, a JSON treespec."""
OUTPUTS = "edge.outputs"
"""On a function: the structure of its outputs, a JSON treespec."""
SYMBOLS = "edge.symbols"
"""On a function: the ranges of its symbolic sizes, `{s0 = [2, 64]}`; `[2]` has no upper bound."""
NAME = "edge.name"
"""On an argument or a result: the name that a user knows it by."""
VALUE = "edge.value"
"""On an argument: the number that it was when the model was captured, and must be again."""

MUTATES = "edge.mutates"
"""On a result: that it is the new value of a mutable buffer (its name), or of a mutated input (the
index of the argument). Such results come before those that the user gets."""


def functions(module: ModuleOp) -> Iterator[FuncOp]:
    """The functions of a module, each a method of the program."""
    return (op for op in module.body.block.ops if isinstance(op, FuncOp))


def input_names(function: FuncOp) -> list[str]:
    """The users' names of the arguments, empty where there is none."""
    return _names(function.arg_attrs, len(function.args))


def output_names(function: FuncOp) -> list[str]:
    """The users' names of the results, empty where there is none."""
    return _names(function.res_attrs, len(function.function_type.outputs))


def mutations(function: FuncOp) -> list[str | int]:
    """What the leading results of a function are new values of: a buffer, or an argument."""
    found: list[str | int] = []
    for entry in function.res_attrs or ():
        match entry.data.get(MUTATES):
            case StringAttr(data=name):
                found.append(name)
            case IntegerAttr() as index:
                found.append(index.value.data)
            case _:
                break
    return found


def symbol_ranges(function: FuncOp) -> dict[str, tuple[Bound, Bound]]:
    """The range of each symbolic size."""
    return ranges_of(function.attributes.get(SYMBOLS))


def ranges_of(symbols: Attribute | None) -> dict[str, tuple[Bound, Bound]]:
    """The ranges that an attribute like `{s0 = [2, 64], s1 = [1]}` gives; none if it is absent.

    Raises VerifyException for another attribute.
    """
    if symbols is None:
        return {}
    if not isinstance(symbols, DictionaryAttr):
        raise VerifyException(f"{SYMBOLS}: {symbols}; expected ranges, {{s0 = [2, 64]}}")
    return {name: _range(name, bounds) for name, bounds in symbols.data.items()}


def _range(name: str, bounds: Attribute) -> tuple[Bound, Bound]:
    match bounds:
        case ArrayAttr(data=(IntegerAttr() as low,)):
            return low.value.data, float("inf")
        case ArrayAttr(data=(IntegerAttr() as low, IntegerAttr() as high)):
            if low.value.data <= high.value.data:
                return low.value.data, high.value.data
        case _:
            pass
    raise VerifyException(
        f"{SYMBOLS}: the range of {name} is {bounds}; expected [least] or [least, largest]"
    )


def _names(attributes: ArrayAttr[DictionaryAttr] | None, count: int) -> list[str]:
    if attributes is None:
        return [""] * count
    names = (entry.data.get(NAME) for entry in attributes)
    return [name.data if isinstance(name, StringAttr) else "" for name in names]
