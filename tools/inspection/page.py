"""A report as one HTML page that needs nothing but a browser."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from .report import Report

_MOST_SOURCE_BYTES = 2_000_000


def report_page(path: str, report: Report, source_folder: str) -> str:
    """The page; the model's files that are found in a folder are shown in it, line by line."""
    data = report.as_json() | {"path": path, "sources": _sources(report, Path(source_folder))}
    # In a script element only `</` and `<!--` mean something; JSON can do without any `<`.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "TITLE": html.escape(path),
        "STYLE": _part("page.css"),
        "GRAPH": _part("module_graph.js"),
        "SCRIPT": _part("page.js"),
        "DATA": text,
    }
    return re.sub(r"@([A-Z]+)@", lambda match: parts[match[1]], _part("page.html"))


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8").rstrip("\n")


def _sources(report: Report, folder: Path) -> dict[str, list[str]]:
    """The lines of the Python files that instructions come from, as far as they are in a folder."""
    names = {line.file for method in report.methods for line in method.instructions if line.file}
    found: dict[str, list[str]] = {}
    top = folder.resolve()
    for name in sorted(names):
        # A program may name any file; only Python below the folder is taken into the page.
        try:
            path = (top / name).resolve()
            inside = path.suffix == ".py" and path.is_relative_to(top) and path.is_file()
            if inside and path.stat().st_size <= _MOST_SOURCE_BYTES:
                found[name] = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (OSError, ValueError):
            continue
    return found
