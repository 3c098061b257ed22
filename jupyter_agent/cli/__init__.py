"""The command line, ``jupyter agent``."""

from .main import main

__all__ = ["main"]
