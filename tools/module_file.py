"""Modules as text files, with the weights files that belong to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from ..dialects.context import EdgeContext, set_weight_files, weight_files
from ..dialects.edge_parser import EdgeParser
from ..dialects.module_text import live_keys
from ..dialects.weights import Array, WeightsError, WeightsStore, read_safetensors
from ..dialects.weights import write_safetensors as write_safetensors_file
from .failure import ToolError
from .input_file import read_text
from .output_file import write_output


def read_module(ctx: EdgeContext, path: str, weights: Sequence[str] = ()) -> ModuleOp:
    """Read and verify the module of a file or of stdin (`-`), and open its weights files."""
    module = parse_module(ctx, read_text(path), path, weights)
    module.verify()
    return module


def parse_module(
    ctx: EdgeContext, text: str, path: str, weights: Sequence[str] = (), implicit: bool = True
) -> ModuleOp:
    """Parse the text of the file `path` (`-`: stdin) and open its weights files.

    `weights` replaces the files that the module lists. Raises ParseError, ToolError for a text that
    is nested too deeply, and WeightsError for a file that cannot be read.
    """
    name = "stdin" if path == "-" else path
    try:
        module = EdgeParser(ctx, text, name).parse_module(implicit)
    except RecursionError:
        raise ToolError(f"{name}: is nested too deeply") from None
    folder = "" if path == "-" else os.path.dirname(path)
    for file in weights or [os.path.join(folder, listed) for listed in weight_files(module)]:
        ctx.weights.open(file, os.path.normpath(file))
    return module


class Overlay:
    """The safetensors file that takes what passes made, beside the text that names it."""

    def __init__(self, output: str | None, save_weights: str | None = None):
        """`output` is the path of the text, None for stdout; `save_weights` that of the file."""
        text = "" if output is None or output == "-" else output
        self._output = output
        self._folder = os.path.dirname(text)
        self._path = save_weights
        if save_weights is None and text:
            self._path = str(Path(text).with_suffix(".safetensors"))
        self._tensors: dict[str, Array] = {}

    def add(self, module: ModuleOp, store: WeightsStore) -> None:
        """Take the module's new arrays; the module lists its files as seen from the output.

        Raises WeightsError where there are new arrays and no file for them.
        """
        live = live_keys(module, store)
        made = store.made(live)
        files = list(store.files)
        if made:
            if self._path is None:
                count = "a new tensor" if len(made) == 1 else f"{len(made)} new tensors"
                raise WeightsError(
                    f"the output has {count} and no weights file for them: "
                    "give --save-weights FILE.safetensors, or write to a file with -o"
                )
            if overwritten := _same_file(self._path, files):
                kept = read_safetensors(overwritten)
                made |= {key: kept[key] for key in live if key in kept and key not in made}
            else:
                files.append(self._path)
            self._tensors |= made
        set_weight_files(module, map(self._listed, files))

    def write(self, text: str) -> None:
        """Write the file, if there is anything for it, then the text: both, or no new file."""
        if self._path is None or not self._tensors:
            write_output(self._output, text)
            return
        is_new = not os.path.exists(self._path)
        write_safetensors_file(self._path, self._tensors)
        try:
            write_output(self._output, text)
        except OSError:
            if is_new:
                os.unlink(self._path)
            raise

    def _listed(self, file: str) -> str:
        relative = os.path.relpath(file, self._folder or os.curdir)
        return Path(relative).as_posix()


def _same_file(path: str, files: Iterable[str]) -> str | None:
    real = os.path.realpath(path)
    return next((file for file in files if os.path.realpath(file) == real), None)
