"""Lets every test import the shared modules of the test folders by their names."""

import sys
from pathlib import Path

sys.path.extend(
    str(folder) for folder in sorted(Path(__file__).parent.iterdir()) if folder.is_dir()
)
