"""What of a captured graph cannot be imported."""

from __future__ import annotations

from collections import defaultdict

from torch.fx import Node

from ...dialects.diagnostic import Diagnostic
from ...dialects.location import Place, place_of
from .locations import node_location


class Problems:
    """What cannot be imported, each kind of problem once with all of its places."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str, str], list[Place]] = defaultdict(list)

    def add(self, operation: str, node: Node, message: str, advice: str) -> None:
        """Record a problem at a node."""
        self._places[operation, message, advice].append(place_of(node_location(node)))

    def diagnostics(self) -> list[Diagnostic]:
        """One diagnostic a kind, at its first place, the others listed."""
        return [
            Diagnostic(operation, places[0], message + _others(places), advice)
            for (operation, message, advice), places in self._places.items()
        ]


def _others(places: list[Place]) -> str:
    if len(places) == 1:
        return ""
    others = dict.fromkeys(str(place) for place in places[1:])
    shown = ", ".join(list(others)[:8])
    more = f" and {len(others) - 8} more" if len(others) > 8 else ""
    return f" (used {len(places)} times, also at {shown}{more})"
