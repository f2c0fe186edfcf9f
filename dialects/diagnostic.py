"""Diagnostics: what is wrong, where in the user's model, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation
from xdsl.utils.exceptions import PassFailedException

from .location import Place, place_of


@dataclass(frozen=True)
class Diagnostic:
    """One message; printed as `model.py:12: error: in features.0.conv (aten.conv2d): …; try …`."""

    operation: str
    """Name of the operation, for example `aten.conv2d`."""
    location: Place
    message: str
    advice: str = ""
    severity: str = "error"

    @staticmethod
    def at(op: Operation, message: str, advice: str = "", severity: str = "error") -> Diagnostic:
        """The diagnostic about an operation of the IR."""
        return Diagnostic(op.name, place_of(op.location), message, advice, severity)

    def __str__(self) -> str:
        where = f"{self.location.file_line}: " if self.location.file_line else ""
        module = f"in {self.location.module} ({self.operation})" if self.location.module else ""
        subject = module or (f"in {self.operation}" if self.operation else "")
        text = f"{where}{self.severity}: {subject}: " if subject else f"{where}{self.severity}: "
        return text + self.message + (f"; {self.advice}" if self.advice else "")


class DiagnosticsError(PassFailedException):
    """A stage refuses the module; all of its reasons are in `diagnostics`."""

    def __init__(self, diagnostics: Sequence[Diagnostic]):
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, diagnostics)))
