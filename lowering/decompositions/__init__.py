"""Decompositions of edge operators into others, one file a family, registered by schema key."""
