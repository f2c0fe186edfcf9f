"""Lets every test import the shared modules of the test folders by their names."""

import sys
from pathlib import Path

for folder in ("lowering", "models", "runtime"):
    sys.path.append(str(Path(__file__).with_name(folder)))
