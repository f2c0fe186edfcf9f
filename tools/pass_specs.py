"""`-p "a,b{opt=1}"` as pass objects."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec, parse_pipeline

from ..lowering.pass_registry import PassFactory
from .failure import ToolError


def parse_passes(text: str, available: Mapping[str, PassFactory]) -> tuple[ModulePass, ...]:
    """The passes of a pipeline.

    Raises ToolError for an unknown pass (with those of like names), for wrong options and for a
    pass whose file cannot be imported; ArgSpecParseError for bad syntax.
    """
    specs = tuple(parse_pipeline(text))
    unknown = [spec.name for spec in specs if spec.name not in available]
    if unknown:
        raise ToolError("\n".join(_unknown(name, available) for name in unknown))
    return tuple(_build(spec, available[spec.name]) for spec in specs)


def _unknown(name: str, available: Mapping[str, PassFactory]) -> str:
    close = get_close_matches(name, available)
    hint = f"did you mean {' or '.join(close)}?" if close else "--help lists all passes"
    return f"unknown pass {name!r}; {hint}"


def _build(spec: ArgSpec, factory: PassFactory) -> ModulePass:
    try:
        pass_class = factory()
    except ImportError as error:
        raise ToolError(f"pass {spec.name} cannot be imported: {error}") from error
    try:
        return pass_class.from_pass_spec(spec)
    except ValueError as error:
        raise ToolError(f"-p {spec}: {error}") from error
