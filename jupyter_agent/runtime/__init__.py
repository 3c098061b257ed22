"""Runtime: runs attempts beside user code, in kernels and workers alike."""
