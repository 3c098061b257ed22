"""The command line as a module: ``python -m jupyter_agent.cli``."""

from .main import main

main()
