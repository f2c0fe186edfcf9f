"""The IR: dialects, shared attributes, the context and the weights store."""
