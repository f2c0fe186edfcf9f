"""The entry points of other packages that extend the compiler."""

from functools import cache
from importlib import metadata
from importlib.metadata import EntryPoint


@cache
def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, looked up once: it reads the metadata of every package."""
    return tuple(metadata.entry_points(group=group))
