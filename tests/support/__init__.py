"""What many tests share: builders, fakes, real servers and kernels."""
