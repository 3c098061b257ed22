"""Targets that are functions or agents."""
