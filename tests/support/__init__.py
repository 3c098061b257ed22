"""Shared parts of the tests: builders, fakes, real servers and kernels."""
