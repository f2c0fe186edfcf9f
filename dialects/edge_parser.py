"""xDSL's parser, made fit for texts of whole models.

It reads a tensor type or a location only once, however often it stands in the text, and it reads
strings of any language: xDSL prints them with escapes that its own parser takes for bytes. It
refuses values that are used before they are computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar, cast

from xdsl.context import Context
from xdsl.dialects.builtin import LocationAttr, ModuleOp
from xdsl.ir import Block, TypeAttribute
from xdsl.parser import Parser
from xdsl.utils.lexer import Input, Position
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind, StringLiteral

from .diagnostic import DiagnosticsError
from .use_order import late_values

_TENSOR = re.compile(r"tensor<[^<>]*(?:<[^<>]*>[^<>]*)?>")
"""A tensor type, with one level of brackets inside: `#edge.layout<…>`, `complex<f32>`."""


_LOCATION = re.compile(r'loc\((?:unknown|"[^"\\]*"(?::\d+:\d+|\("[^"\\]*":\d+:\d+\))?)\)')
"""A location as the importer makes them: of a line, of a module, of a line in a module."""

T = TypeVar("T")


class EdgeParser(Parser):
    """Parses modules; its errors are those of xDSL's parser."""

    def __init__(self, ctx: Context, input: str, name: str = "<unknown>"):
        super().__init__(ctx, "", name)
        self._parser_state = type(self._parser_state)(_Lexer(Input(input, name)))
        self._types: dict[str, TypeAttribute | None] = {}
        self._locations: dict[str, LocationAttr | None] = {}

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        """The module of the text; DiagnosticsError where a value is used before it is computed."""
        module = super().parse_module(allow_implicit_module)
        if late := list(late_values(module)):
            raise DiagnosticsError(late)
        return module

    def parse_optional_type(self) -> TypeAttribute | None:
        """A type, if there is one."""
        return self._known(_TENSOR, self._types, super().parse_optional_type)

    def parse_optional_location(self) -> LocationAttr | None:
        """A location, if there is one."""
        return self._known(_LOCATION, self._locations, super().parse_optional_location)

    def _parse_block(self) -> Block:
        # A block that was referred to before its declaration: xDSL misses the second one.
        token = self._current_token
        name = token.text[1:]
        if name in self.blocks and self.blocks[name][1] is None:
            if name not in self.forward_block_references:
                self.raise_error(f"re-declaration of block '{name}'", token.span)
        return super()._parse_block()

    def _known(
        self, pattern: re.Pattern[str], known: dict[str, T | None], parse: Callable[[], T | None]
    ) -> T | None:
        """What `parse` gives; a text that it has read before is skipped."""
        token = self._current_token
        if token.kind is not MLIRTokenKind.BARE_IDENT:
            return parse()
        match = pattern.match(self.lexer.input.content, token.span.start)
        if match is None:
            return parse()
        text = match.group()
        if text in known:
            self._resume_from(match.end())
            return known[text]
        value = parse()
        if self.pos >= match.end():
            known[text] = value
        return value


class _Lexer(MLIRLexer):
    def _lex_string_literal(self, start_pos: Position) -> MLIRToken:
        token = super()._lex_string_literal(start_pos)
        if token.kind is MLIRTokenKind.BYTES_LIT:
            try:
                cast(StringLiteral, token.span).bytes_contents.decode()
            except UnicodeDecodeError:
                return token
            return MLIRToken(MLIRTokenKind.STRING_LIT, token.span)
        return token
