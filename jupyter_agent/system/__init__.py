"""This machine: paths, files, locks, host, processes."""
