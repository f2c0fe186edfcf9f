"""xDSL's parser, made fit for texts of whole models.

It reads each tensor type once, which takes more than half of the time off a large text, and reads
strings of any language: xDSL prints them with escapes that its own parser takes for bytes.
"""

from __future__ import annotations

import re
from typing import cast

from xdsl.context import Context
from xdsl.ir import TypeAttribute
from xdsl.parser import Parser
from xdsl.utils.lexer import Input, Position
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind, StringLiteral

_TENSOR = re.compile(r"tensor<[^<>]*(?:<[^<>]*>[^<>]*)?>")
"""A tensor type, with one level of brackets inside: `#edge.layout<…>`, `complex<f32>`."""


class EdgeParser(Parser):
    """Parses modules; its errors are those of xDSL's parser."""

    def __init__(self, ctx: Context, input: str, name: str = "<unknown>"):
        super().__init__(ctx, "", name)
        self._parser_state = type(self._parser_state)(_Lexer(Input(input, name)))
        self._types: dict[str, TypeAttribute | None] = {}

    def parse_optional_type(self) -> TypeAttribute | None:
        """A type, if there is one; the text of a tensor type seen before is skipped."""
        token = self._current_token
        if token.kind is not MLIRTokenKind.BARE_IDENT:
            return super().parse_optional_type()
        match = _TENSOR.match(self.lexer.input.content, token.span.start)
        if match is None:
            return super().parse_optional_type()
        text = match.group()
        if text in self._types:
            self._resume_from(match.end())
            return self._types[text]
        type = super().parse_optional_type()
        if self.pos >= match.end():
            self._types[text] = type
        return type


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
