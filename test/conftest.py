"""Lets every test import the shared modules of the test folders, and the examples."""

import sys
from pathlib import Path

tests = Path(__file__).parent
sys.path.extend(str(folder) for folder in sorted(tests.rglob("[a-z]*")) if folder.is_dir())
sys.path.append(str(tests.parent))
