"""lit: the .mlir tests. `lit -sv test` runs them all; EDGEIR_LIT_PROCESSES=1 as real processes."""
# ruff: noqa: F821 - lit defines `config`

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

from inprocess_format import InProcessTest

config.name = "edgeir"
config.test_format = InProcessTest()
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(os.path.dirname(config.test_source_root), "build", "lit")
os.makedirs(config.test_exec_root, exist_ok=True)

_CUSTOM = "edge-opt %s | edge-opt | filecheck %s"
_GENERIC = "edge-opt %s --print-op-generic | edge-opt | filecheck %s"
config.substitutions.append(("EDGE_ROUNDTRIP", f"{_CUSTOM} && {_GENERIC}"))
config.recursiveExpansionLimit = 3
