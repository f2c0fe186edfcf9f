"""Handwritten digits: from training to two runtimes."""
