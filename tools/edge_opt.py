"""edge-opt: runs passes on modules, as mlir-opt and xdsl-opt do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .failure import run_tool


def main(argv: Sequence[str] | None = None) -> int:
    """Run edge-opt; the exit code is 0, or 1 after a message on stderr."""

    def tool() -> int:
        from .opt_driver import EdgeOptMain

        EdgeOptMain(sys.argv[1:] if argv is None else argv).run()
        return 0

    return run_tool("edge-opt", tool)


if __name__ == "__main__":
    sys.exit(main())
