"""Capture: from a torch.export ExportedProgram to the aten dialect. The only place that imports torch."""
