"""edgeir: a compiler framework for on-device AI, PyTorch to ExecuTorch programs through xDSL."""
