"""The edge dialect: core operators and kept composites, nothing implicit left."""
