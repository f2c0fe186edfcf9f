"""lit format that runs `edge-opt … | filecheck …` lines inside lit's worker.

Starting two processes per line would take most of the time of a test run. Lines of any other
form, and all lines where EDGEIR_LIT_PROCESSES=1 is set, run as real processes.
"""

import contextlib
import io
import os
import re
import shlex
import sys
import traceback

import lit.formats
import lit.Test
import lit.TestRunner
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser

_PROCESSES = os.environ.get("EDGEIR_LIT_PROCESSES") == "1"
_TOOLS = {
    "edge-opt": f"{shlex.quote(sys.executable)} -m edgeir.tools.edge_opt",
    "filecheck": f"{shlex.quote(sys.executable)} -m filecheck",
}


class InProcessTest(lit.formats.ShTest):
    """A shell test, without the shell where its lines allow it."""

    def __init__(self) -> None:
        # A tool's name is a word of its own: not a part of a path, nor what replaced it.
        word = r"(?<![\w./-])(?<!-m ){}(?![\w./-])"
        tools = [(word.format(name), command) for name, command in _TOOLS.items()]
        super().__init__(execute_external=False, extra_substitutions=tools)

    def execute(self, test, litConfig):
        if _PROCESSES or test.config.unsupported:
            return super().execute(test, litConfig)
        script = lit.TestRunner.parseIntegratedTestScript(test)
        if isinstance(script, lit.Test.Result):
            return script
        temporary = lit.TestRunner.getTempPaths(test)
        os.makedirs(temporary[0], exist_ok=True)  # As a shell test finds it.
        substitutions = list(test.config.substitutions)
        substitutions += lit.TestRunner.getDefaultSubstitutions(test, *temporary)
        lines = lit.TestRunner.applySubstitutions(
            script, substitutions, recursion_limit=test.config.recursiveExpansionLimit
        )
        pipelines = [pipeline for line in lines for pipeline in _pipelines(line)]
        if None in pipelines:
            return super().execute(test, litConfig)
        for pipeline in pipelines:
            report = _run(pipeline)
            if report is not None:
                return lit.Test.FAIL, f"$ {' | '.join(map(shlex.join, pipeline))}\n{report}"
        return lit.Test.PASS, ""


def _pipelines(line):
    """The pipelines of a line, each a list of commands; None for one that needs a shell."""
    line = re.sub(r"%dbg\(.*?\)", "", line)
    for part in line.split("&&"):
        lexer = shlex.shlex(part, posix=True, punctuation_chars="|<>&;")
        lexer.whitespace_split = True
        commands = [[]]
        for word in lexer:
            if word == "|":
                commands.append([])
            elif set(word) <= set("|<>&;"):
                yield None
                break
            else:
                commands[-1].append(word)
        else:
            names = [command[0] if command else "" for command in commands]
            piped = names[:-1] and all(name == "edge-opt" for name in names[:-1])
            yield commands if piped and names[-1] == "filecheck" else None


def _run(pipeline):
    """What went wrong in a pipeline, None if nothing did."""
    from edgeir.tools.edge_opt import main

    text = ""
    for command in pipeline[:-1]:
        status, text, errors = _captured(lambda command=command: main(command[1:]), text)
        if status != 0:
            return f"{shlex.join(command)}: exit code {status}\n{errors}{text}"
    options = parse_argv_options(list(pipeline[-1]))
    status, report, errors = _captured(
        lambda: Matcher(options, FInput("<stdin>", text), Parser.from_opts(options)).run(), ""
    )
    return f"{errors}{report}\n--- input:\n{text}" if status != 0 else None


def _captured(function, text):
    """The exit code of a function that reads `text`, what it prints, and its errors."""
    out, errors = io.StringIO(), io.StringIO()
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = function()
    except SystemExit as error:
        status = error.code or 0
    except Exception:
        status = 1
        errors.write(traceback.format_exc())
    finally:
        sys.stdin = stdin
    return status, out.getvalue(), errors.getvalue()
