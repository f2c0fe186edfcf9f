"""The LLVM backend: edge regions to machine code, through the kernel dialect."""
