"""What crosses a boundary: capture, conversions between dialects, backends, emission."""
