"""Targets that are notebooks."""
