"""Loaders for the payloads of backends, found by name."""
