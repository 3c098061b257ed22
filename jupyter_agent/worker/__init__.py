"""Worker processes, one task each: `child` of a kernel, or `detached`."""
