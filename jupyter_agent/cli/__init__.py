"""The command line, ``jupyter agent``. The only place that knows click and rich."""

from .main import main

__all__ = ["main"]
