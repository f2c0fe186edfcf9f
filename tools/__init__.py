"""Command lines, each thin."""
