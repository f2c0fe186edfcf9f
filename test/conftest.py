"""Lets every test import the shared modules of the test folders, and the examples; and random
inputs take the time that a busy machine needs for them."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

tests = Path(__file__).parent
sys.path.extend(str(folder) for folder in sorted(tests.rglob("[a-z]*")) if folder.is_dir())
sys.path.append(str(tests.parent))

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
