"""What became of a kernel, as text to read: LLVM IR or assembly."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr, SymbolRefAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

FORMS = ("llvm-ir", "asm")


@irdl_op_definition
class CodeOp(IRDLOperation):
    """The code of a kernel for a CPU, a line a string. It is not run: the kernel beside it is.

    ```mlir
    kernel.code @relu "asm" for "x86-64-v4" [
      "relu:",
      "        vxorps  %xmm0, %xmm0, %xmm0",
    ]
    ```
    """

    name = "kernel.code"

    kernel = prop_def(SymbolRefAttr)
    form = prop_def(StringAttr)
    cpu = prop_def(StringAttr)
    lines = prop_def(ArrayAttr[StringAttr])

    traits = traits_def(Pure())

    def __init__(self, kernel: str, form: str, cpu: str, lines: Sequence[str]) -> None:
        super().__init__(
            properties={
                "kernel": SymbolRefAttr(kernel),
                "form": StringAttr(form),
                "cpu": StringAttr(cpu),
                "lines": ArrayAttr([StringAttr(line) for line in lines]),
            }
        )

    def print(self, printer: Printer) -> None:
        """Print `@kernel "asm" for "cpu" [`, then a line of text on each line."""
        printer.print_string(" ")
        printer.print_attribute(self.kernel)
        printer.print_string(" ")
        printer.print_attribute(self.form)
        printer.print_string(" for ")
        printer.print_attribute(self.cpu)
        printer.print_string(" [")
        with printer.indented():
            for number, line in enumerate(self.lines):
                printer.print_string("," if number else "")
                printer.print_string("\n")
                printer.print_attribute(line)
        printer.print_string("\n]")

    @classmethod
    def parse(cls, parser: Parser) -> CodeOp:
        """Parse what `print` writes."""
        kernel = parser.parse_symbol_name()
        form = parser.parse_str_literal()
        parser.parse_keyword("for")
        cpu = parser.parse_str_literal()
        lines = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        return cls(kernel.data, form, cpu, lines)

    def verify_(self) -> None:
        """The form is one that there is."""
        if self.form.data not in FORMS:
            raise VerifyException(f"kernel.code: the form is one of {', '.join(FORMS)}")
