"""Runs attempts beside user code, in kernels and workers alike."""
