"""Capture: from torch.export to the aten dialect. The only place that imports torch."""
