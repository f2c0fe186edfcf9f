"""The driver behind `edge-opt`: xDSL's, with our context, passes, weights files and messages."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.targets import get_all_targets
from xdsl.utils.exceptions import DiagnosticException, ParseError, VerifyException
from xdsl.xdsl_opt_main import xDSLOptMain

from ..dialects.context import EdgeContext, edge_context
from ..dialects.diagnostic import Diagnostic, DiagnosticsError
from ..dialects.module_text import has_locations, print_module
from ..dialects.weights import WeightsStore
from ..lowering.pass_registry import all_passes, summary
from .failure import ToolError, failure_message
from .input_fault import input_fault
from .input_file import read_text
from .module_file import Overlay, parse_module
from .options import add_weights_option, fail_in_one_line
from .output_file import check_output
from .pass_specs import parse_passes
from .plugins import add_load_option, load_files

if TYPE_CHECKING:
    from .numerics_check import NumericsCheck

_DESCRIPTION = "Reads a module, runs passes on it, and prints it."


class EdgeOptMain(xDSLOptMain):
    """xDSL's driver with our context, passes, weights files and messages."""

    version_format = "edge-opt of edgeir, built on xdsl {xdsl_version}"

    def __init__(self, args: Sequence[str]):
        early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        fail_in_one_line(early)
        add_load_option(early)
        early.add_argument("-h", "--help", action="store_true")
        early_args = early.parse_known_args(args)[0]
        load_files(early_args.load)
        self._help_asked = cast(bool, early_args.help)
        super().__init__(_DESCRIPTION, args)
        self._weights_files = cast(list[str], self.args.weights)
        self._always_locations = cast(bool, self.args.print_debuginfo)

    def register_all_dialects(self) -> None:
        """Ours, those of entry points and those of `--load`."""
        self.ctx = edge_context()

    def register_all_passes(self) -> None:
        """Ours, those of entry points and those of `--load`."""
        for name, factory in all_passes().items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        """Those of xDSL."""
        self.available_targets = dict(get_all_targets())

    def register_all_frontends(self) -> None:
        """Text only; whatever its file is called."""
        self.available_frontends["mlir"] = self._parse

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        """The options of xdsl-opt and ours."""
        super().register_all_arguments(arg_parser)
        arg_parser.prog = "edge-opt"
        fail_in_one_line(arg_parser)
        if self._help_asked:
            # Reading every pass's description takes time.
            arg_parser.formatter_class = argparse.RawDescriptionHelpFormatter
            arg_parser.epilog = self._pass_list()
        add_weights_option(arg_parser)
        arg_parser.add_argument(
            "--save-weights",
            metavar="FILE",
            help="where tensors made by passes go (default: beside the file of -o)",
        )
        arg_parser.add_argument(
            "--check-numerics",
            action="store_true",
            help="run the module before and after each pass on the same random inputs, and stop "
            "at the first pass that changes a result",
        )
        add_load_option(arg_parser)

    def get_input_stream(self) -> tuple[IO[bytes], str]:
        """The bytes of the input file, or of stdin for none or `-`."""
        path = self._input_path()
        if advice := _OTHER_FORMATS.get(os.path.splitext(path)[1]):
            raise ToolError(f"{path}: is not text; {advice}")
        return BytesIO(read_text(path).encode()), "mlir"

    def setup_pipeline(self) -> None:
        """The passes of `-p`, with what happens between them."""
        passes = parse_passes(self.args.passes, self.available_passes)
        self.pipeline = PassPipeline(passes, self._between_passes)
        # Whoever lets a backend compile lets its code run in a numeric check.
        partitions = [p for p in passes if p.name == "partition"]
        self._backends = [name for p in partitions for name in getattr(p, "backend", ())]

    def run(self) -> None:
        """Process the chunks of the input; the outputs are written when all have succeeded."""
        output = cast(str | None, self.args.output_file)
        check_output(output)
        chunks, extension = self.prepare_input()
        overlay = Overlay(output, self.args.save_weights)
        texts: list[str] = []
        for index, (chunk, offset) in enumerate(chunks):
            if index > 0:
                texts.append("// -----\n")
            with chunk:
                texts.append(self._process(chunk, extension, offset, overlay))
        overlay.write("".join(texts))

    def _process(self, chunk: IO[bytes], extension: str, offset: int, overlay: Overlay) -> str:
        """The text of one chunk after the passes, or its diagnostics where they are asked for."""
        context = cast(EdgeContext, self.ctx)
        context.weights = WeightsStore()
        try:
            module = self.parse_chunk(chunk, extension, offset)
            assert module is not None
            self.args.print_debuginfo = self._always_locations or has_locations(module)
            self._start = time.perf_counter()
            self._numerics: NumericsCheck | None = None
            self.apply_passes(module)
            overlay.add(module, context.weights)
            for warning in context.warnings:
                print(warning, file=sys.stderr)
            context.warnings.clear()
            return self.output_resulting_program(module)
        except ParseError as error:
            error.span = dataclasses.replace(error.span, line_offset=offset)
            if self.args.parsing_diagnostics or self.args.verify_diagnostics:
                return f"{error}\n"
            raise
        except DiagnosticException as error:
            if self.args.verify_diagnostics:
                return f"{error}\n"
            raise

    def apply_passes(self, prog: ModuleOp) -> None:
        """Run the passes; where one breaks because of the input, raise what is wrong with that."""
        try:
            super().apply_passes(prog)
        except Exception as error:
            broken = failure_message("edge-opt", error) is None
            if broken and (fault := input_fault(self.ctx, self._parse_text())) is not None:
                raise fault from error
            raise

    def _parse(self, stream: IO[bytes]) -> ModuleOp:
        self._text = stream.read().decode()
        return self._parse_text()

    def _parse_text(self) -> ModuleOp:
        context, path = cast(EdgeContext, self.ctx), self._input_path()
        implicit = not self.args.no_implicit_module
        return parse_module(context, self._text, path, self._weights_files, implicit=implicit)

    def _pass_list(self) -> str:
        lines = ["passes:"]
        for name, factory in sorted(self.available_passes.items()):
            text = summary(name) or (factory().__doc__ or "").strip().split("\n")[0]
            lines.append(f"  {name:28} {text}".rstrip())
        return "\n".join(lines)

    def _input_path(self) -> str:
        return cast(str | None, self.args.input_file) or "-"

    def _between_passes(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if self.args.time_passes and previous is not None:
            milliseconds = (time.perf_counter() - self._start) * 1e3
            print(f"{milliseconds:10.2f} ms  {previous.name}", file=sys.stderr)
        if not self.args.disable_verify:
            self._verify(module, previous)
        if self.args.print_between_passes and previous is not None and following is not None:
            print(f"// IR after {previous.name}:\n{print_module(module)}", file=sys.stderr)
        if self.args.check_numerics:
            self._check_numerics(module, previous)
        self._start = time.perf_counter()

    def _verify(self, module: ModuleOp, previous: ModulePass | None) -> None:
        try:
            module.verify()
        except VerifyException as error:
            if self.args.verify_diagnostics:
                raise
            after = f" (after {previous.name})" if previous is not None else ""
            raise DiagnosticsError([_locate(module, error, after)]) from error

    def _check_numerics(self, module: ModuleOp, previous: ModulePass | None) -> None:
        # Imported here, because the kernels are slow to import and seldom asked for.
        from .numerics_check import NumericsCheck

        weights = cast(EdgeContext, self.ctx).weights
        if self._numerics is None or previous is None:
            self._numerics = NumericsCheck(module, weights, self._backends)
        else:
            self._numerics.check(module, weights, previous.name)


_OTHER_FORMATS = {
    ".pt2": "convert it with edge-translate MODEL.pt2 -o MODEL.mlir",
    ".pte": "it is a program, which edge-run runs",
    ".safetensors": "give weights with --weights",
}


def _locate(module: ModuleOp, error: VerifyException, after: str) -> Diagnostic:
    """The diagnostic at the operation that does not verify."""
    message = str(error).removeprefix("Operation does not verify: ").rstrip()
    for op in module.walk():
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException:
            return Diagnostic.at(op, message + after)
    return Diagnostic.at(module, message + after)
