"""Targets that are commands."""
