"""What a caller gives, checked against what a method takes."""

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any, cast

import numpy as np

from .arrays import Array, to_array
from .errors import InputError
from .method_info import MethodInfo, TensorInfo


def flatten_inputs(info: MethodInfo, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """One value per input of the method.

    The arguments are those of the model's own call, or one per flat input, by position or by name.
    Raises InputError if they are neither.
    """
    problem = ""
    if info.input_structure is not None:
        positional, keywords = info.input_structure.children
        try:
            return positional.flatten(args, "args") + keywords.flatten(kwargs, "kwargs")
        except ValueError as error:
            problem = f": {error}"
    names = [value.name for value in info.inputs]
    if set(kwargs) == set(names[len(args) :]) and len(args) <= len(names):
        return [*args, *(kwargs[name] for name in names[len(args) :])]
    wanted = ", ".join(f"{value.name}: {value}" for value in info.inputs)
    given = f"{len(args)} positional"
    given += f" and {', '.join(kwargs)}" if kwargs else ""
    raise InputError(
        f"method {info.name!r} takes {len(names)} inputs ({wanted}), got {given}{problem}"
    )


def check_tensor(info: TensorInfo, position: int, value: Any) -> Array:
    """The array of a tensor input; InputError unless dtype and each dimension are right."""
    try:
        array = to_array(value)
    except TypeError as error:
        raise _error(info, position, str(error), "give a numpy array or a torch tensor") from error
    if array.dtype == info.dtype and array.shape == info.shape:
        return array
    given = f"{array.dtype}{list(array.shape)}"
    if array.dtype != info.dtype:
        raise _error(info, position, given, f"convert it to {info.dtype}")
    if array.ndim != len(info.shape):
        raise _error(info, position, given, f"it must have {len(info.shape)} dimensions")
    for dim, (size, limit) in enumerate(zip(array.shape, info.shape, strict=True)):
        if info.dynamic and size > limit:
            advice = f"dimension {dim} is larger than what the model was compiled for"
            raise _error(info, position, given, advice)
        if not info.dynamic and size != limit:
            advice = f"dimension {dim} differs; for other sizes compile with dynamic_shapes"
            raise _error(info, position, given, advice)
    return array


def check_sizes(info: MethodInfo, values: Sequence[Any]) -> None:
    """Check the sizes of all inputs, and against each other.

    Raises InputError that names the input and the dimension.
    """
    if info.input_sizes is not None:
        names = [value.name for value in info.inputs]
        info.input_sizes.check(names, [_extent(value) for value in values])


def _extent(value: Any) -> Sequence[int] | int | None:
    """The shape of an array, an integer itself."""
    if isinstance(value, np.ndarray):
        return cast(Array, value).shape
    return value if type(value) is int else None


def check_constant(info: TensorInfo, position: int, value: Any, traced: Any) -> None:
    """A Python value that was a constant to the export must be given as it was then."""
    given = _plain(value)
    if type(traced) is float and type(given) in (int, float):
        # The tolerance of ExecuTorch's runtime.
        same = isclose(given, traced, rel_tol=1e-5, abs_tol=1e-4) or given == traced
    else:
        same = type(given) is type(traced) and given == traced
    if not same:
        advice = "the value was fixed when the model was compiled"
        raise InputError(
            f"input {info.name!r} (#{position}): got {_shown(value)}, want {traced!r}; {advice}"
        )


def check_scalar(info: TensorInfo, position: int, value: Any) -> int | float | bool | str:
    """The number of a run-time scalar input; InputError if its type is not the input's."""
    given = _plain(value)
    accepted: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "bool": (bool,),
        "str": (str,),
        # What ExecuTorch's exporter writes for a symbolic number.
        "none": (int, float, bool),
    }
    if type(given) not in accepted[info.scalar_type]:
        raise _error(info, position, _shown(value), "give a Python number")
    return float(given) if info.scalar_type == "float" else given


def _plain(value: Any) -> Any:
    return cast(Any, value).item() if isinstance(value, np.generic) else value


def _shown(value: Any) -> str:
    plain = _plain(value)
    if plain is None or isinstance(plain, bool | int | float | str):
        return repr(plain)
    return f"a {type(plain).__name__}"


def _error(info: TensorInfo, position: int, given: str, advice: str) -> InputError:
    return InputError(f"input {info.name!r} (#{position}): got {given}, want {info}; {advice}")
