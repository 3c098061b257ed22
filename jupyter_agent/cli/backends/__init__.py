"""Backends: where the command line gets its data."""
