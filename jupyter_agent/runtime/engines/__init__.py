"""Engines: the ways to run an attempt."""
