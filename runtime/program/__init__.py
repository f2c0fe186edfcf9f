"""The ExecuTorch program format: schema, reader, verifier and writer."""
