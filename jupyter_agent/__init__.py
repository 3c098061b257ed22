"""Durable tasks for notebooks: nothing lost, nothing twice, nothing blocked."""

__version__ = "0.1.0"
