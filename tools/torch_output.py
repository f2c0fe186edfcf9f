"""Keeps torch's own warnings and logged tracebacks out of what a tool prints."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def quiet_torch() -> Generator[None]:
    """Within it, torch neither warns about its own code nor logs the errors that it raises too."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(disabled)
